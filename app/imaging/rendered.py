"""WADO-RS rendered and thumbnail: a frame as a picture, made in a worker process.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.3
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from app.imaging.found import instances
from app.imaging.frames import frame_indices
from app.imaging.pixels import source
from app.imaging.request import DicomRequest
from app.imaging.response import etag, headers, not_modified
from app.imaging.sources.thumbnails import thumbnail_of_reference
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.presentation import Window
from dicom.store.read import InstanceRow
from fhir.errors import InvalidValue, NotFound, NotSupported

JPEG, PNG = "image/jpeg", "image/png"
THUMBNAIL_EDGE = 160
"""Pixels of the longer side, when no viewport is given."""
MOST_EDGE = 8192
"""Pixels of a viewport's side."""

_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


async def rendered(request: DicomRequest) -> Response:
    """Answer a frame as a JPEG or PNG; of several frames the first when none is named.

    Raises:
        NotFound: there is no such instance or frame for the caller.
        InvalidValue: a parameter is malformed.
        NotAcceptable: the caller takes no picture, or the instance cannot be shown as one.
    """
    asked = _asked(request, edge=None)
    (row,) = await instances(request)
    return await _picture(request, row, asked)


async def thumbnail(request: DicomRequest) -> Response:
    """Answer a small picture of a study, a series, an instance or a frame: of its middle, where something is seen.

    Raises:
        NotFound: there is no such thing, or nothing to be shown in it, for the caller.
        InvalidValue: a parameter is malformed.
        NotAcceptable: the caller takes no picture, or the instance cannot be shown as one.
    """
    asked = _asked(request, edge=THUMBNAIL_EDGE)
    row = _representative(await instances(request))
    if row.source is not None and not request.frames:
        return await thumbnail_of_reference(request, row, asked, partial(_picture, request, row, asked, middle=True))
    return await _picture(request, row, asked, middle=True)


def _representative(rows: Sequence[InstanceRow]) -> InstanceRow:
    """Return the middle instance, of those with frames, of the first series that has any."""
    shown = [row for row in rows if row.number_of_frames]
    if not shown:
        raise NotFound("Nothing in it can be shown")
    first = [row for row in shown if row.series_instance_uid == shown[0].series_instance_uid]
    return first[len(first) // 2]


async def _picture(request: DicomRequest, row: InstanceRow, asked: dict[str, Any], *, middle: bool = False) -> Response:
    tag = etag([row.digest], f"{request.frames} {middle} {asked}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    place = await source(request.hub, row)
    numbers = request.frames or str(len(place) // 2 + 1 if middle else 1)
    indices = frame_indices(numbers, len(place))
    if len(indices) > 1:
        raise NotSupported("One frame is rendered at a time")
    return Response(200, await place.picture(indices[0], asked), headers(asked["media_type"], tag))


def _asked(request: DicomRequest, *, edge: int | None) -> dict[str, Any]:
    """Return the fields of `dicom.rendering.Picture` that the request asks for."""
    chosen = choose(request.accept, [Representation(JPEG), Representation(PNG)])
    given = dict(request.pairs)
    return {
        "media_type": chosen.media_type,
        "window": _window(given["window"]) if "window" in given else None,
        "max_edge": _edge(given["viewport"]) if "viewport" in given else edge,
        "quality": _quality(given.get("quality", "85")),
    }


def _window(text: str) -> Window:
    """Return the `window` parameter: centre, width, function (PS3.18 8.3.5.1.4)."""
    center, width, function = ([*text.split(","), "", ""])[:3]
    numbers = [_number(one) for one in (center, width)]
    if text.count(",") not in (1, 2) or (function or "linear") not in _FUNCTIONS or numbers[1] <= 0:
        raise InvalidValue("window is a centre, a width above 0 and a function, with commas between them", "window")
    return Window(numbers[0], numbers[1], _FUNCTIONS[function or "linear"])


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue("window has a part that is no number", "window")
    return number


def _edge(text: str) -> int:
    """Return the longest side of the `viewport` parameter: width and height (PS3.18 8.3.5.1.3)."""
    sides = text.split(",")
    if len(sides) > 2:
        raise NotSupported("viewport is a width and a height; regions are not cut out", "viewport")
    if len(sides) < 2 or not all(one.isascii() and one.isdigit() and len(one) < 6 for one in sides):
        raise InvalidValue("viewport is a width and a height, in pixels", "viewport")
    edge = min(int(one) for one in sides)
    if not 0 < edge <= MOST_EDGE:
        raise InvalidValue(f"A viewport has sides of 1 to {MOST_EDGE} pixels", "viewport")
    return edge


def _quality(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 100):
        raise InvalidValue("quality is a number from 1 to 100", "quality")
    return int(text)
