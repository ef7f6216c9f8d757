"""Role by section of the data: who may see what at all, for everybody to read."""

from starlette.requests import Request
from starlette.responses import Response

from app.access.caller import ROLES
from app.access.sections import sections
from app.portal.gate import Visit, view
from app.portal.page import Page


async def roles(request: Request) -> Response:
    """Show what each role sees and writes."""

    async def work(visit: Visit) -> Page:
        return Page("roles.html", {"rows": sections(), "roles": ROLES, "own": visit.caller.role})

    return await view(request, "", work)
