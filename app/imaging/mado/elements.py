"""The elements in which both forms of a manifest are written: codes, numbers with their issuers, dates and times.

https://profiles.ihe.net/RAD/MADO/mapping.html
"""

from typing import Any
from urllib.parse import quote

from app.imaging.imaging_study import stated
from app.imaging.mado import systems
from app.imaging.patient import iso_date
from dicom.concept import Code
from dicom.manifest.model import Issued
from dicom.manifest.read import sound_offset

Json = dict[str, Any]

WADO_ENDPOINT = "WADO endpoint"


def absent_or(name: str, value: str) -> Json:
    """Return a required member: its value, or that it is unknown."""
    return {name: value} if value else {f"_{name}": systems.unknown()}


def code_system(code: Code) -> str:
    """Return the system of a code; empty when its scheme is."""
    return systems.SCHEMES.get(code.scheme) or (systems.SCHEME_PREFIX + quote(code.scheme) if code.scheme else "")


def codeable(code: Code) -> Json:
    """Return a code as a CodeableConcept; one that has a meaning only is a text."""
    if not code.value:
        return {"text": code.meaning}
    return {"coding": [stated({"system": code_system(code), "code": code.value, "display": code.meaning})]}


def issued_identifier(number: Issued) -> Json:
    """Return a number with its issuer."""
    assigner = {"display": number.issuer} if number.issuer else None
    return stated({"system": number.system, "value": number.value, "assigner": assigner})


def accession_identifier(number: Issued) -> Json:
    """Return an accession number, whose issuer the profile requires."""
    found = {"type": systems.ACCESSION_TYPE, **issued_identifier(number)}
    return found if number.system else {**found, "_system": systems.unknown()}


def study_identifier(uid: str) -> Json:
    """Return the identifier of a study."""
    return {"type": systems.STUDY_TYPE, "system": systems.DICOM_UID, "value": f"urn:oid:{uid}"}


def moment(day: str, time: str, offset: str) -> str | None:
    """Return a date and time as a dateTime, its fraction as it was written; None when there is no date.

    Args:
        day: YYYYMMDD, or empty.
        time: HHMMSS with or without a fraction, or empty.
        offset: As `+0900`; Japan's when it is none.
    """
    found = iso_date(day)
    if found is None or not time:
        return found
    stated_offset = sound_offset(offset)
    clock = f"{time[:2]}:{time[2:4]}:{time[4:6]}{time[6:].rstrip('.')}"
    return f"{found}T{clock}{stated_offset[:3]}:{stated_offset[3:]}"


def wado_endpoint(address: str) -> Json:
    """Return what is said of any WADO-RS service."""
    return {
        "status": "active",
        "connectionType": {
            "system": systems.CONNECTION_TYPE,
            "code": "dicom-wado-rs",
            "display": "DICOM WADO-RS",
        },
        "name": WADO_ENDPOINT,
        "payloadType": [{"coding": [systems.NO_PAYLOAD], "text": "DICOM WADO-RS"}],
        "payloadMimeType": list(systems.WADO_MIME_TYPES),
        "address": address,
    }
