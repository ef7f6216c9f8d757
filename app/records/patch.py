"""patch: https://hl7.org/fhir/R4/http.html#patch.

The resource is patched as it is stored and then written as an update of it is. What was received as the new version is
the patched body; the patch document is not kept.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping

import orjson

from app.records.checked import begun_again, checked_inside
from app.records.commit import committed
from app.records.conditional import condition, lock, match, own
from app.records.prepare import Prepared, prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.update import check_version, version_wanted
from app.records.writing import Writing
from app.records.written import written_response
from fhir.errors import Deleted, InvalidValue, NotFound, Unprocessable, UnsupportedPatch
from fhir.patch import fhirpath_patch, json_patch, xml_patch
from fhir.patch.exact import Patch
from fhir.resolve import dangling
from fhir.resource import InvalidJson, parse
from fhir.search.hashing import hash64
from fhir.store.read import read
from fhir.store.stored import Stored
from fhir.store.write import PATCH
from fhir.xml.errors import InvalidXml
from fhir.xml.to_json import to_json
from fhir.xml.to_xml import to_xml

JSON_PATCH = "application/json-patch+json"
FHIR_JSON = "application/fhir+json"

XML_PATCH = "application/xml-patch+xml"


def _xml_patch(document: bytes) -> Patch:
    """Return the patch of a resource's JSON that an XML Patch is, by way of its XML."""
    change = xml_patch.read(document)

    def patched(body: bytes) -> bytes:
        try:
            return to_json(change(to_xml(body))).body
        except InvalidXml as error:
            raise Unprocessable(f"The patch makes no resource: {error.diagnostics}", error.expression) from None

    return patched


FORMATS: dict[str, Callable[[bytes], Patch]] = {
    JSON_PATCH: json_patch.read,
    FHIR_JSON: fhirpath_patch.read,
    XML_PATCH: _xml_patch,
}
"""By media type, what reads a patch document; the CapabilityStatement names them."""


def read_patch(document: bytes, media_type: str) -> Patch:
    """Return the patch that a document of a media type is.

    Raises:
        UnsupportedPatch: patches of this type are not read.
        FhirError: it is malformed.
    """
    reader = FORMATS.get(media_type.partition(";")[0].strip().lower())
    if reader is None:
        raise UnsupportedPatch(f"A patch is one of {', '.join(FORMATS)}", taken=tuple(FORMATS))
    return reader(document)


def patch_of_entry(resource: bytes) -> tuple[bytes, str]:
    """Return the patch document and its media type of the resource in a Bundle's entry.

    Args:
        resource: A Binary that holds a document, or the Parameters of a FHIRPath Patch.

    Raises:
        InvalidValue: it is neither.
    """
    tree = orjson.loads(resource) if resource else {}
    if tree.get("resourceType") == "Parameters":
        return resource, FHIR_JSON
    if tree.get("resourceType") != "Binary":
        raise InvalidValue("The resource of a PATCH is a Binary or a Parameters", "resourceType")
    media_type, data = tree.get("contentType"), tree.get("data")
    if not isinstance(media_type, str) or not isinstance(data, str):
        raise InvalidValue("The Binary of a PATCH has a contentType and data", "Binary")
    try:
        return base64.b64decode("".join(data.split()), validate=True), media_type
    except (binascii.Error, ValueError):
        raise InvalidValue("This is not base64", "Binary.data") from None


async def _patched(writing: Writing, current: Stored, patch: Patch, path: str) -> Prepared:
    """Return the patched body, checked as that of an update is.

    Raises:
        Unprocessable: the patch cannot be applied, or what it makes is not a resource of this type and id.
        Forbidden: the role does not write such resources.
    """
    request, settings = writing.request, writing.request.hub.settings
    body = patch(bytes(current.body))
    most = settings.largest(current.type)
    if len(body) > most:
        raise Unprocessable(f"The patched resource is larger than {most} bytes", path or None)
    try:
        resource = parse(body)
    except InvalidJson as error:
        raise Unprocessable(error.diagnostics, error.expression) from None
    for name, value in (("resourceType", current.type), ("id", current.id)):
        if resource.get(name) != value:
            raise Unprocessable(f"A patch does not change the {name}", f"{current.type}.{name}")
    profiles = await request.hub.profiles(body)
    return checked_inside(lambda: prepare(body, request.authority, resource=resource, path=path, profiles=profiles))


