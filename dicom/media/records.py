"""The records of a DICOMDIR: which attributes each type has, and which type an instance is listed under.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_F.5.html
"""

PATIENT = (0x00100010, 0x00100020, 0x00100030, 0x00100040)
STUDY = (0x00080020, 0x00080030, 0x00080050, 0x00081030, 0x0020000D, 0x00200010)
SERIES = (0x00080060, 0x00080080, 0x0008103E, 0x0020000E, 0x00200011)

_NUMBER = 0x00200013
_DATE_AND_TIME = (0x00080023, 0x00080033)
_CONTENT = (0x00700080, 0x00700081, 0x00700084)
"""Content Label, Description, Creator's Name."""

INSTANCE: dict[str, tuple[int, ...]] = {
    "IMAGE": (0x00080008, _NUMBER, 0x00280008, 0x00280010, 0x00280011),
    "RT DOSE": (_NUMBER, 0x30040006, 0x3004000A),
    "RT STRUCTURE SET": (_NUMBER, 0x30060002, 0x30060008, 0x30060009),
    "RT PLAN": (_NUMBER, 0x300A0002, 0x300A0006, 0x300A0007),
    "RT TREAT RECORD": (_NUMBER, 0x30080250, 0x30080251),
    "PRESENTATION": (0x00081115, _NUMBER, *_CONTENT, 0x00700082, 0x00700083),
    "WAVEFORM": (*_DATE_AND_TIME, _NUMBER),
    "SR DOCUMENT": (*_DATE_AND_TIME, _NUMBER, 0x0040A030, 0x0040A043, 0x0040A491, 0x0040A493),
    "KEY OBJECT DOC": (*_DATE_AND_TIME, _NUMBER, 0x0040A043),
    "RAW DATA": (*_DATE_AND_TIME, _NUMBER),
    "REGISTRATION": (*_DATE_AND_TIME, _NUMBER, *_CONTENT),
    "FIDUCIAL": (*_DATE_AND_TIME, _NUMBER, *_CONTENT),
    "VALUE MAP": (*_DATE_AND_TIME, _NUMBER, *_CONTENT),
    "SURFACE": (*_DATE_AND_TIME, _NUMBER, *_CONTENT),
    "MEASUREMENT": (*_DATE_AND_TIME, _NUMBER, *_CONTENT),
    "TRACT": (*_DATE_AND_TIME, _NUMBER, *_CONTENT),
    "ENCAP DOC": (*_DATE_AND_TIME, _NUMBER, 0x0040A043, 0x00420010, 0x00420012),
    "PRIVATE": (),
}
"""By type, the tags in ascending order; those that an instance lacks are left out, or made up where none may lack."""

_PREFIX = "1.2.840.10008.5.1.4.1.1."

_TYPES: dict[str, str] = {
    "481.2": "RT DOSE",
    "481.3": "RT STRUCTURE SET",
    "481.5": "RT PLAN",
    "481.8": "RT PLAN",
    "481.4": "RT TREAT RECORD",
    "481.6": "RT TREAT RECORD",
    "481.7": "RT TREAT RECORD",
    "481.9": "RT TREAT RECORD",
    "66": "RAW DATA",
    "66.1": "REGISTRATION",
    "66.2": "FIDUCIAL",
    "66.3": "REGISTRATION",
    "66.5": "SURFACE",
    "66.6": "TRACT",
    "67": "VALUE MAP",
    "68.1": "SURFACE",
    "88.59": "KEY OBJECT DOC",
}
"""By what follows the prefix of the storage classes."""

_FAMILIES = (
    ("11.", "PRESENTATION"),
    ("9.", "WAVEFORM"),
    ("88.", "SR DOCUMENT"),
    ("104.", "ENCAP DOC"),
    ("78.", "MEASUREMENT"),
)


def record_type(sop_class_uid: str, *, has_pixels: bool) -> str:
    """Return the type of the record under which an instance is listed.

    Args:
        sop_class_uid: Of the instance.
        has_pixels: Whether it has pixel data: then a class that is not known here is an image.
    """
    if sop_class_uid.startswith(_PREFIX):
        rest = sop_class_uid.removeprefix(_PREFIX)
        found = _TYPES.get(rest) or next((kind for start, kind in _FAMILIES if rest.startswith(start)), "")
        if found:
            return found
    return "IMAGE" if has_pixels else "PRIVATE"
