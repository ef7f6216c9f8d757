"""The page of entries: what was entered for me and waits for my word, what I entered, and what my site's people did."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.entries.approve import decide, may_decide
from app.entries.entry import LONGEST
from app.entries.listed import found, listed
from app.portal.forms import number, one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from fhir.errors import Conflict, InvalidValue, NotFound


async def _list(visit: Visit, *, problem: str = "") -> Page:
    every = visit.web.query_params.get("every") == "1"
    shown = await listed(visit.hub.database.reader, visit.caller, every=every)
    values: dict[str, Any] = {
        "entries": shown,
        "mine": {one.number for one in shown if may_decide(visit.caller, one)},
        "every": every,
        "longest": LONGEST,
        "problem": problem,
        "done": visit.web.query_params.get("done", ""),
    }
    return Page("entries.html", values, 400 if problem else 200)


async def entries(request: Request) -> Response:
    """Show the entries that wait for somebody's approval, or all of the newest."""

    async def work(visit: Visit) -> Page:
        return await _list(visit)

    return await view(request, "entries", work, interaction="entry")


async def approve(request: Request) -> Response:
    """Approve or decline an entry."""

    async def work(visit: Visit) -> Page | Response:
        form = visit.form
        entry = await found(visit.hub.database.reader, visit.caller, number(one(form, "entry"), digits=19))
        if entry is None:
            raise NotFound("There is no such entry")
        try:
            await decide(
                *(visit.hub, visit.caller, entry, one(form, "act"), one(form, "remark")),
                network=visit.fhir.network,
                path="/entries",
            )
        except InvalidValue as error:
            return await _list(visit, problem=error.expression or "act")
        except Conflict:
            return await _list(visit, problem="late")
        visit.fhir.recorded = True
        return moved("/entries?done=1")

    return await view(request, "entries", work, interaction="entry")
