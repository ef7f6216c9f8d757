"""update, also as create and conditional: https://hl7.org/fhir/R4/http.html#update."""

import re

from app.exchange.pixm.feed import check_domain, check_patient
from app.records.checked import checked
from app.records.commit import committed
from app.records.conditional import condition, lock, match, own
from app.records.document import document_of, file_document, is_plain
from app.records.prepare import Prepared, check_whole, prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.row_ids import new_id
from app.records.writing import Writing
from app.records.written import written_response
from fhir.errors import InvalidValue, VersionConflict
from fhir.search.query import Query
from fhir.store.read import read
from fhir.store.stored import Stored
from fhir.store.write import PUT

_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


def if_match(text: str | None) -> int | None:
    """Return the version that `If-Match` demands, or None.

    Raises:
        InvalidValue: it names no version.
    """
    if text is None:
        return None
    match = _ETAG.fullmatch(text.strip())
    if match is None:
        raise InvalidValue("If-Match names no version", "If-Match")
    return int(match[1])


async def check_version(writing: Writing, type_name: str, id_: str, wanted: int | None, letter: str = "u") -> None:
    """Check the precondition of a write; `letter` is what its scope needs.

    Raises:
        VersionConflict: the current version is not `wanted`.
    """
    if wanted is None:
        return
    current = await read(writing.connection, writing.request.visibility_for(letter), type_name, id_)
    if current is None or current.version != wanted:
        raise VersionConflict(f"The current version is not {wanted}", "If-Match")


async def write_where(writing: Writing, prepared: Prepared, query: Query, path: str, expression: str) -> Stored:
    """Gather the next version of the resource that a condition means, or a new resource when it means none.

    Raises:
        MultipleMatches: it means several.
        InvalidValue: the body has the id of another resource.
    """
    found = await match(writing.connection, own(writing.request), query, expression)
    stated = prepared.resource.get("id")
    if found is not None:
        if stated not in (None, found.id):
            raise InvalidValue("The condition means a resource of another id", f"{path or prepared.type}.id")
        return await writing.update(prepared, found.id, path=path)
    if stated is not None:
        return await writing.update(prepared, stated, path=path, new_only=True)
    row, id_ = new_id(writing.request.hub)
    if prepared.type == "Patient":
        writing.announce_patient(id_, row)
    return await writing.create(prepared, row=row, id_=id_, method=PUT, path=path)


def version_wanted(request: FhirRequest) -> int | None:
    """Return the version that a request's `If-Match` demands, or None.

    Raises:
        InvalidValue: it names no version.
    """
    header = request.headers.get(b"if-match")
    return if_match(header.decode("latin-1") if header is not None else None)


async def _prepared(request: FhirRequest, id_: str) -> Prepared:
    body = await request.body(request.hub.settings.largest(request.type))
    profiles = await request.hub.profiles(body)
    prepared = await checked(
        request.hub,
        lambda: prepare(
            body, request.authority, type_name=request.type, id_=id_, profiles=profiles, received=request.source
        ),
        len(body),
    )
    check_whole(prepared)
    return prepared


async def update(request: FhirRequest) -> Response:
    """Store the body as the resource's next version."""
    known_type(request.type)
    request.check_content_type()
    wanted = version_wanted(request)
    prepared = await _prepared(request, request.id)
    document = None if is_plain(prepared) else await document_of(request, prepared)

    async def work(writing: Writing) -> Stored:
        await check_version(writing, request.type, request.id, wanted)
        if document is not None:
            return await file_document(writing, document, id_=request.id)
        return await writing.update(prepared, request.id)

    stored = await committed(request, work)
    return written_response(request, stored, 201 if stored.version == 1 else 200, prepared.warnings)


async def conditional_update(request: FhirRequest) -> Response:
    """Store the body as the next version of the one resource that the query means, or as a new resource."""
    known_type(request.type)
    request.check_content_type()
    where = request.query_string.decode("latin-1")
    query = condition(request, request.type, where, request.type)
    wanted = version_wanted(request)
    prepared = await _prepared(request, "")
    document = None if is_plain(prepared) else await document_of(request, prepared)

    async def work(writing: Writing) -> Stored:
        await lock(writing.connection, request, [request.type])
        if document is not None:
            found = await match(writing.connection, own(request), query, request.type)
            return await file_document(writing, document, id_=found.id if found is not None else "")
        if request.type == "Patient":
            await check_domain(writing, request.type, where)
            await check_patient(writing, prepared.resource, where)
        stored = await write_where(writing, prepared, query, "", request.type)
        if wanted is not None and stored.version != wanted + 1:
            raise VersionConflict(f"The current version is not {wanted}", "If-Match")
        return stored

    stored = await committed(request, work)
    return written_response(request, stored, 201 if stored.version == 1 else 200, prepared.warnings)
