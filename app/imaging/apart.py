"""Metadata and bulk data sent apart: each instance is put together as a file, which is then kept like any other.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import orjson

from app.blobs import Incoming
from app.imaging.keep import Failure, Received, keep
from app.imaging.mapped import mapped
from app.imaging.receive import in_time
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, DICOM_XML
from dicom.assembling import Bulk, assemble, uids
from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.json_model import Json
from dicom.media_types import parse
from dicom.multipart import Part, TooLarge, boundary_of, read_parts
from dicom.xml_model import InvalidModel, from_xml
from fhir.errors import InvalidValue

JSON_TYPES = (DICOM_JSON, "application/json")
MOST_METADATA_BYTES = 64 * 1024 * 1024
"""Of one request: they are read as a whole."""
MOST_PARTS = 20_000
"""And instances that their metadata describe."""


@dataclass(frozen=True, slots=True)
class _Spooled:
    """A part whose content is in a file."""

    part: Part
    incoming: Incoming

    @property
    def media_type(self) -> str:
        """What it says it is, without parameters."""
        found = parse(self.part.headers.get("content-type", ""))
        return found[0].name if found else ""

    @property
    def transfer_syntax(self) -> str:
        """The Transfer Syntax UID that it names, or an empty text."""
        found = parse(self.part.headers.get("content-type", ""))
        return found[0].parameter("transfer-syntax") if found else ""

    @property
    def content(self) -> bytes | memoryview:
        """The content, mapped."""
        return mapped(self.incoming.path) if self.part.size else b""


async def receive_apart(request: DicomRequest) -> AsyncIterator[Received | Failure]:
    """Yield what each instance of the body is; the bytes of a Received are durable.

    Raises:
        MalformedMultipart: the body is not multipart/related.
        TooLarge: a part or the whole is longer than is allowed.
        TooSlow: it does not come in time.
        InvalidValue: the metadata cannot be read at all.
    """
    spooled: list[Incoming] = []
    try:
        parts = await _spool(request, spooled)
        described: list[_Spooled] = []
        beside: list[_Spooled] = []
        for one in parts:
            (described if one.media_type in (*JSON_TYPES, DICOM_XML) else beside).append(one)
        if sum(one.part.size for one in described) > MOST_METADATA_BYTES:
            raise TooLarge(f"the metadata of one request have more than {MOST_METADATA_BYTES} bytes")
        models = [model for one in described for model in await asyncio.to_thread(_models, one)]
        if len(models) > MOST_PARTS:
            raise TooLarge(f"the metadata describe more than {MOST_PARTS} instances")
        bulk, left = _by_location(beside), request.hub.settings.stow_bytes
        for model in models:
            found, written = await _instance(request, model, bulk, min(left, request.hub.settings.instance_bytes))
            left -= written
            yield found
    finally:
        for waiting in spooled:
            waiting.discard()


async def _spool(request: DicomRequest, spooled: list[Incoming]) -> list[_Spooled]:
    settings, blobs = request.hub.settings, request.hub.blobs

    def open_file() -> Incoming:
        spooled.append(blobs.incoming())
        if len(spooled) > MOST_PARTS:
            raise TooLarge(f"the body has more than {MOST_PARTS} parts")
        return spooled[-1]

    found: list[_Spooled] = []
    boundary = boundary_of(request.headers.get(b"content-type", b"").decode("latin-1"))
    limits = {"max_part_bytes": settings.instance_bytes, "max_request_bytes": settings.stow_bytes}
    async for part in read_parts(in_time(request.chunks()), boundary, open_file, **limits):
        # Nothing is durable before it is put together: the file is closed, since there may be thousands.
        spooled[-1].close()
        found.append(_Spooled(part, spooled[-1]))
    return found


def _by_location(parts: Sequence[_Spooled]) -> dict[str, list[_Spooled]]:
    """Return the parts by what a BulkDataURI may call them: Content-Location, or the Content-ID as `cid:`."""
    found: dict[str, list[_Spooled]] = {}
    for one in parts:
        location, id_ = (one.part.headers.get(name, "") for name in ("content-location", "content-id"))
        for name in {location, f"cid:{id_.strip('<>')}" if id_ else ""} - {""}:
            found.setdefault(name, []).append(one)
    return found


def _models(one: _Spooled) -> list[Json]:
    """Return the data sets of a metadata part.

    Raises:
        InvalidValue: it cannot be read.
    """
    content = bytes(one.content)
    try:
        found = from_xml(content) if one.media_type == DICOM_XML else orjson.loads(content)
    except (InvalidModel, orjson.JSONDecodeError) as error:
        raise InvalidValue("The metadata is neither the DICOM JSON Model nor the Native DICOM Model") from error
    models = found if isinstance(found, list) else [found]
    if not all(isinstance(model, dict) for model in models):
        raise InvalidValue("The metadata is an array of objects, one for each instance")
    return models


async def _instance(
    request: DicomRequest, model: Json, bulk: dict[str, list[_Spooled]], most: int
) -> tuple[Received | Failure, int]:
    """Return what becomes of an instance, and how many bytes were written for it; it may have `most`."""
    incoming = request.hub.blobs.incoming()
    try:
        await asyncio.to_thread(_write, incoming, model, bulk, most)
        return await keep(request.hub, request.authority.custodian, incoming, study=request.study), incoming.size
    except InvalidInstance as error:
        return Failure(*uids(model), error.code, error.reason), incoming.size
    finally:
        incoming.discard()


def _write(incoming: Incoming, model: Json, bulk: dict[str, list[_Spooled]], most: int) -> None:
    found: dict[str, list[Bulk]] = {}

    def find(uri: str) -> list[Bulk]:
        if uri not in found:
            found[uri] = [Bulk(one.content, one.media_type, one.transfer_syntax) for one in bulk.get(uri, ())]
        return found[uri]

    for piece in assemble(model, find):
        # A few words of metadata may name the same bulk data again and again.
        if incoming.size + len(piece) > most:
            raise InvalidInstance("the instance is longer than is allowed", PROCESSING_FAILURE)
        incoming.write(piece)
