"""References: what a manifest, a QIDO-RS answer or an ImagingStudy says of instances that stay at their site.

Each becomes what a stored instance becomes, without bytes: it is filed by the same code, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from app.imaging.keep import Received
from app.imaging.patient import ISSUER_QUALIFIERS, local, universal
from app.imaging.sources.source import Registered
from dicom.indexing import Facts, InstanceFacts, SeriesFacts, StudyFacts
from dicom.manifest.items import UNIVERSAL_ENTITY_ID, UNIVERSAL_ENTITY_ID_TYPE
from dicom.manifest.model import Manifest, ManifestInstance, ManifestSeries
from dicom.model_facts import facts_of, model_of, text_of, values_of
from dicom.names import PersonName
from dicom.sop_classes import has_frames, modality_of
from dicom.store.write import Extracted
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from dicom.values import is_uid

MOST_REFERENCES = 20_000
"""Of one manifest, or one ImagingStudy."""


def reference(facts: Facts, source: int, issuer: str) -> Received | None:
    """Return a reference to an instance; None when it has no UIDs that could be asked for.

    Args:
        facts: What is known of it.
        source: Who has its bytes.
        issuer: Of the Patient ID, as `app.imaging.patient.issuer` returns it.
    """
    uids = (
        facts.study.study_instance_uid,
        facts.series.series_instance_uid,
        facts.instance.sop_instance_uid,
        facts.instance.sop_class_uid,
    )
    if not all(map(is_uid, uids)):
        return None
    frames = facts.instance.number_of_frames
    if frames is None and has_frames(facts.instance.sop_class_uid):
        facts = replace(facts, instance=replace(facts.instance, number_of_frames=1))
    columns: dict[str, Any] = asdict(facts.instance) | {
        "study_instance_uid": uids[0],
        "series_instance_uid": uids[1],
        # What everything but video can be given in, as long as nobody has seen it.
        "transfer_syntax_uid": EXPLICIT_VR_LITTLE_ENDIAN,
        "pixel_offset": None,
        "pixel_length": None,
        "frames": None,
        "model": model_of(facts),
        "source": source,
        "described": None,
    }
    return Received(Extracted(facts, columns), issuer, "", 0)


def of_manifest(manifest: Manifest, sources: Sequence[Registered]) -> list[Received]:
    """Return references to the instances of a manifest whose series say that they are at one of these sources.

    Args:
        manifest: Of one study.
        sources: Those of the site that sent it.
    """
    study = _study(manifest)
    issuer = manifest.patient_id.system or manifest.patient_id.issuer
    found: list[Received] = []
    for series in manifest.series:
        source = _source(series, sources)
        if source is None:
            continue
        for one in series.instances[: MOST_REFERENCES - len(found)]:
            made = reference(Facts(study, _series(series, one), _instance(one)), source, local(issuer))
            if made is not None:
                found.append(made)
    return found


def _source(series: ManifestSeries, sources: Sequence[Registered]) -> int | None:
    """Return which source a series says that it is at: by the UID of the location first, then by the address."""
    ways = (
        {"location": series.retrieve_location_uid},
        {"address": series.retrieve_url},
        {"ae_title": series.retrieve_ae_title},
    )
    for way in ways:
        for one in sources:
            if one.source.is_named(**way):
                return one.source.key
    return None


def _study(manifest: Manifest) -> StudyFacts:
    return StudyFacts(
        study_instance_uid=manifest.study_instance_uid,
        study_date=manifest.study_date,
        study_time=manifest.study_time,
        accession_number=manifest.accession.value,
        referring_physician_name=PersonName(),
        timezone_offset_from_utc=manifest.timezone_offset_from_utc,
        study_description=manifest.study_description,
        patient_name=manifest.patient_name,
        patient_id=manifest.patient_id.value,
        issuer_of_patient_id=manifest.patient_id.issuer,
        patient_birth_date=manifest.patient_birth_date,
        patient_sex=manifest.patient_sex,
        study_id="",
    )


def _series(series: ManifestSeries, first: ManifestInstance) -> SeriesFacts:
    return SeriesFacts(
        series_instance_uid=series.series_instance_uid,
        modality=series.modality or modality_of(first.sop_class_uid),
        series_number=series.number,
        series_description=series.description,
        series_date=series.date,
        series_time=series.time,
        body_part_examined="",
        laterality="",
        performed_procedure_step_start_date="",
        performed_procedure_step_start_time="",
    )


def _instance(one: ManifestInstance) -> InstanceFacts:
    return InstanceFacts(one.sop_class_uid, one.sop_instance_uid, one.number, one.number_of_frames, None, None, None)


def of_model(source: int, instance: Mapping[str, Any], *above: Mapping[str, Any]) -> Received | None:
    """Return a reference to an instance that a query has found; None when it lacks a UID.

    Args:
        source: Who has its bytes.
        instance: What the query found of it, in DICOM JSON.
        above: What other queries have found of its series and its study.
    """
    facts = facts_of(instance, *above)
    if not facts.series.modality:
        facts = replace(facts, series=replace(facts.series, modality=modality_of(facts.instance.sop_class_uid)))
    return reference(facts, source, issuer_of((instance, *above), facts.study))


def issuer_of(models: Sequence[Mapping[str, Any]], study: StudyFacts) -> str:
    """Return who issued the Patient ID that a query has found, as `app.imaging.patient.issuer` does."""
    for model in models:
        for item in values_of(model, ISSUER_QUALIFIERS):
            if isinstance(item, dict):
                found = universal(text_of(item, UNIVERSAL_ENTITY_ID), text_of(item, UNIVERSAL_ENTITY_ID_TYPE))
                if found:
                    return found
    return local(study.issuer_of_patient_id)
