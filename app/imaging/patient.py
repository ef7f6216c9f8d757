"""The patient in an image's header: whose number it is, and the Patient it makes where a site knows none.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.html#sect_C.7.1.1
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from app.access.directory import Organisation
from dicom.indexing import StudyFacts
from dicom.manifest.items import PREFIXES, UNIVERSAL_ENTITY_ID, UNIVERSAL_ENTITY_ID_TYPE
from dicom.names import PersonName
from dicom.part10 import Part10
from dicom.values import is_uid, text

PATIENT_NUMBER = "urn:oid:1.2.392.100495.20.3.51.1"
"""Before the ten digits of an institution: the system of its patient numbers (JP-CLINS)."""

LOCAL_ISSUER = "http://renkei.example/fhir/NamingSystem/issuer-of-patient-id"
"""Before a site and a name that only this site understands."""

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"

ISSUER_QUALIFIERS = 0x00100024
"""Issuer of Patient ID Qualifiers Sequence."""

_URI = re.compile(r"(?:urn|https?):[!-~]+")

GENDERS = {"M": "male", "F": "female", "O": "other"}
"""From Patient's Sex to the gender of FHIR."""
SEXES = {gender: sex for sex, gender in GENDERS.items()}
"""And back."""

NAME_GROUPS = {"IDE": "ideographic", "SYL": "phonetic", "ABC": "alphabetic"}
"""From the representation of a HumanName to the component group of a name."""


def issuer(file: Part10, study: StudyFacts) -> str:
    """Return who issued the Patient ID: a URI, a name of the sender's own, or an empty text."""
    qualifiers = file.data_set.get(ISSUER_QUALIFIERS)
    for item in (qualifiers.items or ()) if qualifiers else ():
        entity = text(file.data, item, UNIVERSAL_ENTITY_ID, file.codecs)
        found = universal(entity, text(file.data, item, UNIVERSAL_ENTITY_ID_TYPE))
        if found:
            return found
    return local(study.issuer_of_patient_id)


def universal(entity: str, kind: str) -> str:
    """Return the URI of a Universal Entity ID of a type; empty when it makes none."""
    prefix = PREFIXES.get(kind)
    return prefix + entity if entity and prefix is not None and _URI.fullmatch(prefix + entity) else ""


def local(stated: str) -> str:
    """Return an Issuer of Patient ID: a URI if it is an OID, else the name as it is."""
    return f"urn:oid:{stated}" if "." in stated and is_uid(stated) else stated


def system(stated: str, site: Organisation) -> str:
    """Return the identifier system of a Patient ID.

    Args:
        stated: What `issuer` returned.
        site: Who sent it.
    """
    if _URI.fullmatch(stated):
        return stated
    if stated:
        # A name means something only where it was given: another site's "A" is another issuer.
        return f"{LOCAL_ISSUER}/{site.slug}/{quote(stated, safe='')}"
    return f"{PATIENT_NUMBER}{site.number}" if site.number else f"{LOCAL_ISSUER}/{site.slug}"


def patient(study: StudyFacts, identifier_system: str) -> dict[str, Any]:
    """Return the Patient that a header describes."""
    found: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": identifier_system, "value": printable(study.patient_id)}],
        "name": human_names(study.patient_name),
        "gender": GENDERS.get(study.patient_sex),
        "birthDate": iso_date(study.patient_birth_date),
    }
    return {name: value for name, value in found.items() if value}


def printable(value: str) -> str:
    """Return a text as FHIR allows it: without control characters, and not with white space at its ends."""
    return "".join(one for one in value if one.isprintable()).strip()


def human_names(name: PersonName) -> list[dict[str, Any]]:
    """Return a name as HumanNames, one for each of its groups that says something."""
    groups = [(code, str(getattr(name, field))) for code, field in NAME_GROUPS.items()]
    return [_human_name(group, code) for code, group in groups if printable(group.replace("^", ""))]


def _human_name(group: str, code: str) -> dict[str, Any]:
    """Return one component group as a HumanName (PS3.5 6.2.1.1: family, given, middle, prefix, suffix)."""
    family, given, middle, prefix, suffix = ([printable(one) for one in group.split("^")] + [""] * 5)[:5]
    parts: Mapping[str, Any] = {
        "family": family,
        "given": [one for one in (given, middle) if one],
        "prefix": [prefix] if prefix else [],
        "suffix": [suffix] if suffix else [],
    }
    return {
        "extension": [{"url": REPRESENTATION, "valueCode": code}],
        "text": " ".join(one for one in (family, given, middle) if one) or prefix or suffix,
        **{part: value for part, value in parts.items() if value},
    }


def iso_date(digits: str) -> str | None:
    """Return a date of eight digits as FHIR writes it; None when the calendar does not know it."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).isoformat()
    except ValueError:
        return None
