"""The codes of manifests, the temporary ones among them: the one place to change when DICOM CP-2595 is final.

IHE RAD MADO 6.X.2.9 gives codes of its own scheme, 99IHE, to what that change proposal adds to PS3.16; writers that
follow drafts of the proposal use other values for the same. What is written is the first of each line.
"""

from dicom.concept import Code

MANIFEST = Code("113030", "DCM", "Manifest")
"""Of XDS-I.b: references, and no description."""
SIGNED_MANIFEST = Code("113031", "DCM", "Signed Manifest")
MANIFEST_WITH_DESCRIPTION = Code("MADOTEMP001", "99IHE", "Manifest with Description")

IMAGE_LIBRARY = Code("111028", "DCM", "Image Library")
IMAGE_LIBRARY_GROUP = Code("126200", "DCM", "Image Library Group")
MODALITY = Code("121139", "DCM", "Modality")
TARGET_REGION = Code("123014", "DCM", "Target Region")
NUMBER_OF_STUDY_RELATED_SERIES = Code("MADOTEMP009", "99IHE", "Number of Study Related Series")
SERIES_DATE = Code("MADOTEMP003", "99IHE", "Series Date")
SERIES_TIME = Code("MADOTEMP004", "99IHE", "Series Time")
SERIES_DESCRIPTION = Code("MADOTEMP002", "99IHE", "Series Description")
SERIES_NUMBER = Code("113607", "DCM", "Series Number")
SERIES_INSTANCE_UID = Code("112002", "DCM", "Series Instance UID")
NUMBER_OF_SERIES_RELATED_INSTANCES = Code("MADOTEMP007", "99IHE", "Number of Series Related Instances")
INSTANCE_NUMBER = Code("113609", "DCM", "Instance Number")
NUMBER_OF_FRAMES = Code("121140", "DCM", "Number of Frames")
DOCUMENT_TITLE = Code("121144", "DCM", "Document Title")
KEY_OBJECT_DESCRIPTION = Code("113012", "DCM", "Key Object Description")
PROCEDURE_CODE = Code("121023", "DCM", "Procedure Code")

SERIES_UNIT = Code("{series}", "UCUM", "series")
INSTANCES_UNIT = Code("{instances}", "UCUM", "instances")
FRAMES_UNIT = Code("{frames}", "UCUM", "frames")

DRAFTS: dict[tuple[str, str], Code] = {
    ("ddd001", "DCM"): MANIFEST_WITH_DESCRIPTION,
    ("ddd002", "DCM"): SERIES_DESCRIPTION,
    ("ddd003", "DCM"): SERIES_DATE,
    ("ddd004", "DCM"): SERIES_TIME,
    ("ddd007", "DCM"): NUMBER_OF_SERIES_RELATED_INSTANCES,
    ("ddd009", "DCM"): NUMBER_OF_STUDY_RELATED_SERIES,
    ("131561", "DCM"): SERIES_DATE,
    ("131562", "DCM"): SERIES_TIME,
    ("131563", "DCM"): SERIES_DESCRIPTION,
    ("131564", "DCM"): NUMBER_OF_SERIES_RELATED_INSTANCES,
    ("131565", "DCM"): NUMBER_OF_STUDY_RELATED_SERIES,
}
"""Values that drafts of CP-2595 and their implementations write, by value and scheme."""

LOCAL = "99LOCAL"
"""The scheme of a code that is a text and no code: its value is the meaning, cut to what a value may hold."""

TITLES = frozenset((one.value, one.scheme) for one in (MANIFEST, SIGNED_MANIFEST, MANIFEST_WITH_DESCRIPTION))
"""The document titles that make a Key Object Selection a manifest; any other title is a note about key images."""

REGIONS = {
    "LOWERTRUNK": Code("63337009", "SCT", "Lower trunk"),
    "WHOLEBODY": Code("38266002", "SCT", "Entire body"),
    "UPPERLIMB": Code("53120007", "SCT", "Upper limb"),
    "LOWERLIMB": Code("61685007", "SCT", "Lower limb"),
    "UPPERTRUNK": Code("67734004", "SCT", "Upper trunk"),
    "HEADNECK": Code("774007", "SCT", "Head and neck"),
}
"""The high-level anatomic regions, CID IHE-MADO1 (6.X.6.4), by Body Part Examined."""

