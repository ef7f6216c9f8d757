"""The facts of an instance that searches need, for its study, its series and itself.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.3.html#sect_10.6.3.3
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from dicom.attributes import ATTRIBUTES, Attribute, Level, Match
from dicom.names import PersonName, person_name
from dicom.part10 import Instance
from dicom.values import text, whole_number

MAX_TEXT = 512
"""Characters kept of a text for the index; the longest VR among them allows 64."""

_DATE = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:\.[0-9]{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study as one of its instances describes it; texts are empty when the instance says nothing."""

    study_instance_uid: str
    study_date: str
    """YYYYMMDD."""
    study_time: str
    """HHMMSS, with a fraction if one was given."""
    accession_number: str
    referring_physician_name: PersonName
    timezone_offset_from_utc: str
    study_description: str
    patient_name: PersonName
    patient_id: str
    issuer_of_patient_id: str
    patient_birth_date: str
    patient_sex: str
    study_id: str


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series as one of its instances describes it."""

    series_instance_uid: str
    modality: str
    series_number: int | None
    series_description: str
    series_date: str
    series_time: str
    body_part_examined: str
    laterality: str
    performed_procedure_step_start_date: str
    performed_procedure_step_start_time: str


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """An instance in its series."""

    sop_class_uid: str
    sop_instance_uid: str
    instance_number: int | None
    number_of_frames: int | None
    rows: int | None
    columns: int | None
    bits_allocated: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a search index keeps of an instance."""

    study: StudyFacts
    series: SeriesFacts
    instance: InstanceFacts


def indexed(instance: Instance) -> Facts:
    """Return the facts of an instance, text decoded and brought to the form searches compare."""
    return facts_by(lambda attribute: _fact(attribute, instance))


def facts_by(fact: Callable[[Attribute], Any]) -> Facts:
    """Return the facts that `fact` gives for each attribute that one instance can have."""
    values = {one.column: fact(one) for one in ATTRIBUTES if one.match is not Match.MODALITIES}

    def facts(kind: type) -> dict[str, Any]:
        return {one.name: values[one.name] for one in fields(kind)}

    return Facts(
        StudyFacts(**facts(StudyFacts)),
        SeriesFacts(**facts(SeriesFacts)),
        InstanceFacts(**facts(InstanceFacts)),
    )


def _fact(attribute: Attribute, instance: Instance) -> str | int | PersonName | None:
    file = instance.file
    if attribute.match is Match.NUMBER:
        number = whole_number(file.data, file.data_set, attribute.tag, big_endian=file.transfer_syntax.big_endian)
        # What no 63-bit column holds is no instance number either.
        return number if number is not None and abs(number) < 2**62 else None
    # PostgreSQL stores no NUL in text, and none belongs there.
    found = text(file.data, file.data_set, attribute.tag, file.codecs).replace("\0", "")
    if attribute.match is Match.NAME:
        return person_name(found[:MAX_TEXT])
    return normal(attribute, found)


def normal(attribute: Attribute, found: str) -> str:
    """Return the text of an attribute that is neither a name nor a number in the form that searches compare."""
    if attribute.match is Match.DATE:
        return date(found)
    if attribute.match is Match.TIME:
        return time(found)
    if attribute.level is Level.STUDY or attribute.match is Match.UID:
        return found[:MAX_TEXT]
    return found.split("\\")[0].strip()[:MAX_TEXT]


def date(found: str) -> str:
    """Return a DA value as YYYYMMDD, the dotted form of ACR-NEMA too; empty when it is no date."""
    digits = found.replace(".", "")
    return digits if _DATE.fullmatch(digits) else ""


def time(found: str) -> str:
    """Return a TM value with hours, minutes and seconds; empty when it is no time."""
    digits = found.replace(":", "")
    if not _TIME.fullmatch(digits):
        return ""
    return digits.ljust(6, "0") if len(digits) < 6 else digits
