"""Pictures of a study that the hub renders: for a telephone, or a browser without scripts.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.3
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.imaging.found import instances
from app.imaging.rejected import rejected
from app.imaging.reports.study import dicom_request
from app.portal.gate import Visit, view
from app.portal.page import Page, address_with
from app.portal.sites import read_sites
from app.portal.viewer.page import WINDOWS
from app.portal.viewer.study import ROOT, Opened, Series, label, read_opened
from dicom.reports.key_images import SHOWN_ON_REQUEST
from fhir.errors import NotFound

STEP = 10
"""Pictures that a larger step goes on."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a series that is shown."""

    number: int
    """From 1."""
    count: int
    address: str
    rejected: str
    """The code of why it is not to be used, or an empty text."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """What is shown of a series."""

    picture: Picture | None
    left_out: Mapping[str, int]
    """By the code of why they are not to be used: how many pictures are not shown."""


def place_of(instances: Sequence[tuple[str, int]], number: int) -> tuple[str, int]:
    """Return the instance and the frame, from 1, of a picture counted from 1 over all frames of a series.

    Args:
        instances: UIDs, and how many frames each has.
        number: The picture's.

    Raises:
        NotFound: there is no such picture.
    """
    left = number
    for uid, count in instances:
        if 1 <= left <= count:
            return uid, left
        left -= count
    raise NotFound("There is no such picture")


def _number(text: str, count: int) -> int:
    """Return the picture that is asked for; the middle one, where something is seen, when none is."""
    if text.isascii() and text.isdigit() and len(text) < 8:
        return min(max(int(text), 1), max(count, 1))
    return count // 2 + 1 if count > 1 else 1


async def _pictured(visit: Visit, opened: Opened, series: str) -> Pictured:
    """Return what is shown of a series; that it is looked at is recorded as DICOMweb does."""
    study = opened.uid
    request = dicom_request(visit.fhir, study, opened.sites)
    request.series = series
    rows = await instances(request)
    unused = await rejected(request, rows)
    of_quality = "rejected" in visit.web.query_params
    shown, reasons, left_out = [], {}, Counter[str]()
    for row in rows:
        title = unused.get(row.sop_instance_uid, "")
        if title and not (of_quality and title == SHOWN_ON_REQUEST):
            left_out[title] += row.number_of_frames or 0
            continue
        shown.append((row.sop_instance_uid, row.number_of_frames or 0))
        reasons[row.sop_instance_uid] = title
    count = sum(frames for _, frames in shown)
    if not count:
        return Pictured(None, left_out)
    number = _number(visit.web.query_params.get("number", ""), count)
    uid, frame = place_of(shown, number)
    address = f"{ROOT}/studies/{study}/series/{series}/instances/{uid}/frames/{frame}/rendered"
    window = ",".join(map(str, WINDOWS.get(visit.web.query_params.get("window", ""), ())))
    asked = "annotation=overlay" + (f"&window={window}" if window else "")
    return Pictured(Picture(number, count, f"{address}?{asked}", reasons[uid]), left_out)


def _chosen(opened: Opened, asked: str) -> Series | None:
    shown = [one for one in opened.series if one.has_images]
    return next((one for one in shown if one.uid == asked), shown[0] if shown else None)


async def pictures(request: Request) -> Response:
    """Show one picture of a study, and the way to the others."""

    async def work(visit: Visit) -> Page:
        opened = await read_opened(visit, request.path_params["study"])
        asked = request.query_params
        series = _chosen(opened, asked.get("series", ""))
        pictured = await _pictured(visit, opened, series.uid) if series else Pictured(None, {})
        picture = pictured.picture
        sites = await read_sites(visit.hub)
        number, count = (picture.number, picture.count) if picture else (1, 1)
        steps = {"first": 1, "back": number - STEP, "previous": number - 1}
        steps |= {"next": number + 1, "on": number + STEP, "last": count}
        values = {
            "opened": opened,
            "sites": sites,
            "title": label(opened.first, ""),
            "chosen": series,
            "picture": picture,
            "left_out": {code: count for code, count in pictured.left_out.items() if count},
            "with_rejected": address_with(request, rejected="1", number=None),
            "without_rejected": address_with(request, rejected=None, number=None),
            "steps": [(name, address_with(request, number=str(min(max(to, 1), count)))) for name, to in steps.items()],
            "windows": [
                (name, address_with(request, window=name), asked.get("window") == name)
                for name in WINDOWS
                if series is not None and series.modality == "CT"
            ],
            "own_window": address_with(request, window=None),
            "series_addresses": [
                (one, address_with(request, series=one.uid, number=None)) for one in opened.series if one.has_images
            ],
        }
        return Page("pictures.html", values)

    return await view(request, "timeline", work, interaction="read", action="R", of_images=True)
