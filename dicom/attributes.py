"""The attributes the hub indexes and answers searches with: one row each.

Tables 10.6.1-5 and 10.6.3-3 to 10.6.3-5:
https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html
"""

from enum import StrEnum
from typing import NamedTuple

from pydicom.datadict import tag_for_keyword


class Level(StrEnum):
    """What a search returns."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


class Match(StrEnum):
    """How a value of the query is compared (PS3.4 C.2.2.2)."""

    TEXT = "text"
    """Single value, or wildcards."""
    NAME = "name"
    """Wildcards on any component group, without regard to case and width."""
    UID = "uid"
    """A list of UIDs."""
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    """Instants, whatever their offset; of attributes that are not indexed."""
    NUMBER = "number"
    """Whole numbers, however they are written."""
    DECIMAL = "decimal"
    """Any number; of attributes that are not indexed."""
    MODALITIES = "modalities"
    """A list; the study has a series of one of them."""


class Attribute(NamedTuple):
    """An indexed attribute."""

    keyword: str
    tag: int
    vr: str
    level: Level
    match: Match
    column: str
    """In the table of its level, and the field of the facts."""


def _rows(level: Level, *rows: tuple[str, int, str, Match, str]) -> tuple[Attribute, ...]:
    return tuple(Attribute(keyword, tag, vr, level, match, column) for keyword, tag, vr, match, column in rows)


ATTRIBUTES = (
    *_rows(
        Level.STUDY,
        ("StudyDate", 0x00080020, "DA", Match.DATE, "study_date"),
        ("StudyTime", 0x00080030, "TM", Match.TIME, "study_time"),
        ("AccessionNumber", 0x00080050, "SH", Match.TEXT, "accession_number"),
        ("ReferringPhysicianName", 0x00080090, "PN", Match.NAME, "referring_physician_name"),
        ("TimezoneOffsetFromUTC", 0x00080201, "SH", Match.TEXT, "timezone_offset_from_utc"),
        ("StudyDescription", 0x00081030, "LO", Match.TEXT, "study_description"),
        ("PatientName", 0x00100010, "PN", Match.NAME, "patient_name"),
        ("PatientID", 0x00100020, "LO", Match.TEXT, "patient_id"),
        ("IssuerOfPatientID", 0x00100021, "LO", Match.TEXT, "issuer_of_patient_id"),
        ("PatientBirthDate", 0x00100030, "DA", Match.DATE, "patient_birth_date"),
        ("PatientSex", 0x00100040, "CS", Match.TEXT, "patient_sex"),
        ("StudyInstanceUID", 0x0020000D, "UI", Match.UID, "study_instance_uid"),
        ("StudyID", 0x00200010, "SH", Match.TEXT, "study_id"),
        ("ModalitiesInStudy", 0x00080061, "CS", Match.MODALITIES, "modalities_in_study"),
    ),
    *_rows(
        Level.SERIES,
        ("SeriesDate", 0x00080021, "DA", Match.DATE, "series_date"),
        ("SeriesTime", 0x00080031, "TM", Match.TIME, "series_time"),
        ("Modality", 0x00080060, "CS", Match.TEXT, "modality"),
        ("SeriesDescription", 0x0008103E, "LO", Match.TEXT, "series_description"),
        ("BodyPartExamined", 0x00180015, "CS", Match.TEXT, "body_part_examined"),
        ("SeriesInstanceUID", 0x0020000E, "UI", Match.UID, "series_instance_uid"),
        ("SeriesNumber", 0x00200011, "IS", Match.NUMBER, "series_number"),
        ("Laterality", 0x00200060, "CS", Match.TEXT, "laterality"),
        (
            "PerformedProcedureStepStartDate",
            0x00400244,
            "DA",
            Match.DATE,
            "performed_procedure_step_start_date",
        ),
        (
            "PerformedProcedureStepStartTime",
            0x00400245,
            "TM",
            Match.TIME,
            "performed_procedure_step_start_time",
        ),
    ),
    *_rows(
        Level.INSTANCE,
        ("SOPClassUID", 0x00080016, "UI", Match.UID, "sop_class_uid"),
        ("SOPInstanceUID", 0x00080018, "UI", Match.UID, "sop_instance_uid"),
        ("InstanceNumber", 0x00200013, "IS", Match.NUMBER, "instance_number"),
        ("NumberOfFrames", 0x00280008, "IS", Match.NUMBER, "number_of_frames"),
        ("Rows", 0x00280010, "US", Match.NUMBER, "rows"),
        ("Columns", 0x00280011, "US", Match.NUMBER, "columns"),
        ("BitsAllocated", 0x00280100, "US", Match.NUMBER, "bits_allocated"),
    ),
)

BY_TAG = {attribute.tag: attribute for attribute in ATTRIBUTES}
BY_KEYWORD = {attribute.keyword: attribute for attribute in ATTRIBUTES}

DEPTH = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}
"""A search may match attributes of its own level and of those above."""

COMPUTED = frozenset({0x00080005, 0x00080056, 0x00081190, 0x00201206, 0x00201208, 0x00201209, 0x00080062})
"""What an answer says of itself or counts: character set, availability, address, numbers, SOPClassesInStudy."""


def _tags(*keywords: str) -> frozenset[int]:
    return frozenset(tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None)


OTHERS = {
    Level.STUDY: _tags(
        *("IssuerOfAccessionNumberSequence", "InstitutionName", "InstitutionAddress", "PhysiciansOfRecord"),
        *("NameOfPhysiciansReadingStudy", "RequestingService", "RequestedProcedureDescription"),
        *("RequestedProcedureCodeSequence", "ProcedureCodeSequence", "AdmittingDiagnosesDescription"),
        *("ReferencedStudySequence", "ReferencedPatientSequence", "PatientBirthTime", "PatientAge", "PatientSize"),
        *("PatientWeight", "OtherPatientIDs", "OtherPatientIDsSequence", "OtherPatientNames", "PatientComments"),
        *("IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID", "EthnicGroup", "Occupation", "MedicalAlerts"),
        *("Allergies", "AdditionalPatientHistory", "PregnancyStatus", "PatientAddress", "PatientMotherBirthName"),
    ),
    Level.SERIES: _tags(
        *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "StationName"),
        *("InstitutionName", "InstitutionalDepartmentName", "PerformingPhysicianName", "OperatorsName"),
        *("ProtocolName", "PatientPosition", "FrameOfReferenceUID", "PositionReferenceIndicator"),
        *("RequestAttributesSequence", "PerformedProcedureStepID", "PerformedProcedureStepDescription"),
        *("PerformedProtocolCodeSequence", "AnatomicRegionSequence", "ReferencedPerformedProcedureStepSequence"),
        *("SeriesDescriptionCodeSequence", "CommentsOnThePerformedProcedureStep"),
    ),
}
"""Not indexed: what `includefield=all` adds out of an instance; of an instance it adds all that is no bulk data."""
