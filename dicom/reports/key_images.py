"""Key images: what somebody picked out of a study, under which title, and why.

https://dicom.nema.org/medical/dicom/current/output/chtml/part16/chapter_A.html#sect_TID_2010
"""

from dataclasses import dataclass

from dicom.concept import Code
from dicom.manifest.codes import DRAFTS, TITLES
from dicom.reports.content import Reference, Report

LISTS = frozenset(
    (
        *(value for value, _ in TITLES),
        *(value for (value, _), meant in DRAFTS.items() if (meant.value, meant.scheme) in TITLES),
        # Complete Study Content and Complete Acquisition Content, signed or not.
        *("113032", "113033", "113034", "113035"),
    )
)
"""Titles under which a selection lists what there is, and picks nothing out: manifests, and others of CID 7010."""

REJECTIONS = frozenset({"113001", "113037", "113038", "113039"})
"""Titles under which a selection says which images not to use (CID 7011)."""

SHOWN_ON_REQUEST = "113001"
"""Rejected for Quality Reasons: the one title whose images may be looked at by whoever asks for them."""

_DESCRIPTION = "113012"


@dataclass(frozen=True, slots=True)
class KeyImages:
    """A Key Object Selection."""

    title: Code
    description: str
    references: tuple[Reference, ...]

    @property
    def is_manifest(self) -> bool:
        """Whether it lists what there is."""
        return self.title.value in LISTS

    @property
    def is_rejection(self) -> bool:
        """Whether it says which images not to use."""
        return self.title.scheme == "DCM" and self.title.value in REJECTIONS


def key_images(report: Report) -> KeyImages:
    """Return what a Key Object Selection picks out."""
    texts = [one.value for one in report.root.items if one.concept.value == _DESCRIPTION]
    found = [each for one in report.root.items for each in one.references]
    return KeyImages(report.root.concept, "\n".join(texts), tuple(found))
