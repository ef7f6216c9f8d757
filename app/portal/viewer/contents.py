"""What there is to be seen in a study: series, key images, and what is rejected, as the viewer's modules take it.

`/images/{StudyInstanceUID}/contents` says it of a study that is put beside another.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.imaging.rejected import places, read_selections, rejected_by
from app.imaging.reports.study import dicom_request
from app.portal import language
from app.portal.gate import Visit, view
from app.portal.images import Study, studies
from app.portal.items import item
from app.portal.page import Page
from app.portal.sites import read_sites
from app.portal.viewer.study import ROOT, find_copies, label, series_of
from dicom.reports.key_images import SHOWN_ON_REQUEST, KeyImages

_NO_SERIES = frozenset(("KO", "PR"))
"""Modalities of series that say how others are shown, and are not listed."""


async def contents(visit: Visit, uid: str, title: str, copies: Sequence[Study]) -> dict[str, Any]:
    """Return what there is to be seen in a study that exists for the caller, as `viewer_list.html` lists it.

    Args:
        visit: Who looks.
        uid: The StudyInstanceUID.
        title: What the study is called.
        copies: It at each site that keeps it, of one person.
    """
    asked = dicom_request(visit.fhir, uid, (one.item.custodian for one in copies))
    selections = [one.images for one in await read_selections(asked)]
    rejected = rejected_by(selections)
    marking = [one for one in selections if not (one.is_rejection or one.is_manifest)]
    listed = await places(asked) if marking else {}
    used = {instance: one for instance, one in listed.items() if instance not in rejected}
    words = language.words(language.language_of(visit.web))
    return {
        "label": title,
        "series": [
            {
                "uid": one.uid,
                "modality": one.modality,
                "count": one.instances,
                "label": one.title,
                "shown": one.has_images,
            }
            for one in series_of(one.item.body for one in copies)
            if one.modality not in _NO_SERIES
        ],
        "keys": [key for one in marking for key in _keys(one, used, words)],
        "rejected": rejected,
        "reasons": dict(sorted(Counter(rejected.values()).items())),
        "quality": SHOWN_ON_REQUEST,
    }


def _keys(selection: KeyImages, used: dict[str, str], words: language.Words) -> list[dict[str, Any]]:
    """Return the images that a key object marks, as far as they are there and are to be used."""
    title = words.maybe(f"sr.{selection.title.scheme}-{selection.title.value}", selection.title.meaning)
    text = " ".join(filter(None, (title, selection.description)))
    return [
        {"series": used[one.sop_instance_uid], "instance": one.sop_instance_uid, "frame": frame, "text": text}
        for one in selection.references
        if one.sop_instance_uid in used
        for frame in one.frames or (1,)
    ]


async def study_contents(request: Request) -> Response:
    """Answer what there is to be seen in a study."""

    async def work(visit: Visit) -> Page:
        uid = request.path_params["study"]
        copies = studies(filter(None, map(item, await find_copies(visit.fhir, uid))))
        sites = await read_sites(visit.hub)
        title = label(copies[0], sites.title(copies[0].item.custodian))
        found = await contents(visit, uid, title, copies)
        values = {"uid": uid, "contents": found, "root": ROOT}
        return Page("viewer_list.html", values)

    return await view(request, "timeline", work, interaction="read", action="R", of_images=True)
