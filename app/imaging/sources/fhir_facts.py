"""What an ImagingStudy and its Patient say of instances, as facts that searches for images need.

https://hl7.org/fhir/R4/imagingstudy-mappings.html#dicom
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.imaging.imaging_study import accession_numbers, study_uid
from app.imaging.patient import NAME_GROUPS, SEXES
from dicom.indexing import Facts, InstanceFacts, SeriesFacts, StudyFacts
from dicom.names import PersonName

_URN = "urn:oid:"
_MOMENT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2}))?")

Json = Mapping[str, Any]


def facts_of_study(study: Json, patient: Json) -> Iterator[tuple[Facts, list[str]]]:
    """Yield what is known of each instance that an ImagingStudy lists, and the references of its Endpoints."""
    about = _study(study, patient)
    shared = [str(one.get("reference")) for one in study.get("endpoint", ())]
    for series in study.get("series", ()):
        endpoints = [str(one.get("reference")) for one in series.get("endpoint", ())] or shared
        of_series = _series(series)
        for instance in series.get("instance", ()):
            yield Facts(about, of_series, _instance(instance)), endpoints


def _study(study: Json, patient: Json) -> StudyFacts:
    date, time = _moment(study.get("started"))
    identifiers = patient.get("identifier") or [{}]
    return StudyFacts(
        study_instance_uid=study_uid(study),
        study_date=date,
        study_time=time,
        accession_number=next(iter(accession_numbers(study)), ""),
        referring_physician_name=PersonName(str(study.get("referrer", {}).get("display", ""))),
        timezone_offset_from_utc="",
        study_description=str(study.get("description", "")),
        patient_name=_name(patient),
        patient_id=str(identifiers[0].get("value", "")),
        issuer_of_patient_id="",
        patient_birth_date=str(patient.get("birthDate", "")).replace("-", "")
        if len(patient.get("birthDate", "")) == 10
        else "",
        patient_sex=SEXES.get(str(patient.get("gender", "")), ""),
        study_id="",
    )


def _name(patient: Json) -> PersonName:
    groups: dict[str, str] = {}
    for name in patient.get("name", ()):
        text = "^".join([str(name.get("family", "")), " ".join(map(str, name.get("given", ())))]).rstrip("^")
        code = next(
            (one.get("valueCode") for one in name.get("extension", ()) if one.get("valueCode") in NAME_GROUPS), ""
        )
        group = NAME_GROUPS.get(str(code)) or ("alphabetic" if text.isascii() else "ideographic")
        groups.setdefault(group, text)
    return PersonName(**groups)


def _series(series: Json) -> SeriesFacts:
    date, time = _moment(series.get("started"))
    return SeriesFacts(
        series_instance_uid=str(series.get("uid", "")),
        modality=str(series.get("modality", {}).get("code", "")),
        series_number=_number(series.get("number")),
        series_description=str(series.get("description", "")),
        series_date=date,
        series_time=time,
        body_part_examined="",
        laterality="",
        performed_procedure_step_start_date="",
        performed_procedure_step_start_time="",
    )


def _instance(instance: Json) -> InstanceFacts:
    frames = next(
        (
            _number(one.get("valueUnsignedInt") or one.get("valueInteger"))
            for one in instance.get("extension", ())
            if "number-of-frames" in str(one.get("url", ""))
        ),
        None,
    )
    return InstanceFacts(
        sop_class_uid=str(instance.get("sopClass", {}).get("code", "")).removeprefix(_URN),
        sop_instance_uid=str(instance.get("uid", "")).removeprefix(_URN),
        instance_number=_number(instance.get("number")),
        number_of_frames=frames,
        rows=None,
        columns=None,
        bits_allocated=None,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62 else None


def _moment(value: object) -> tuple[str, str]:
    found = _MOMENT.match(str(value or ""))
    if found is None:
        return "", ""
    year, month, day, hour, minute, second = found.groups()
    return f"{year}{month}{day}", f"{hour}{minute}{second}" if hour else ""
