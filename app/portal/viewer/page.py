"""The viewer's page: the banner that says whose images these are and why they are seen, and the tools.

Everything else is asked of DICOMweb by the page's own modules, with the session of the person; see docs/viewer.md.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal import language
from app.portal.gate import Visit, view
from app.portal.language import Language
from app.portal.page import Page
from app.portal.sites import Sites, read_sites
from app.portal.viewer.contents import contents
from app.portal.viewer.study import ROOT, Opened, label, read_opened
from dicom.reports.key_images import REJECTIONS
from dicom.values import is_uid

WINDOWS = {"soft": (40, 400), "lung": (-600, 1500), "bone": (480, 2500), "brain": (40, 80)}
"""Centre and width in HU of what is asked for by name."""

_WORDS = "viewer.script."


def words_of(spoken: Language) -> dict[str, str]:
    """Return the texts of the page's modules, by their names."""
    found = language.texts(spoken)
    return {key.removeprefix(_WORDS): text for key, text in found.items() if key.startswith(_WORDS)}


def _uid(text: str) -> str:
    return text if is_uid(text) else ""


def told(asked: Mapping[str, str], opened: Opened, sites: Sites, spoken: Language) -> dict[str, Any]:
    """Return what the page's modules are told: the study, where it begins, what it may be compared with, the texts."""
    words = language.words(spoken)
    frame = asked.get("frame", "")
    priors = {one.uid: label(one, sites.title(one.item.custodian)) for one in reversed([opened.first, *opened.others])}
    return {
        "root": ROOT,
        "study": opened.uid,
        "series": _uid(asked.get("series", "")),
        "instance": _uid(asked.get("instance", "")),
        "frame": int(frame) if frame.isascii() and frame.isdigit() and len(frame) < 7 else 1,
        "prior": _uid(asked.get("prior", "")),
        "keys": "keys" in asked,
        "presets": [[words(f"{_WORDS}{name}"), *window] for name, window in WINDOWS.items()],
        "rejections": {code: words(f"sr.DCM-{code}") for code in sorted(REJECTIONS)},
        "priors": [{"uid": uid, "label": text} for uid, text in reversed(priors.items())],
        "words": words_of(spoken),
    }


async def viewer(request: Request) -> Response:
    """Show a study."""

    async def work(visit: Visit) -> Page:
        opened = await read_opened(visit, request.path_params["study"])
        sites = await read_sites(visit.hub)
        data = told(request.query_params, opened, sites, language.language_of(request))
        title = label(opened.first, sites.title(opened.first.item.custodian))
        found = await contents(visit, opened.uid, title, opened.copies)
        origin = visit.hub.settings.ohif_address
        full = f"{origin}/viewer?StudyInstanceUIDs={opened.uid}" if origin and not visit.caller.link else ""
        values = {"opened": opened, "sites": sites, "contents": found, "data": data, "full_viewer": full}
        return Page("viewer.html", values)

    return await view(request, "timeline", work, interaction="read", action="R", of_images=True)
