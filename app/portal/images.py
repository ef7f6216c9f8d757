"""Studies with their thumbnails, which DICOMweb serves through its own gate.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.imaging.imaging_study import study_uid
from app.portal.items import NO_IMAGES, Item, modality_of
from dicom.values import is_uid

NOTHING_TO_SEE = NO_IMAGES | {"SEG"}
"""Those, and masks, of which a small picture says nothing."""

MOST_THUMBNAILS = 2
"""Series of a study that show a thumbnail on the timeline."""


@dataclass(frozen=True, slots=True)
class Study:
    """An ImagingStudy."""

    item: Item
    uid: str
    """StudyInstanceUID, or an empty text."""
    thumbnails: tuple[str, ...]
    """Addresses of pictures, one a series."""


def studies(items: Iterable[Item]) -> list[Study]:
    """Return the studies among `items`, the newest first."""
    found = []
    for one in items:
        if one.type != "ImagingStudy":
            continue
        uid = study_uid(one.body)
        pictured = [each for each in one.body.get("series", ()) if modality_of(each) not in NOTHING_TO_SEE]
        series = [str(each.get("uid", "")) for each in pictured]
        shown = [each for each in series if is_uid(each)][:MOST_THUMBNAILS] if uid else []
        found.append(Study(one, uid, tuple(f"/dicomweb/studies/{uid}/series/{each}/thumbnail" for each in shown)))
    return sorted(found, key=lambda study: study.item.when, reverse=True)
