"""WADO-RS rendered and thumbnail: a frame as a picture, made in a worker process.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.3
"""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.imaging.found import instances
from app.imaging.frames import frame_indices
from app.imaging.lacking import at_hand, check_whole, told
from app.imaging.pixels import Damaged, source, tag_of
from app.imaging.rejected import rejected
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse, Streamed, headers, new_boundary, not_modified
from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.thumbnails import thumbnail_of_reference
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.multipart import closing, content_type, part_head
from dicom.presentation import Window
from dicom.store.read import InstanceRow
from fhir.errors import FhirError, InvalidValue, NotAcceptable, NotFound, NotSupported, TooLarge

JPEG, PNG = "image/jpeg", "image/png"
THUMBNAIL_EDGE = 160
"""Pixels of the longer side, when no viewport is given."""
MOST_PICTURES = 500
"""Of one request."""
MOST_EDGE = 8192
"""Pixels of a viewport's side."""

_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


async def rendered(request: DicomRequest) -> DicomResponse:
    """Answer frames as JPEG or PNG: one alone, several in parts; of an instance the first when none is named.

    Of a study or a series each instance with frames gives a part; who takes no parts gets its middle instance.

    Raises:
        NotFound: there is no such instance or frame, or nothing to be shown, for the caller.
        InvalidValue: a parameter is malformed.
        NotAcceptable: the caller takes no picture, or the instance cannot be shown as one.
    """
    several = not request.instance or "," in request.frames
    forms = [Representation(kind, multipart=parts) for parts in (several, not several) for kind in (JPEG, PNG)]
    chosen = choose(request.accept, forms)
    asked = _asked(request, chosen.media_type, edge=None)
    rows = await instances(request)
    if not chosen.multipart:
        row = rows[0] if request.instance else _representative(rows)
        return await _picture(request, row, asked)
    return await _pictures(request, rows, asked)


