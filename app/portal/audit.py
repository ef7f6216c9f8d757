"""The auditor's page: who saw what. Its own use is an audit event."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.record import Event
from app.audit.review import Question, Reviewer, state
from app.portal.dates import moment, to_microseconds
from app.portal.gate import Visit, view
from app.portal.page import Page, address_with
from app.portal.sites import Sites, read_sites

ENTRIES = 50
"""Records on a page."""


@dataclass(frozen=True, slots=True)
class Line:
    """A record as the page shows it."""

    when: str
    event: Event
    site: str
    """Who asked: the title of the organisation."""
    custodian: str
    """Whose records: the title of the site."""


def reviewer_of(visit: Visit) -> Reviewer:
    """Return the process's reviewer, which remembers what it has learnt."""
    held = visit.web.app.state
    if not hasattr(held, "reviewer"):
        held.reviewer = Reviewer(visit.hub.audit.keys)
    reviewer: Reviewer = held.reviewer
    return reviewer


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def question_of(asked: dict[str, str], sites: Sites) -> Question:
    """Return the question that the fields of the page's form ask; what is no date asks nothing."""
    begins, ends = _day(asked["from"]), _day(asked["to"])
    patient = asked["patient"].removeprefix("Patient/")
    site = next((one.reference for one in sites.by_key.values() if one.slug == asked["site"]), "")
    return Question(
        patient=f"Patient/{patient}" if patient else "",
        user=asked["user"],
        site=site,
        begins=to_microseconds(begins) if begins else 0,
        ends=to_microseconds(ends + timedelta(days=1)) if ends else 2**62,
    )


def _lines(events: list[Event], sites: Sites) -> list[Line]:
    titles = {one.reference: one.title for one in sites.by_key.values()}
    return [
        Line(
            f"{moment(event.recorded):%Y-%m-%d %H:%M:%S}",
            event,
            titles.get(event.organisation or "", ""),
            titles.get(event.custodian or "", ""),
        )
        for event in events
    ]


async def audit(request: Request) -> Response:
    """Show records of the audit log, the newest first."""

    async def work(visit: Visit) -> Page:
        parameters = request.query_params
        asked = {name: parameters.get(name, "").strip()[:100] for name in ("patient", "user", "site", "from", "to")}
        sites = await read_sites(visit.hub)
        before = parameters.get("before", "")
        reader = visit.hub.database.reader
        answer = await reviewer_of(visit).ask(
            reader,
            question_of(asked, sites),
            now=visit.fhir.now,
            limit=ENTRIES,
            before=int(before) if before.isdigit() and len(before) < 20 else None,
        )
        values: dict[str, Any] = {
            "asked": asked,
            "lines": _lines([entry.event for entry in answer.entries], sites),
            "older": address_with(request, before=str(answer.before)) if answer.before else None,
            "newest": address_with(request, before=None) if before else None,
            "sites": sites,
            "state": await state(reader),
            "moment": moment,
        }
        return Page("audit.html", values)

    return await view(request, "audit", work, interaction="audit-log-used")
