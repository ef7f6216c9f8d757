"""Thumbnails of images that stay at their site: kept for a while where the source's policy is to keep those."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from app.imaging.request import DicomRequest
from app.imaging.response import headers
from app.records.response import Response
from dicom.store.read import InstanceRow

MOST_EDGE = 256
"""Pixels of the longer side of a picture that is small."""


async def thumbnail_of_reference(
    request: DicomRequest, row: InstanceRow, asked: Mapping[str, Any], make: Callable[[], Awaitable[Response]]
) -> Response:
    """Answer a thumbnail; what is kept is answered without asking the source.

    Args:
        request: Whose access to it is recorded.
        row: The instance.
        asked: How the picture is to be.
        make: Makes the answer of the instance.

    Raises:
        SourceFailed: it is not kept, and the site that keeps the instance does not give it.
    """
    edge = asked["max_edge"]
    if edge is None or edge > MOST_EDGE or request.headers.get(b"if-none-match"):
        return await make()
    made: list[Response] = []

    async def picture() -> bytes:
        made.append(await make())
        return made[0].body

    body = await request.hub.held.picture(row, repr(sorted(asked.items())), picture)
    return made[0] if made else Response(200, body, headers(asked["media_type"]))
