"""Coded concepts of DICOM as FHIR has them.

https://dicom.nema.org/medical/dicom/current/output/chtml/part16/chapter_8.html, https://hl7.org/fhir/R4/terminologies-systems.html
"""

from typing import Any

from app.imaging.imaging_study import DCM
from app.imaging.patient import printable
from dicom.concept import Code

SYSTEMS = {
    "DCM": DCM,
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "RADLEX": "http://radlex.org",
}
"""From a coding scheme designator to the system of FHIR; of any other the meaning is kept as a text."""

MOST_OF_CODE = 256
MOST_OF_MEANING = 1_024

Json = dict[str, Any]


def concept(code: Code, otherwise: Code) -> Json:
    """Return a code as a CodeableConcept; the other one when it says nothing."""
    meaning = printable(code.meaning)[:MOST_OF_MEANING]
    system, value = SYSTEMS.get(code.scheme), "".join(printable(code.value).split())[:MOST_OF_CODE]
    found: Json = {}
    if system and value:
        found["coding"] = [{"system": system, "code": value} | ({"display": meaning} if meaning else {})]
    if meaning or (value and not found):
        found["text"] = meaning or value
    return found or concept(otherwise, Code("0", "DCM", "?"))
