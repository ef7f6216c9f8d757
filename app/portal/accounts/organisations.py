"""The organisations of the region and their systems; the secretariat adds an organisation."""

from starlette.requests import Request
from starlette.responses import Response

from app.access.directory import KINDS, AlreadyThere, clients
from app.access.enrol import Invalid, enrol_organisation
from app.access.rights.listed import rights
from app.access.rights.rules import checked_text
from app.portal.accounts.imaging_sources import imaging_sources
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.portal.sites import read_sites
from fhir.errors import Forbidden


async def _page(visit: Visit, *, problem: str = "") -> Page:
    reader, now = visit.hub.database.reader, visit.fhir.now
    active = [one for one in await rights(reader, now) if one.state(now) == "active"]
    sites = await read_sites(visit.hub)
    values = {
        "sites": sites,
        "people": {key: sum(one.organisation == key for one in active) for key in sites.by_key},
        "heads": {key: [one for one in active if one.organisation == key and one.head] for key in sites.by_key},
        "clients": await clients(reader),
        "imaging_sources": await imaging_sources(visit.hub),
        "kinds": KINDS,
        "problem": problem,
        "form": visit.form,
        "may_add": visit.caller.role == "secretariat",
    }
    return Page("organisations.html", values, 400 if problem else 200)


async def organisations(request: Request) -> Response:
    """Show the organisations, their people and heads, their systems, and where they keep images themselves."""
    return await view(request, "organisations", _page)


async def add_organisation(request: Request) -> Response:
    """Add a site or an office, and its Organization to the directory."""

    async def work(visit: Visit) -> Page | Response:
        if visit.caller.role != "secretariat":
            raise Forbidden("Organisations are added by the secretariat")
        form = visit.form
        kind = one(form, "kind")
        try:
            if kind not in KINDS:
                raise Invalid("There is no such kind")
            title = checked_text(one(form, "title"), "The name", "title")
            slug, number = one(form, "slug"), one(form, "number")
            await enrol_organisation(visit.hub, slug=slug, title=title, kind=kind, number=number)
        except Invalid as problem:
            return await _page(visit, problem=problem.field)
        except AlreadyThere:
            return await _page(visit, problem="taken")
        return moved("/organisations")

    return await view(request, "organisations", work, interaction="settings")
