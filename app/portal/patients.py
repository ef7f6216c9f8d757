"""The page that finds patients; it shows who exists for the caller, each person once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from app.identity.person import persons_of
from app.identity.scope import patient_keys
from app.portal.dates import moment
from app.portal.finding import Pairs, criteria, split_names
from app.portal.gate import Visit, view
from app.portal.page import Page
from app.portal.people import Someone, someone
from app.portal.sites import Sites, read_sites
from app.records.query import read_query
from fhir.search.run import search as run
from fhir.store.connection import Visibility
from fhir.store.stored import Stored

MOST_FOUND = 30
"""Patients that a search shows; more are a reason to type more."""


@dataclass(frozen=True, slots=True)
class Found:
    """A person among the results."""

    patients: tuple[Someone, ...]
    """The Patients that exist for the caller, the caller's own site's first."""

    @property
    def first(self) -> Someone:
        """The one that stands for the person."""
        return self.patients[0]

    @property
    def kana(self) -> str:
        """The kana, which a site may have where another has the kanji alone."""
        return next((one.kana for one in self.patients if one.kana), "")

    @property
    def other_names(self) -> list[str]:
        """The names of the person at other sites, where they are written differently."""
        return list(dict.fromkeys(one.kanji for one in self.patients if one.kanji and one.kanji != self.first.name))


def today(visit: Visit) -> date:
    """Return the day of a visit in Japan."""
    return moment(visit.fhir.now).date()


async def search(
    visit: Visit, pairs: Pairs, *, limit: int = MOST_FOUND, visibility: Visibility | None = None
) -> tuple[Sequence[Stored], int]:
    """Return Patients that match and exist for the caller, and how many there are in all.

    Args:
        visit: The caller's.
        pairs: The parameters of the search.
        limit: How many at most.
        visibility: What they are among, where that is less than what the caller may see.

    Raises:
        InvalidValue: a value is not of its parameter's form.
    """
    record = visit.fhir.record
    query = read_query(visit.hub, "Patient", [*pairs, ("_total", "accurate")])
    page = await run(record.connection, visibility or record.visibility, query, patient_keys, limit=limit)
    record.disclosed += page.matches
    return page.matches, page.total or 0


async def by_person(visit: Visit, patients: Sequence[Stored]) -> list[Found]:
    """Return Patients gathered by person, in the order of their kana."""
    person_of = await persons_of(visit.hub.database.reader, [one.patient_key for one in patients])
    gathered: dict[int, list[Someone]] = {}
    for stored in patients:
        shown = someone(stored, today(visit))
        gathered.setdefault(person_of.get(stored.patient_key, stored.patient_key), []).append(shown)
    own = visit.caller.organisation
    found = [Found(tuple(sorted(one, key=lambda who: who.custodian != own))) for one in gathered.values()]
    return sorted(found, key=lambda one: (one.kana or one.first.name, one.first.birth_date))


async def find(visit: Visit, typed: str, *, visibility: Visibility | None = None) -> tuple[list[Found], int]:
    """Return the persons whom `typed` finds, and how many Patients there are in all; `visibility` as for `search`."""
    for pairs in [criteria(typed), *split_names(typed)]:
        matches, total = await search(visit, pairs, visibility=visibility)
        if matches:
            return await by_person(visit, matches), total
    return [], 0


async def patients(request: Request) -> Response:
    """Show the search, and whom it finds."""

    async def work(visit: Visit) -> Page:
        typed = visit.web.query_params.get("q", "").strip()[:200]
        found: list[Found] = []
        total = 0
        if typed:
            visit.hub.limits.person_search(visit.caller)
            found, total = await find(visit, typed)
        sites: Sites = await read_sites(visit.hub)
        values = {"q": typed, "found": found, "total": total, "most": MOST_FOUND, "sites": sites}
        return Page("patients.html", values)

    return await view(request, "patients", work)
