"""The secretariat's list of patients whose records draw the curious: each access to them is flagged for the auditor."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.watched import LONGEST, leave, watch, watched
from app.portal.finding import criteria
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.portal.patients import MOST_FOUND, by_person, search, today
from app.portal.people import someone
from app.portal.sites import read_sites
from fhir.errors import Conflict, InvalidValue, NotFound


async def _page(visit: Visit, *, problem: str = "", status: int = 200) -> Page:
    parameters, reader = visit.web.query_params, visit.hub.database.reader
    typed = parameters.get("q", "").strip()[:200]
    if typed:
        visit.hub.limits.person_search(visit.caller)
    matches = (await search(visit, criteria(typed)))[0] if typed else ()
    # A form that failed is about the same patient as before.
    chosen = parameters.get("patient", "") or one(visit.form, "patient")
    who = someone(await visit.fhir.record.read("Patient", chosen), today(visit)) if chosen else None
    values: dict[str, Any] = {
        "q": typed,
        "found": await by_person(visit, matches),
        "most": MOST_FOUND,
        "who": who,
        "listed": await watched(reader),
        "sites": await read_sites(visit.hub),
        "longest": LONGEST,
        "problem": problem,
        "done": parameters.get("done", ""),
    }
    return Page("watched.html", values, status)


async def watched_patients(request: Request) -> Response:
    """Show the list, and who is to be put on it."""
    return await view(request, "watched", _page)


async def change_watched(request: Request) -> Response:
    """Put somebody on the list, or take somebody off it."""

    async def work(visit: Visit) -> Page | Response:
        form = visit.form
        patient = await visit.fhir.record.read("Patient", one(form, "patient"))
        change = leave if one(form, "act") == "leave" else watch
        try:
            await change(
                *(visit.hub, visit.caller, f"Patient/{patient.id}", patient.patient_key, one(form, "why")),
                network=visit.fhir.network,
            )
        except InvalidValue:
            return await _page(visit, problem="why", status=400)
        except (Conflict, NotFound):
            return await _page(visit, problem="listed", status=409)
        visit.fhir.recorded = True
        return moved("/watched?done=1")

    return await view(request, "watched", work, interaction="admin")
