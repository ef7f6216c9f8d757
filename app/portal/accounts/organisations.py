"""The organisations of the region and their systems."""

from starlette.requests import Request
from starlette.responses import Response

from app.access.directory import clients
from app.access.rights.listed import rights
from app.portal.gate import Visit, view
from app.portal.page import Page
from app.portal.sites import read_sites


async def organisations(request: Request) -> Response:
    """Show the organisations, how many people sign in for each, who heads it, and its systems."""

    async def work(visit: Visit) -> Page:
        reader, now = visit.hub.database.reader, visit.fhir.now
        active = [one for one in await rights(reader, now) if one.state(now) == "active"]
        sites = await read_sites(visit.hub)
        values = {
            "sites": sites,
            "people": {key: sum(one.organisation == key for one in active) for key in sites.by_key},
            "heads": {key: [one for one in active if one.organisation == key and one.head] for key in sites.by_key},
            "clients": await clients(reader),
        }
        return Page("organisations.html", values)

    return await view(request, "organisations", work)
