"""Pictures of a study that the hub renders: for a telephone, or a browser without scripts.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.3
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.imaging.found import instances
from app.imaging.reports.study import dicom_request
from app.portal.gate import Visit, view
from app.portal.page import Page, address_with
from app.portal.sites import read_sites
from app.portal.viewer.page import ROOT
from app.portal.viewer.study import Opened, Series, label, read_opened
from fhir.errors import NotFound

WINDOWS = {"soft": "40,400", "lung": "-600,1500", "bone": "480,2500", "brain": "40,80"}
"""Centre and width in HU; those of `presets.js`."""

STEP = 10
"""Pictures that a larger step goes on."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a series that is shown."""

    number: int
    """From 1."""
    count: int
    address: str


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


async def _instances(visit: Visit, study: str, series: str) -> Sequence[tuple[str, int]]:
    """Return the instances of a series with their frames; that they are looked at is recorded as DICOMweb does."""
    request = dicom_request(visit.fhir, study)
    request.series = series
    return [(row.sop_instance_uid, row.number_of_frames or 0) for row in await instances(request)]


async def _picture(visit: Visit, study: str, series: str, window: str) -> Picture | None:
    found = await _instances(visit, study, series)
    count = sum(frames for _, frames in found)
    if not count:
        return None
    number = _number(visit.web.query_params.get("number", ""), count)
    uid, frame = place_of(found, number)
    address = f"{ROOT}/studies/{study}/series/{series}/instances/{uid}/frames/{frame}/rendered"
    return Picture(number, count, f"{address}?window={window}" if window else address)


def _chosen(opened: Opened, asked: str) -> Series | None:
    shown = [one for one in opened.series if one.has_images]
    return next((one for one in shown if one.uid == asked), shown[0] if shown else None)


async def pictures(request: Request) -> Response:
    """Show one picture of a study, and the way to the others."""

    async def work(visit: Visit) -> Page:
        opened = await read_opened(visit, request.path_params["study"])
        asked = request.query_params
        window = WINDOWS.get(asked.get("window", ""), "")
        series = _chosen(opened, asked.get("series", ""))
        picture = await _picture(visit, opened.uid, series.uid, window) if series else None
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
