"""The page of the records of provision to third parties: what a site has given to others, and had from them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access.directory import organisations
from app.audit.review import Question
from app.consent.third_party import Provision, parties_of, provisions, to_csv
from app.portal.audit import question_of
from app.portal.file import file_of
from app.portal.gate import Visit, view
from app.portal.page import Page
from app.portal.reviewer import reviewer_of
from app.portal.sites import Sites, read_sites

MOST_SHOWN = 200
"""Records on the page; the file has all."""

MOST_IN_FILE = 100_000
"""Records of one file; for more, ask for a shorter time, or use `renkei consent provided`."""

EVERY_SITE = frozenset({"auditor", "secretariat"})
"""Roles that keep the records of all sites; any other role sees those of its own."""


async def _question(visit: Visit, asked: dict[str, str], sites: Sites) -> Question:
    if visit.caller.role not in EVERY_SITE:
        asked = asked | {"site": visit.caller.organisation_slug}
    return question_of(asked, sites)


async def _found(visit: Visit, question: Question, most: int) -> tuple[list[Provision], bool]:
    """Return records, and whether there are more."""
    reader = visit.hub.database.reader
    sites = parties_of(await organisations(reader))
    # An auditor sees who saw whom, and no name of a patient.
    names_of = None if visit.caller.role == "secretariat" else visit.caller.organisation_reference
    own = None if visit.caller.role in EVERY_SITE else visit.caller.organisation
    found: list[Provision] = []
    implied = visit.hub.settings.consent != "explicit"
    walk = provisions(
        reader,
        reviewer_of(visit),
        question,
        sites,
        now=visit.fhir.now,
        names_of=names_of,
        own=own,
        implied=implied,
    )
    async for one in walk:
        if len(found) == most:
            return found, True
        found.append(one)
    return found, False


async def third_party(request: Request) -> Response:
    """Show the records of provision to third parties, or give them as a file."""

    async def work(visit: Visit) -> Page | Response:
        parameters = request.query_params
        asked = {name: parameters.get(name, "").strip()[:100] for name in ("patient", "site", "from", "to")}
        asked["user"] = ""
        sites = await read_sites(visit.hub)
        question = await _question(visit, asked, sites)
        as_file = parameters.get("format") == "csv"
        found, more = await _found(visit, question, MOST_IN_FILE if as_file else MOST_SHOWN)
        if as_file:
            return file_of("third-party-provisions", to_csv(found))
        values: dict[str, Any] = {
            "asked": asked,
            "found": found,
            "more": more,
            "sites": sites,
            "every_site": visit.caller.role in EVERY_SITE,
        }
        return Page("third_party.html", values)

    return await view(request, "third-party", work, interaction="audit-log-used")
