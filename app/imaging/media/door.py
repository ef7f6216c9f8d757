"""`Accept: application/zip` at WADO-RS: what the address names, as a disc.

PS3.18 8.7.3 leaves other media types to the server.
"""

from app.imaging.found import instances
from app.imaging.media.chosen import record_taken
from app.imaging.media.media_set import Wanted, check_size, media_set
from app.imaging.request import DicomRequest
from app.imaging.response import Streamed, headers
from dicom.media_types import parse
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from fhir.errors import NotAcceptable

ZIP = "application/zip"
INTERACTION = "media-export"
FILE_NAME = (b"content-disposition", b'attachment; filename="images.zip"')


def asks_for_disc(request: DicomRequest) -> bool:
    """Return whether the caller takes a ZIP before anything else."""
    found = parse(request.accept)
    return bool(found) and found[0].name == ZIP


async def disc(request: DicomRequest) -> Streamed:
    """Answer the instances that the address names as a ZIP with a DICOMDIR; who asks is on record.

    Raises:
        NotFound: there are none for the caller.
        NotAcceptable: another transfer syntax is asked for than can be given.
        TooLarge: they are too many for a disc.
    """
    syntax = parse(request.accept)[0].parameter("transfer-syntax", "*")
    if syntax not in ("*", EXPLICIT_VR_LITTLE_ENDIAN):
        raise NotAcceptable("A disc holds images as they are stored, or in Explicit VR Little Endian")
    rows = await instances(request)
    check_size(rows)
    request.interaction = INTERACTION
    await record_taken(request, rows)
    asked = dict(request.pairs)
    wanted = Wanted(rows, explicit=syntax != "*", thumbnails=asked.get("thumbnails") == "true")
    others = [one for one in headers(ZIP) if one[0] != FILE_NAME[0]]
    return Streamed(media_set(request.hub, wanted), 200, [*others, FILE_NAME])
