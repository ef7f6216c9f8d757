"""Key images: what somebody picked out of a study, under which title, and why.

https://dicom.nema.org/medical/dicom/current/output/chtml/part16/chapter_A.html#sect_TID_2010
"""

from dataclasses import dataclass

from dicom.concept import Code
from dicom.reports.content import Reference, Report, read_report
from dicom.reports.values import Model

MANIFESTS = frozenset({"113030", "113031", "113032", "113033", "113034", "113035", "MADOTEMP001", "ddd001"})
"""Titles under which a selection lists what there is, and picks nothing out (CID 7010)."""

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
        return self.title.value in MANIFESTS

    @property
    def is_rejection(self) -> bool:
        """Whether it says which images not to use."""
        return self.title.scheme == "DCM" and self.title.value in REJECTIONS


def key_images(report: Report) -> KeyImages:
    """Return what a Key Object Selection picks out."""
    texts = [one.value for one in report.root.items if one.concept.value == _DESCRIPTION]
    found = [each for one in report.root.items for each in one.references]
    return KeyImages(report.root.concept, "\n".join(texts), tuple(found))


def rejected_instances(model: Model) -> tuple[str, frozenset[str]]:
    """Return the code of a rejection note's title, and the SOPInstanceUIDs that it rejects.

    Args:
        model: The DICOM JSON of a Key Object Selection; of one that rejects nothing both are empty.
    """
    found = key_images(read_report(model))
    if not found.is_rejection:
        return "", frozenset()
    return found.title.value, frozenset(one.sop_instance_uid for one in found.references)
