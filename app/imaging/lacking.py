"""What an answer in parts lacks: said before its first byte, or else the answer breaks off; never kept silent.

What is known to be lacking makes it 206, with a warning that counts. What turns out so later is noted, and after the
last part the connection ends without the closing boundary: whoever asks again is told before the first byte.
https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.3
"""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from app.imaging.pixels import present
from app.imaging.response import Header
from app.imaging.sources.failures import SourceFailed, Untrue
from fhir.errors import FhirError

if TYPE_CHECKING:
    from app.imaging.request import DicomRequest
    from dicom.store.read import InstanceRow

PARTIAL = 206

logger = logging.getLogger(__name__)


class Incomplete(Exception):
    """An answer that had begun ends here, and not as if it were whole."""


def is_partial(request: "DicomRequest", rows: "Sequence[InstanceRow]") -> bool:
    """Return whether some instances, of several, are known not to be had."""
    return any(request.hub.not_given.has(request, row) for row in rows)


async def at_hand(
    request: "DicomRequest", rows: "Sequence[InstanceRow]"
) -> "tuple[list[InstanceRow], list[InstanceRow]]":
    """Return what an answer begins with, and what it is known to lack; each source has been asked for one instance.

    Args:
        request: The request.
        rows: What it names.

    Raises:
        SourceFailed: none of it can be had.
    """
    failure: SourceFailed | None = None
    known = [row for row in rows if not request.hub.not_given.has(request, row)]
    sound: set[int] = set()
    ill: set[int] = set()
    found = []
    for row in known or rows:
        if row.source is None or row.source in sound:
            found.append(row)
            continue
        if row.source in ill and not request.hub.held.has(row):
            continue
        try:
            found.append(await present(request.hub, row))
            sound.add(row.source)
        except SourceFailed as error:
            failure = error
            if not isinstance(error, Untrue):
                ill.add(row.source)
    if not found:
        raise failure or SourceFailed("No instance can be had from its imaging source")
    kept = {(row.patient_key, row.id) for row in found}
    return found, [row for row in rows if (row.patient_key, row.id) not in kept]


def status_and_warning(lacks: int, of: int) -> tuple[int, list[Header]]:
    """Return the status of an answer, and the headers that say what it lacks."""
    if not lacks:
        return 200, []
    return PARTIAL, [(b"warning", b'299 - "%d of %d instances cannot be had at present"' % (lacks, of))]


async def begun(parts: AsyncIterator[bytes], end: bytes, nothing: FhirError) -> AsyncIterator[bytes]:
    """Return the parts of an answer once the first is there: what hinders all of them is told before it begins.

    Args:
        parts: Raise what hinders them, if there is none.
        end: What stands after the last.
        nothing: What is to be told if that is all there is.

    Raises:
        FhirError: there is none.
    """
    first = await anext(parts)
    if first == end:
        raise nothing
    return _all(first, parts)


async def _all(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part


def check_whole(request: "DicomRequest", lost: "Sequence[InstanceRow]") -> None:
    """Let an answer end as it began if nothing was lost meanwhile.

    Raises:
        Incomplete: some instances could not be given.
    """
    if not lost:
        return
    request.hub.not_given.add(request, lost)
    logger.warning("An answer breaks off: %d of its instances cannot be had", len(lost))
    raise Incomplete(f"{len(lost)} instances cannot be had")
