"""The page of how the log stands: tree, checkpoint, witnesses, copies, receivers, other systems, clock."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.standing import standing
from app.audit.witnessing import warnings
from app.portal.dates import moment
from app.portal.desk.log import bar_of
from app.portal.gate import Visit, view
from app.portal.page import Page


async def log_state(request: Request) -> Response:
    """Show how the log stands."""

    async def work(visit: Visit) -> Page:
        values: dict[str, Any] = {
            "found": await standing(visit.hub),
            "warnings": await warnings(visit.hub),
            "now": visit.fhir.now,
            "moment": moment,
            "bar": await bar_of(visit),
        }
        return Page("audit_state.html", values)

    return await view(request, "audit", work, interaction="audit-log-used")
