"""update, also as create: https://hl7.org/fhir/R4/http.html#update."""

import re

from app.records.commit import committed
from app.records.create import written_response
from app.records.prepare import prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.writing import Writing
from fhir.errors import InvalidValue, VersionConflict
from fhir.store.read import read
from fhir.store.stored import Stored

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


async def check_version(writing: Writing, type_name: str, id_: str, wanted: int | None) -> None:
    """Check the precondition of a write.

    Raises:
        VersionConflict: the current version is not `wanted`.
    """
    if wanted is None:
        return
    current = await read(writing.connection, writing.request.visibility, type_name, id_)
    if current is None or current.version != wanted:
        raise VersionConflict(f"The current version is not {wanted}", "If-Match")


async def update(request: FhirRequest) -> Response:
    """Store the body as the resource's next version."""
    known_type(request.type)
    request.check_content_type()
    header = request.headers.get(b"if-match")
    wanted = if_match(header.decode("latin-1") if header is not None else None)
    limit = request.hub.settings.bundle_bytes if request.type == "Bundle" else request.hub.settings.resource_bytes
    body = await request.body(limit)
    prepared = prepare(
        body, request.authority, type_name=request.type, id_=request.id, strict=request.hub.settings.profiles_strict
    )

    async def work(writing: Writing) -> Stored:
        await check_version(writing, request.type, request.id, wanted)
        return await writing.update(prepared, request.id)

    stored = await committed(request, work)
    return written_response(request, stored, 201 if stored.version == 1 else 200, prepared.warnings)
