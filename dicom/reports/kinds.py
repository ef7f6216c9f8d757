"""What kind of thing an instance is, by its SOP Class: an image, a report, a document, a waveform, or something else.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_B.5.html
"""

from enum import StrEnum

STORAGE = "1.2.840.10008.5.1.4.1.1."


class Kind(StrEnum):
    """What an instance is."""

    IMAGE = "image"
    REPORT = "report"
    DOSE = "dose"
    KEY_IMAGES = "key_images"
    DOCUMENT = "document"
    """A file within: PDF, CDA, a model in three dimensions."""
    WAVEFORM = "waveform"
    PRESENTATION = "presentation"
    """How images are to be shown."""
    SEGMENTATION = "segmentation"
    REGISTRATION = "registration"
    RADIOTHERAPY = "radiotherapy"
    RAW = "raw"


KEY_OBJECT_SELECTION = f"{STORAGE}88.59"

_DOSES = {f"{STORAGE}88.{number}" for number in (67, 68, 73, 76)}
_BEGINNINGS = (
    ("88.", Kind.REPORT),
    ("104.", Kind.DOCUMENT),
    ("9.", Kind.WAVEFORM),
    ("11.", Kind.PRESENTATION),
    ("66.4", Kind.SEGMENTATION),
    ("66.5", Kind.SEGMENTATION),
    ("66.1", Kind.REGISTRATION),
    ("66.2", Kind.REGISTRATION),
    ("66.3", Kind.REGISTRATION),
    ("66", Kind.RAW),
    ("481.", Kind.RADIOTHERAPY),
)
_RADIOTHERAPY_IMAGES = {f"{STORAGE}481.1", f"{STORAGE}481.23", f"{STORAGE}481.24"}


def kind_of(sop_class_uid: str) -> Kind:
    """Return what instances of a SOP Class are; of one that is not known, an image."""
    if sop_class_uid == KEY_OBJECT_SELECTION:
        return Kind.KEY_IMAGES
    if sop_class_uid in _DOSES:
        return Kind.DOSE
    if sop_class_uid in _RADIOTHERAPY_IMAGES or not sop_class_uid.startswith(STORAGE):
        return Kind.IMAGE
    rest = sop_class_uid.removeprefix(STORAGE)
    return next((kind for beginning, kind in _BEGINNINGS if rest.startswith(beginning)), Kind.IMAGE)