BODY_PARTS: dict[str, tuple[str, str, str]] = {
    "ABDOMEN": ("818983003", "Abdomen", "LOWERTRUNK"),
    "ABDOMENPELVIS": ("818982008", "Abdomen and Pelvis", "LOWERTRUNK"),
    "ANKLE": ("70258002", "Ankle joint", "LOWERLIMB"),
    "ARM": ("40983000", "Upper arm", "UPPERLIMB"),
    "BRAIN": ("12738006", "Brain", "HEADNECK"),
    "BREAST": ("76752008", "Breast", "UPPERTRUNK"),
    "CHEST": ("816094009", "Chest", "UPPERTRUNK"),
    "CHESTABDOMEN": ("416550000", "Chest and Abdomen", "WHOLEBODY"),
    "CHESTABDPELVIS": ("416775004", "Chest, Abdomen and Pelvis", "WHOLEBODY"),
    "COLON": ("71854001", "Colon", "LOWERTRUNK"),
    "CSPINE": ("122494005", "Cervical spine", "HEADNECK"),
    "EAR": ("117590005", "Ear", "HEADNECK"),
    "ELBOW": ("16953009", "Elbow joint", "UPPERLIMB"),
    "EYE": ("81745001", "Eye", "HEADNECK"),
    "FINGER": ("7569003", "Finger", "UPPERLIMB"),
    "FOOT": ("56459004", "Foot", "LOWERLIMB"),
    "FOREARM": ("14975008", "Forearm", "UPPERLIMB"),
    "HAND": ("85562004", "Hand", "UPPERLIMB"),
    "HEAD": ("69536005", "Head", "HEADNECK"),
    "HEADNECK": ("774007", "Head and neck", "HEADNECK"),
    "HEART": ("80891009", "Heart", "UPPERTRUNK"),
    "HIP": ("24136001", "Hip joint", "LOWERLIMB"),
    "JAW": ("661005", "Jaw region", "HEADNECK"),
    "KIDNEY": ("64033007", "Kidney", "LOWERTRUNK"),
    "KNEE": ("72696002", "Knee", "LOWERLIMB"),
    "LEG": ("30021000", "Lower leg", "LOWERLIMB"),
    "LIVER": ("10200004", "Liver", "LOWERTRUNK"),
    "LSPINE": ("122496007", "Lumbar spine", "LOWERTRUNK"),
    "LUNG": ("39607008", "Lung", "UPPERTRUNK"),
    "NECK": ("45048000", "Neck", "HEADNECK"),
    "PELVIS": ("816092008", "Pelvis", "LOWERTRUNK"),
    "SHOULDER": ("16982005", "Shoulder", "UPPERLIMB"),
    "SKULL": ("89546000", "Skull", "HEADNECK"),
    "SPINE": ("421060004", "Spine", "WHOLEBODY"),
    "THIGH": ("68367000", "Thigh", "LOWERLIMB"),
    "TSPINE": ("122495006", "Thoracic spine", "UPPERTRUNK"),
    "WHOLEBODY": ("38266002", "Entire body", "WHOLEBODY"),
    "WRIST": ("74670003", "Wrist joint", "UPPERLIMB"),
}
"""By Body Part Examined (PS3.16 Annex L): the SNOMED CT code, its meaning, and the high-level region it lies in."""


def normal(code: Code) -> Code:
    """Return a concept name with the value that is written here, whichever draft its writer followed."""
    return DRAFTS.get((code.value, code.scheme), code)


def body_part(examined: str) -> Code | None:
    """Return the region that a Body Part Examined names; None when it is not of the table."""
    found = BODY_PARTS.get(_plain(examined))
    return Code(found[0], "SCT", found[1]) if found else None


def high_level(examined: str) -> Code | None:
    """Return the high-level anatomic region in which a Body Part Examined lies; None when it is not of the table."""
    plain = _plain(examined)
    found = BODY_PARTS.get(plain)
    return REGIONS[found[2]] if found else REGIONS.get(plain)


def _plain(examined: str) -> str:
    return "".join(one for one in examined.upper() if one.isalnum())
