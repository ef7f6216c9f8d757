"""The parts of a STOW-RS request: each is read, checked and kept as it comes; memory stays small.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

import asyncio
import logging
import mmap
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from app.blobs import Incoming
from app.imaging.patient import issuer, printable
from app.imaging.request import DicomRequest
from dicom.failures import (
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    DUPLICATE_SOP_INSTANCE,
    PROCESSING_FAILURE,
    InvalidInstance,
)
from dicom.multipart import Part, TooLarge, boundary_of, read_parts
from dicom.part10 import media_storage_uids, read_instance
from dicom.store.write import Extracted, extract, stored_digest

MOST_MODEL_BYTES = 200_000_000
"""Of all headers of one request as DICOM JSON: they wait in memory for the transaction."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """An instance whose bytes are durable."""

    extracted: Extracted = field(repr=False)
    issuer: str
    """Of the Patient ID, as `app.imaging.patient.issuer` returned it."""
    digest: str
    size: int
    """Bytes."""

    @property
    def sop_class_uid(self) -> str:
        """What kind of instance it is."""
        return self.extracted.facts.instance.sop_class_uid

    @property
    def sop_instance_uid(self) -> str:
        """Its name."""
        return self.extracted.facts.instance.sop_instance_uid


@dataclass(frozen=True, slots=True)
class Failure:
    """An instance that is not stored; its UIDs are empty when they could not be read."""

    sop_class_uid: str
    sop_instance_uid: str
    code: int
    """The Failure Reason (0008,1197)."""
    reason: str


async def receive(request: DicomRequest) -> AsyncIterator[Received | Failure]:
    """Yield what each part of the body is; the bytes of a Received are durable.

    Raises:
        MalformedMultipart: the body is not multipart/related.
        TooLarge: a part or the whole is longer than the settings allow, or the headers are.
    """
    settings, blobs = request.hub.settings, request.hub.blobs
    spooled: list[Incoming] = []

    def open_file() -> Incoming:
        spooled.append(blobs.incoming())
        return spooled[-1]

    model_bytes = 0
    boundary = boundary_of(request.headers.get(b"content-type", b"").decode("latin-1"))
    try:
        async for part in read_parts(
            request.chunks(),
            boundary,
            open_file,
            max_part_bytes=settings.instance_bytes,
            max_request_bytes=settings.stow_bytes,
        ):
            found = await _take(request, spooled[-1], part)
            spooled.pop().discard()
            if isinstance(found, Received):
                model_bytes += len(found.extracted.columns["model"])
                if model_bytes > MOST_MODEL_BYTES:
                    raise TooLarge(f"the headers of one request have more than {MOST_MODEL_BYTES} bytes")
            yield found
    finally:
        for one in spooled:
            one.discard()


async def _take(request: DicomRequest, incoming: Incoming, part: Part) -> Received | Failure:
    """Return what a part is, kept when it is sound and not there already."""
    custodian = request.authority.custodian
    found = await asyncio.to_thread(_read, incoming, part)
    if isinstance(found, Failure):
        return found
    study = found.extracted.facts.study
    if request.study and study.study_instance_uid != request.study:
        return failure(found, DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "the instance is of another study than the address")
    if not printable(study.patient_id):
        return failure(found, DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "the Patient ID is missing")
    known = await stored_digest(request.hub.database.reader, custodian, found.sop_instance_uid)
    if known is None:
        await request.hub.blobs.keep(custodian, incoming)
    elif known != found.digest:
        # The transaction asks again; here it spares a blob that nobody would refer to.
        return failure(found, DUPLICATE_SOP_INSTANCE, "the SOP Instance UID is in use for other content")
    return found


def failure(of: Received, code: int, reason: str) -> Failure:
    """Return the failure of an instance that could be read."""
    return Failure(of.sop_class_uid, of.sop_instance_uid, code, reason)


def _read(incoming: Incoming, part: Part) -> Received | Failure:
    incoming.finish()
    if not part.size:
        return Failure("", "", PROCESSING_FAILURE, "the part is empty")
    data = _mapped(incoming.path)
    try:
        instance = read_instance(data)
        extracted = extract(instance)
        return Received(extracted, issuer(instance.file, extracted.facts.study), part.sha256, part.size)
    except InvalidInstance as error:
        return Failure(*media_storage_uids(data), error.code, error.reason)
    except Exception:
        # Whatever strangers send, the other parts of the request have their own answer.
        logger.exception("An instance could not be read")
        return Failure(*media_storage_uids(data), PROCESSING_FAILURE, "the instance could not be read")


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
