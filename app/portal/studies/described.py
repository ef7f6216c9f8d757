"""A study of which the hub has no instances that the caller may see: what its ImagingStudy says of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.imaging.reports.study import Series, Study
from app.portal.images import NOTHING_TO_SEE
from app.portal.people import body_of
from app.portal.studies.linked import accession_of
from dicom.indexing import SeriesFacts, StudyFacts
from dicom.names import PersonName
from dicom.reports.kinds import Kind
from fhir.store.stored import Stored


def described(uid: str, copies: Sequence[Stored], organisation: int) -> Study | None:
    """Return a study as an ImagingStudy describes it; None when there is none.

    Args:
        uid: StudyInstanceUID.
        copies: The ImagingStudies that exist for the caller.
        organisation: The caller's own, whose copy goes before others.
    """
    chosen = next((one for one in copies if one.custodian == organisation), next(iter(copies), None))
    if chosen is None:
        return None
    body = body_of(chosen)
    texts = dict.fromkeys(StudyFacts.__dataclass_fields__, "")
    started = str(body.get("started", ""))
    stated: dict[str, Any] = {
        **texts,
        "study_instance_uid": uid,
        "study_date": started[:10].replace("-", ""),
        "study_time": started[11:19].replace(":", ""),
        "accession_number": accession_of(body),
        "study_description": str(body.get("description", "")),
        "referring_physician_name": PersonName(ideographic=str(body.get("referrer", {}).get("display", ""))),
        "patient_name": PersonName(),
    }
    return Study(
        facts=StudyFacts(**stated),
        patient_key=chosen.patient_key,
        custodian=chosen.custodian,
        series=[_series(one) for one in body.get("series", ())],
        images=0,
        objects=(),
        unread=0,
        rows={},
    )


def _series(one: Mapping[str, Any]) -> Series:
    modality = str(one.get("modality", {}).get("code", ""))
    texts = dict.fromkeys(SeriesFacts.__dataclass_fields__, "")
    number = one.get("number")
    stated: dict[str, Any] = {
        **texts,
        "series_instance_uid": str(one.get("uid", "")),
        "modality": modality,
        "series_number": number if isinstance(number, int) else None,
        "series_description": str(one.get("description", "")),
        "body_part_examined": str(one.get("bodySite", {}).get("display", "")),
    }
    kind = Kind.RAW if modality in NOTHING_TO_SEE else Kind.IMAGE
    return Series(SeriesFacts(**stated), int(one.get("numberOfInstances", 0)), kind)
