"""The page that says why somebody may, or may not, see a record; for those who answer for consent."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from app.access.caller import ROLES
from app.audit.record import Event
from app.consent.explain.asked import Question, answer
from app.consent.explain.told import told
from app.consent.explain.verdict import Explanation
from app.consent.purposes import NUMBERS
from app.portal.dates import JST
from app.portal.gate import Visit, view
from app.portal.page import Page
from app.portal.sites import read_sites
from app.records.events import common
from fhir.errors import InvalidValue, NotFound

FIELDS = ("record", "organisation", "account", "role", "purpose", "at")
LONGEST = 200
"""Characters of a field."""


def _instant(text: str) -> int:
    """Return an instant as the browser's field writes it, in Japan; 0 for none.

    Raises:
        InvalidValue: it is none.
    """
    if not text:
        return 0
    try:
        return round(datetime.fromisoformat(text).replace(tzinfo=JST).timestamp() * 1_000_000)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("This is no instant", "at") from error


async def _answered(visit: Visit, asked: dict[str, str]) -> tuple[Explanation | None, str]:
    """Return the answer, or which field is wrong."""
    try:
        question = Question(
            *(asked["record"], asked["organisation"], asked["account"], asked["role"], asked["purpose"]),
            at=_instant(asked["at"]),
        )
        found, facts = await answer(visit.hub, visit.caller, question)
    except InvalidValue as error:
        return None, {"organization": "organisation"}.get(error.expression or "", error.expression or "record")
    except NotFound:
        return None, "record"
    event = Event(**common(visit.fhir, 200))
    await visit.hub.audit.append([await told(visit.hub, event, asked["record"], facts)])
    visit.fhir.recorded = True
    return found, ""


async def explain(request: Request) -> Response:
    """Show the question, and its answer once it is asked."""

    async def work(visit: Visit) -> Page:
        asked = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in FIELDS}
        found, problem = await _answered(visit, asked) if asked["record"] else (None, "")
        values = {
            "asked": asked,
            "found": found,
            "problem": problem,
            "sites": await read_sites(visit.hub),
            "roles": ROLES,
            "purposes": list(NUMBERS),
        }
        return Page("explain.html", values, 400 if problem else 200)

    return await view(request, "explain", work, interaction="operation", action="R")
