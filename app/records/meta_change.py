"""What `$meta-add` and `$meta-delete` have in common: a change of a resource's meta is a new version of it.

R4 lets a server do so without one; but then a version would not be what it was, and the history not true.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.audit.record import Event
from app.records.checked import begun_again, checked_inside
from app.records.commit import committed
from app.records.events import events
from app.records.parameters import PARAMETERS_BYTES, parameters_of
from app.records.prepare import prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.update import check_version, version_wanted
from app.records.writing import Writing
from fhir.errors import Deleted, Forbidden, InvalidValue, NotFound
from fhir.operations.meta import added, answer, meta_of
from fhir.resource import parse
from fhir.store.categories import category
from fhir.store.read import read
from fhir.store.stored import Stored

Change = Callable[[bytes, Mapping[str, Any]], bytes | None]
"""From a stored body and a Meta to the changed body; None when nothing changes."""


async def _given(request: FhirRequest) -> Mapping[str, Any]:
    request.check_content_type()
    found = parameters_of(await request.body(PARAMETERS_BYTES))
    if len(found) != 1 or found[0]["name"] != "meta" or "valueMeta" not in found[0]:
        raise InvalidValue("The one parameter is `meta`, with a valueMeta", "Parameters.parameter")
    given: Mapping[str, Any] = found[0]["valueMeta"]
    return given


async def _current(writing: Writing, type_name: str, id_: str) -> Stored:
    request = writing.request
    current = await read(writing.connection, request.visibility_for("ru"), type_name, id_)
    if current is None:
        raise NotFound(f"{type_name}/{id_} does not exist")
    if current.custodian != request.authority.custodian:
        raise Forbidden(f"{type_name}/{id_} is in another site's custody")
    if current.deleted:
        raise Deleted(f"{type_name}/{id_} was deleted")
    return current


async def change(request: FhirRequest, how: Change) -> Response:
    """Change the meta of a resource and answer the whole of it.

    Raises:
        NotFound: the resource does not exist for the caller.
        Forbidden: it is in another site's custody, or the role does not write such resources.
        VersionConflict: `If-Match` demands another version.
    """
    request.check_accept()
    type_name = known_type(request.type)
    given = await _given(request)
    wanted = version_wanted(request)

    async def work(writing: Writing) -> Stored:
        await check_version(writing, type_name, request.id, wanted)
        current = await _current(writing, type_name, request.id)
        body = how(current.body, given)
        if body is None:
            return current
        profiles = await request.hub.profiles(body)
        prepared = checked_inside(
            lambda: prepare(body, request.authority, type_name=type_name, id_=request.id, profiles=profiles)
        )
        return await writing.update(prepared, request.id)

    async def tell(stored: Stored, _: Writing) -> list[Event]:
        return await events(request, [stored], 200)

    stored = await begun_again(request.hub, lambda: committed(request, work, tell))
    return fhir_response(answer(meta_of(stored.body)), version=stored.version, last_updated=stored.last_updated)


async def add_label(request: FhirRequest, type_name: str, id_: str, label: Mapping[str, str]) -> Stored:
    """Add a label to a resource of the caller's own custody, whatever else of it the role may write.

    Raises:
        NotFound: the resource does not exist for the caller.
        Forbidden: it is in another site's custody.
    """

    async def work(writing: Writing) -> Stored:
        current = await _current(writing, type_name, id_)
        body = added(current.body, {"security": [label]})
        if body is None:
            return current
        # Whoever cares for the patient marks what the site keeps, and changes nothing else of it.
        request.let_write(category(parse(body)))
        return await writing.update(prepare(body, request.authority, type_name=type_name, id_=id_), id_)

    return await committed(request, work)