async def lock_patched(writing: Writing, named: Iterable[tuple[str, str]]) -> None:
    """Let no other transaction patch these resources, by type and id, until this one ends.

    Patches follow one another, so that the next one finds what this one wrote. Any other write in between is seen
    when this one is flushed, and refuses it.
    """
    for key in sorted(hash64(f"{type_name}/{id_}") for type_name, id_ in named):
        await writing.connection.lock(key)


async def apply_patch(
    writing: Writing,
    type_name: str,
    id_: str,
    patch: Patch,
    *,
    wanted: int | None,
    references: Mapping[str, str] | None = None,
    path: str = "",
) -> tuple[Stored, Prepared]:
    """Gather the next version of a resource, made of the current one by a patch; `lock_patched` was asked before.

    Args:
        writing: The write transaction.
        type_name: The resource's type.
        id_: Its id.
        patch: What makes one body of another.
        wanted: The version that `If-Match` demands.
        references: From links inside a Bundle to the links that are stored.
        path: Where the patch lies in a Bundle, for errors.

    Raises:
        NotFound: the resource does not exist for the caller.
        Deleted: it was deleted.
        VersionConflict: it is not of the version that is wanted.
        Forbidden: it is in another site's custody, or the role does not write such resources.
        Unprocessable: the patch cannot be applied, or what it makes breaks a rule.
    """
    await check_version(writing, type_name, id_, wanted)
    # A patch tells of what is there, by what it makes of it and by what it refuses.
    current = await read(writing.connection, writing.request.visibility_for("ru"), type_name, id_)
    if current is None:
        raise NotFound(f"{type_name}/{id_} does not exist")
    if current.deleted:
        raise Deleted(f"{type_name}/{id_} was deleted")
    writing.own(current)
    prepared = await _patched(writing, current, patch, path)
    if references is not None and (issues := [*dangling(prepared.resource, references, path or type_name)]):
        raise Unprocessable("A reference means no entry", issues=issues)
    return await writing.update(prepared, id_, references=references, path=path, method=PATCH), prepared


def _change(request: FhirRequest, document: bytes) -> tuple[Patch, int | None]:
    """Return the patch, and the version that `If-Match` demands."""
    wanted = version_wanted(request)
    return read_patch(document, request.headers.get(b"content-type", b"").decode("latin-1")), wanted


async def _document(request: FhirRequest) -> bytes:
    known_type(request.type)
    if request.headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedPatch("A compressed patch is not read", taken=tuple(FORMATS))
    return await request.body(request.hub.settings.resource_bytes)


async def patch(request: FhirRequest) -> Response:
    """Change a resource as a patch document says."""
    change, wanted = _change(request, await _document(request))

    async def work(writing: Writing) -> tuple[Stored, Prepared]:
        await lock_patched(writing, [(request.type, request.id)])
        return await apply_patch(writing, request.type, request.id, change, wanted=wanted)

    stored, prepared = await begun_again(request.hub, lambda: committed(request, work))
    return written_response(request, stored, 200, prepared.warnings)


async def conditional_patch(request: FhirRequest) -> Response:
    """Change the one resource that the query means."""
    change, wanted = _change(request, await _document(request))
    query = condition(request, request.type, request.query_string.decode("latin-1"), request.type)

    async def work(writing: Writing) -> tuple[Stored, Prepared]:
        await lock(writing.connection, request, [request.type])
        found = await match(writing.connection, own(request), query, request.type)
        if found is None:
            raise NotFound(f"No {request.type} fulfils the condition", request.type)
        await lock_patched(writing, [(found.type, found.id)])
        return await apply_patch(writing, found.type, found.id, change, wanted=wanted)

    stored, prepared = await begun_again(request.hub, lambda: committed(request, work))
    return written_response(request, stored, 200, prepared.warnings)
