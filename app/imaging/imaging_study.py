"""ImagingStudy: what the hub says of a custodian's study, made anew from its tables whenever images are added.

https://hl7.org/fhir/R4/imagingstudy.html; the mapping is that of IHE MADO.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from app.imaging.patient import printable
from dicom.indexing import SeriesFacts, StudyFacts
from dicom.instants import instant
from dicom.results import Found
from dicom.store.read import ListedRow
from dicom.values import is_uid
from fhir.store.tables import NO_DATE

DCM = "http://dicom.nema.org/resources/ontology/DCM"
URI = "urn:ietf:rfc:3986"
DICOM_UID = "urn:dicom:uid"
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"

MOST_INSTANCES = 500
"""Instances that are listed; a study with more tells their number only, since each version is kept for ever."""

JAPAN_MINUTES = 540
"""East of Greenwich: the zone of a study that names none."""

JAPAN = timezone(timedelta(minutes=JAPAN_MINUTES))

_OFFSET = re.compile(r"([+-])([01][0-9])([0-5][0-9])")
_UNSIGNED_INT_LIMIT = 2**31

Json = dict[str, Any]


def study_uid(study: Mapping[str, Any]) -> str:
    """Return the StudyInstanceUID of an ImagingStudy; empty when it has none."""
    for one in study.get("identifier", ()):
        uid = str(one.get("value", "")).removeprefix("urn:oid:")
        if one.get("system") == DICOM_UID and is_uid(uid):
            return uid
    return ""


def accession_numbers(study: Mapping[str, Any]) -> list[str]:
    """Return the identifiers of an ImagingStudy that are said to be accession numbers."""
    return [str(one.get("value", "")) for one in study.get("identifier", ()) if _is_accession(one)]


def _is_accession(identifier: Mapping[str, Any]) -> bool:
    return any(one.get("code") == "ACSN" for one in identifier.get("type", {}).get("coding", ()))


def imaging_study(
    study: StudyFacts,
    series: Sequence[Found],
    instances: Sequence[ListedRow],
    *,
    subject: str,
    endpoint: str | None = None,
) -> Json:
    """Return the ImagingStudy of one custodian's study.

    Args:
        study: What is said of it, by the rules of `dicom.store.told`.
        series: All its series, with their numbers of instances.
        instances: All its instances, or none when they are not to be listed.
        subject: The reference of its Patient.
        endpoint: The reference of the Endpoint from which it is retrieved.
    """
    listed: dict[str, list[Json]] = {}
    for one in instances:
        listed.setdefault(one.series_instance_uid, []).append(_instance(one))
    zone = study.timezone_offset_from_utc
    found = [_series(one.series, one.number_of_instances, listed, zone) for one in series if one.series is not None]
    modalities = sorted({one["modality"]["code"] for one in found})
    return stated(
        {
            "resourceType": "ImagingStudy",
            "identifier": identifiers(study.study_instance_uid, study),
            "status": "available",
            "modality": [{"system": DCM, "code": code} for code in modalities],
            "subject": {"reference": subject},
            "started": started(study.study_date, study.study_time, zone),
            "referrer": stated({"display": printable(study.referring_physician_name.shown)}),
            "numberOfSeries": len(found),
            "numberOfInstances": sum(one["numberOfInstances"] for one in found),
            "endpoint": [{"reference": endpoint}] if endpoint else None,
            "description": printable(study.study_description),
            "series": found,
        }
    )


def started(date: str, time: str, offset: str) -> str | None:
    """Return a DICOM date and time as a dateTime, or None when there is none.

    Args:
        date: YYYYMMDD, or empty.
        time: HHMMSS with or without a fraction, or empty.
        offset: As `+0900`, or empty for Japan's.
    """
    try:
        day = datetime.strptime(f"{date}+0000", "%Y%m%d%z")
    except ValueError:
        return None
    try:
        # 60 is a leap second, of which the calendar knows the one before.
        seconds = "59" if time[4:6] == "60" else time[4:6]
        moment = datetime.strptime(f"{date}{time[:4]}{seconds}+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return day.date().isoformat()
    return moment.replace(tzinfo=_zone(offset)).isoformat()


def _zone(offset: str) -> timezone:
    match = _OFFSET.fullmatch(offset)
    if match is None:
        return JAPAN
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    # FHIR writes offsets up to 14:00, as the calendar has them.
    return timezone(-size if match[1] == "-" else size) if size <= timedelta(hours=14) else JAPAN


def clinical_date(study: StudyFacts) -> int:
    """Return when the study was begun, in microseconds since 1970 UTC; NO_DATE when it does not say."""
    zone = study.timezone_offset_from_utc
    found = instant(study.study_date, study.study_time, zone, default_offset_minutes=JAPAN_MINUTES)
    return NO_DATE if found is None else found


def identifiers(uid: str, study: StudyFacts) -> list[Json]:
    """Return the identifiers of what has a UID and belongs to a study: that, and the study's accession number."""
    found: list[Json] = [{"system": DICOM_UID, "value": f"urn:oid:{uid}"}]
    accession = printable(study.accession_number)
    if accession:
        found.append({"type": {"coding": [{"system": IDENTIFIER_TYPE, "code": "ACSN"}]}, "value": accession})
    return found


def _series(series: SeriesFacts, number_of_instances: int, listed: dict[str, list[Json]], zone: str) -> Json:
    body_part = printable(series.body_part_examined)
    return stated(
        {
            "uid": series.series_instance_uid,
            "number": unsigned(series.series_number),
            "modality": {"system": DCM, "code": printable(series.modality).replace(" ", "") or "OT"},
            "description": printable(series.series_description),
            "numberOfInstances": number_of_instances,
            "bodySite": {"display": body_part} if body_part else None,
            "started": started(series.series_date, series.series_time, zone),
            "instance": listed.get(series.series_instance_uid),
        }
    )


def _instance(instance: ListedRow) -> Json:
    return stated(
        {
            "uid": instance.sop_instance_uid,
            "sopClass": {"system": URI, "code": f"urn:oid:{instance.sop_class_uid}"},
            "number": unsigned(instance.instance_number),
        }
    )


def unsigned(number: int | None) -> int | None:
    """Return a number if FHIR's unsignedInt holds it; else None."""
    return number if number is not None and 0 <= number < _UNSIGNED_INT_LIMIT else None


def stated(members: Json) -> Json:
    """Return the members that have a value; FHIR has no empty ones."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