async def thumbnail(request: DicomRequest) -> Response:
    """Answer a small picture of a study, a series, an instance or a frame: of its middle, where something is seen.

    Of a study or a series what a rejection note rejects stands for nothing.

    Raises:
        NotFound: there is no such thing, or nothing to be shown in it, for the caller.
        InvalidValue: a parameter is malformed.
        NotAcceptable: the caller takes no picture, or the instance cannot be shown as one.
    """
    chosen = choose(request.accept, [Representation(JPEG), Representation(PNG)])
    asked = _asked(request, chosen.media_type, edge=THUMBNAIL_EDGE)
    rows = await instances(request)
    if not request.instance:
        unused = await rejected(request)
        rows = [row for row in rows if row.sop_instance_uid not in unused]
    row = _representative(rows)
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
    # None of a reference: its site may send another picture tomorrow, and is not asked whether it would.
    tag = tag_of([row], f"{request.frames} {middle} {asked}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    place = await source(request.hub, row)
    numbers = request.frames or str(len(place) // 2 + 1 if middle else 1)
    indices = frame_indices(numbers, len(place))
    if len(indices) > 1:
        raise NotAcceptable("Several frames are rendered as parts")
    return Response(200, await place.picture(indices[0], asked), headers(asked["media_type"], tag))


async def _pictures(request: DicomRequest, rows: Sequence[InstanceRow], asked: dict[str, Any]) -> DicomResponse:
    """Return a part for each frame that is named, or for the first one of each instance."""
    shown = [row for row in rows if row.number_of_frames]
    if not shown:
        raise NotFound("Nothing in it can be shown")
    if len(shown) > MOST_PICTURES:
        raise TooLarge(f"At most {MOST_PICTURES} pictures are made for one request")
    tag = tag_of(rows, f"{request.frames} parts {asked}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    found, lacking = await at_hand(request, shown)
    # What cannot be shown at all is told before the answer has begun.
    begun = await _begun(request, found, asked)
    lacks = len(lacking) + begun.lost
    status, warning = told(lacks, len(shown))
    boundary = new_boundary()
    body = _parts(request, found[begun.place :], begun, asked, boundary)
    kind = content_type(asked["media_type"], boundary)
    return Streamed(body, status, [*headers(kind, b"" if lacks else tag), *warning])


@dataclass(frozen=True, slots=True)
class _Begun:
    """The first picture that could be made."""

    picture: bytes
    place: int
    """Of its instance, among those that are shown."""
    frames: Sequence[int]
    """Which are shown of each, from 0."""
    lost: int
    """How many instances before it could not be had."""


async def _begun(request: DicomRequest, rows: Sequence[InstanceRow], asked: dict[str, Any]) -> _Begun:
    """Return the first picture that can be made.

    Raises:
        FhirError: none can be; it says why the first one cannot.
        TooLarge: there would be too many.
    """
    failure: FhirError | None = None
    lost = 0
    for place, row in enumerate(rows):
        try:
            frames = await source(request.hub, row)
            wanted = frame_indices(request.frames or "1", len(frames))
            if len(wanted) > MOST_PICTURES:
                raise TooLarge(f"At most {MOST_PICTURES} pictures are made for one request")
            return _Begun(await frames.picture(wanted[0], asked), place, wanted, lost)
        except (NotFound, NotAcceptable) as error:
            failure = failure or error
        except (SourceFailed, Damaged) as error:
            failure = failure or error
            lost += 1
    raise failure or NotFound("Nothing in it can be shown")


async def _parts(
    request: DicomRequest,
    rows: Sequence[InstanceRow],
    begun: _Begun,
    asked: dict[str, Any],
    boundary: str,
) -> AsyncIterator[bytes]:
    first = begun.picture
    lost = []
    for row in rows:
        # It is of the first of them, whatever becomes of that one now.
        made, first = first, b""
        try:
            place = await source(request.hub, row)
        except NotFound:
            # It says that it has frames, and has none.
            continue
        except (SourceFailed, Damaged):
            lost.append(row)
            continue
        for index in begun.frames:
            try:
                made = made or await place.picture(index, asked)
            except NotAcceptable:
                # The others of a study are shown, though of this one no picture can be made.
                continue
            except (SourceFailed, Damaged):
                lost.append(row)
                break
            location = f"{request.root}/{row.path}/frames/{index + 1}/rendered"
            yield part_head(boundary, asked["media_type"], len(made), location=location) + made
            made = b""
    check_whole(request, lost)
    yield closing(boundary)


def _asked(request: DicomRequest, media_type: str, *, edge: int | None) -> dict[str, Any]:
    """Return the fields of `dicom.rendering.Picture` that the request asks for."""
    given = dict(request.pairs)
    if given.get("iccprofile", "no") != "no":
        raise NotSupported("No colour profile is put into pictures: iccprofile may be no", "iccprofile")
    box, region = _viewport(given["viewport"]) if "viewport" in given else (None, None)
    if region is not None and edge is not None:
        raise InvalidValue("The viewport of a thumbnail is a width and a height", "viewport")
    return {
        "media_type": media_type,
        "window": _window(given["window"]) if "window" in given else None,
        "max_edge": edge if box is None else None,
        "box": box,
        "region": region,
        "part": request.region,
        "quality": _quality(given.get("quality", "85")),
        "annotation": _annotation(given.get("annotation", "")),
    }


def _annotation(text: str) -> tuple[str, ...]:
    """Return the `annotation` parameter: of patient, technique and the hub's own overlay (PS3.18 8.3.5.1.1)."""
    kinds = tuple(sorted({one for one in text.split(",") if one}))
    if not set(kinds) <= {"patient", "technique", "overlay"}:
        raise InvalidValue("annotation is of patient, technique and overlay, with commas between them", "annotation")
    return kinds


def _window(text: str) -> Window:
    """Return the `window` parameter: centre, width, function (PS3.18 8.3.5.1.4)."""
    center, width, function = ([*text.split(","), "", ""])[:3]
    numbers = [_number(one, "window") for one in (center, width)]
    if text.count(",") not in (1, 2) or (function or "linear") not in _FUNCTIONS or numbers[1] <= 0:
        raise InvalidValue("window is a centre, a width above 0 and a function, with commas between them", "window")
    return Window(numbers[0], numbers[1], _FUNCTIONS[function or "linear"])


def _number(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue(f"{name} has a part that is no number", name)
    return number


_Viewport = tuple[tuple[int, int] | None, tuple[float, float, float, float] | None]


def _viewport(text: str) -> _Viewport:
    """Return the box and the region of the `viewport` parameter (PS3.18 8.3.5.1.3)."""
    sides = text.split(",")
    if len(sides) not in (2, 6) or not all(one.isascii() and one.isdigit() and len(one) < 6 for one in sides[:2]):
        raise InvalidValue("viewport is a width and a height in pixels, and perhaps a region of the frame", "viewport")
    box = int(sides[0]), int(sides[1])
    if not (min(box) > 0 and max(box) <= MOST_EDGE):
        raise InvalidValue(f"A viewport has sides of 1 to {MOST_EDGE} pixels", "viewport")
    if len(sides) == 2:
        return box, None
    left, top, width, height = (
        _number(one or default, "viewport") for one, default in zip(sides[2:], ("0", "0", "1e6", "1e6"), strict=True)
    )
    if left < 0 or top < 0 or not width or not height:
        raise InvalidValue("The region of a viewport begins in the frame, and is not empty", "viewport")
    return box, (left, top, width, height)


def _quality(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 100):
        raise InvalidValue("quality is a number from 1 to 100", "quality")
    return int(text)
