"""未告知 and 未提供: a site marks a record of its own, and everything taken from it carries the mark as well.

A mark is added and never taken away here: what was marked by mistake is written anew by the system that keeps it.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.items import TYPES, item
from app.portal.page import Page
from app.portal.sites import read_sites
from app.records.meta_change import add_label
from fhir.errors import Forbidden, InvalidValue, NotFound
from fhir.resource import parse
from fhir.store.labels import DISCLOSURE
from fhir.store.stored import Stored

FLAGS = ("UNINFORMED", "UNDELIVERED")


async def _own(visit: Visit, type_name: str, id_: str) -> Stored:
    """Return a record of the caller's own site.

    Raises:
        NotFound: it does not exist for the caller.
        Forbidden: it is in another site's custody.
    """
    if type_name not in TYPES:
        raise NotFound("There is no such record")
    stored = await visit.fhir.record.read(type_name, id_)
    if stored.custodian != visit.caller.organisation:
        raise Forbidden("A record is marked by the site that keeps it")
    return stored


async def flags(request: Request) -> Response:
    """Show a record of the own site and its marks."""
    type_name, id_ = request.path_params["type"], request.path_params["id"]

    async def work(visit: Visit) -> Page:
        stored = await _own(visit, type_name, id_)
        shown = item(stored)
        if shown is None:
            raise NotFound("The record was entered in error")
        held = {coding.get("code") for coding in parse(stored.body).get("meta", {}).get("security", ())}
        values = {
            "record": shown,
            "address": f"/flags/{type_name}/{id_}",
            "flags": [(flag, flag in held) for flag in FLAGS],
            "sites": await read_sites(visit.hub),
            "patient": await visit.hub.patient_reference(stored.patient_key) if stored.patient_key > 0 else "",
        }
        return Page("flags.html", values)

    return await view(request, "timeline", work, interaction="read", action="R")


async def mark(request: Request) -> Response:
    """Mark a record of the own site."""
    type_name, id_ = request.path_params["type"], request.path_params["id"]

    async def work(visit: Visit) -> Response:
        flag = one(visit.form, "flag")
        if flag not in FLAGS:
            raise InvalidValue("This is no mark", "flag")
        await _own(visit, type_name, id_)
        visit.fhir.interaction, visit.fhir.action = "update", "U"

        await add_label(visit.fhir, type_name, id_, {"system": DISCLOSURE, "code": flag})
        return moved(f"/flags/{type_name}/{id_}")

    return await view(request, "timeline", work)
