"""A manifest written as a Key Object Selection: that of MADO with its description, or the plain one of XDS-I.b.

IHE RAD MADO 6.X.2; the module of each table has a function here. https://dicom.nema.org/medical/dicom/current/output/chtml/part16/chapter_A.html#sect_TID_2010
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from dicom.concept import Code
from dicom.file_meta import file_meta
from dicom.manifest import codes
from dicom.manifest.encode import Values, data_set
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestRequest, ManifestSeries
from dicom.manifest.read import sound_offset, zone
from dicom.names import PersonName
from dicom.reports.kinds import KEY_OBJECT_SELECTION
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

NOT_IMAGES = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.", "1.2.840.10008.5.1.4.1.1.11.")
"""What the classes of reports, encapsulated documents and presentation states begin with: COMPOSITE, not IMAGE."""
WAVEFORMS = "1.2.840.10008.5.1.4.1.1.9."

SERIES_NUMBER = 1
"""Of the manifest's own series, which holds the manifest alone."""


def write_kos(manifest: Manifest) -> bytes:
    """Return a manifest as a Part 10 file: the same manifest, the same bytes.

    Its own series is named after it. A time zone is always stated; a manifest that names none has Japan's.
    """
    head = file_meta(KEY_OBJECT_SELECTION, manifest.uid, EXPLICIT_VR_LITTLE_ENDIAN)
    values = {
        **_patient(manifest),
        **_study(manifest),
        **_series(manifest),
        **_equipment(manifest),
        **_document(manifest),
        **_content(manifest),
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": KEY_OBJECT_SELECTION,
        "SOPInstanceUID": manifest.uid,
        "TimezoneOffsetFromUTC": sound_offset(manifest.timezone_offset_from_utc),
    }
    return head + data_set(values)


def _patient(manifest: Manifest) -> Values:
    """Return the Patient Module (MADO 6.X.2.4): the identifier and its issuer are also among the others."""
    found: dict[str, Any] = {
        "PatientName": _name(manifest.patient_name),
        "PatientBirthDate": manifest.patient_birth_date,
        "PatientSex": manifest.patient_sex,
        **_patient_id(manifest.patient_id),
    }
    others = [one for one in (manifest.patient_id, *manifest.other_patient_ids) if one]
    if others:
        found["OtherPatientIDsSequence"] = [{**_patient_id(one), "TypeOfPatientID": "TEXT"} for one in others]
    return found


def _name(name: PersonName) -> str:
    return f"{name.alphabetic}={name.ideographic}={name.phonetic}".rstrip("=")


def _patient_id(number: Issued) -> Values:
    found: dict[str, Any] = {"PatientID": number.value}
    if number.issuer:
        found["IssuerOfPatientID"] = number.issuer
    if number.system:
        found["IssuerOfPatientIDQualifiersSequence"] = [_entity(number)]
    return found


def _entity(number: Issued) -> Values:
    """Return the Hierarchic Designator of an issuer that has a URI (6.X.2.12)."""
    prefixes = (("urn:oid:", "ISO"), ("urn:uuid:", "UUID"), ("", "URI"))
    prefix, type_ = next(one for one in prefixes if number.system.startswith(one[0]))
    return {"UniversalEntityID": number.system.removeprefix(prefix), "UniversalEntityIDType": type_}


def _issued(number: Issued, keyword: str, issuer: str) -> Values:
    local = {"LocalNamespaceEntityID": number.issuer} if number.issuer else {}
    item = {**local, **(_entity(number) if number.system else {})}
    return {keyword: number.value, **({issuer: [item]} if number and item else {})}


def _study(manifest: Manifest) -> Values:
    """Return the General Study Module (6.X.2.6)."""
    return {
        "StudyInstanceUID": manifest.study_instance_uid,
        "StudyDate": manifest.study_date,
        "StudyTime": manifest.study_time,
        "StudyID": "",
        "ReferringPhysicianName": "",
        **({"StudyDescription": manifest.study_description} if manifest.study_description else {}),
        **_issued(manifest.accession, "AccessionNumber", "IssuerOfAccessionNumberSequence"),
    }


def _series(manifest: Manifest) -> Values:
    """Return the Key Object Document Series Module (PS3.3 C.17.6.1)."""
    return {
        "Modality": "KO",
        "SeriesInstanceUID": f"2.25.{uuid5(NAMESPACE_OID, manifest.uid).int}",
        "SeriesNumber": SERIES_NUMBER,
        "SeriesDescription": manifest.title.meaning,
        "ReferencedPerformedProcedureStepSequence": [],
    }


def _equipment(manifest: Manifest) -> Values:
    """Return the General Equipment Module (6.X.2.7)."""
    found = {"Manufacturer": manifest.manufacturer, "InstitutionName": manifest.institution}
    return {**found, **({"ManufacturerModelName": manifest.device} if manifest.device else {})}


def _document(manifest: Manifest) -> Values:
    """Return the Key Object Document Module (6.X.2.8)."""
    created = manifest.created.astimezone(zone(manifest.timezone_offset_from_utc))
    study: dict[str, Any] = {
        "StudyInstanceUID": manifest.study_instance_uid,
        "ReferencedSeriesSequence": [_evidence(one) for one in manifest.series],
    }
    if manifest.display_uri:
        # 6.X.2.14: until DICOM gives Display URI a tag of its own.
        study |= {"000D0010 LO": "IHE_MADO_PRIVATE", "000D1001 UR": manifest.display_uri}
    return {
        "InstanceNumber": 1,
        "ContentDate": f"{created:%Y%m%d}",
        "ContentTime": f"{created:%H%M%S.%f}",
        "ReferencedRequestSequence": [_request(one, manifest) for one in manifest.requests],
        "CurrentRequestedProcedureEvidenceSequence": [study],
    }


def _request(request: ManifestRequest, manifest: Manifest) -> Values:
    """Return an item of the Referenced Request Macro (6.X.2.11)."""
    return {
        "StudyInstanceUID": manifest.study_instance_uid,
        "ReferencedStudySequence": [],
        **_issued(request.accession, "AccessionNumber", "IssuerOfAccessionNumberSequence"),
        **_issued(request.placer, "PlacerOrderNumberImagingServiceRequest", "OrderPlacerIdentifierSequence"),
        **_issued(request.filler, "FillerOrderNumberImagingServiceRequest", "OrderFillerIdentifierSequence"),
        "RequestedProcedureID": request.procedure_id,
        "RequestedProcedureDescription": request.description,
        "RequestedProcedureCodeSequence": [],
    }


def _evidence(series: ManifestSeries) -> Values:
    """Return an item of the Hierarchical Series Reference Macro (6.X.2.14)."""
    where = {
        "RetrieveURL": series.retrieve_url,
        "RetrieveLocationUID": series.retrieve_location_uid,
        "RetrieveAETitle": series.retrieve_ae_title,
    }
    return {
        "SeriesInstanceUID": series.series_instance_uid,
        "ReferencedSOPSequence": [_reference(one) for one in series.instances],
        **{keyword: value for keyword, value in where.items() if value},
    }


def _reference(instance: ManifestInstance) -> Values:
    return {
        "ReferencedSOPClassUID": instance.sop_class_uid,
        "ReferencedSOPInstanceUID": instance.sop_instance_uid,
    }


def _content(manifest: Manifest) -> Values:
    """Return the SR Document Content Module (6.X.2.9): TID 2010, with TID 1600 where there is a description."""
    items: list[Values] = []
    if manifest.title != codes.MANIFEST:
        items = [_code("HAS CONCEPT MOD", codes.PROCEDURE_CODE, one) for one in manifest.procedures]
        items.append(_container(codes.IMAGE_LIBRARY, list(_library(manifest))))
    items += [_entry(instance, []) for one in manifest.series for instance in one.instances]
    return {
        "ValueType": "CONTAINER",
        "ConceptNameCodeSequence": [_coded(manifest.title)],
        "ContinuityOfContent": "SEPARATE",
        "ContentTemplateSequence": [{"MappingResource": "DCMR", "TemplateIdentifier": "2010"}],
        "ContentSequence": items,
    }


def _library(manifest: Manifest) -> Iterator[Values]:
    """Yield what stands in the Image Library (TID 1600): what is told of the study, then its series."""
    for modality in manifest.modalities:
        yield _code("HAS ACQ CONTEXT", codes.MODALITY, Code(modality, "DCM", modality))
    for region in manifest.regions:
        yield _code("HAS ACQ CONTEXT", codes.TARGET_REGION, region)
    yield _number(codes.NUMBER_OF_STUDY_RELATED_SERIES, len(manifest.series), codes.SERIES_UNIT)
    for series in manifest.series:
        told = [*_descriptors(series), *(_entry(one, list(_entry_descriptors(one))) for one in series.instances)]
        yield _container(codes.IMAGE_LIBRARY_GROUP, told)


def _descriptors(series: ManifestSeries) -> Iterator[Values]:
    """Yield what is told of a series (TID 1602, table 6.X.2.9-2)."""
    if series.modality:
        yield _code("HAS ACQ CONTEXT", codes.MODALITY, Code(series.modality, "DCM", series.modality))
    if series.date:
        yield _said("DATE", codes.SERIES_DATE, "Date", series.date)
    if series.time:
        yield _said("TIME", codes.SERIES_TIME, "Time", series.time)
    if series.description:
        yield _said("TEXT", codes.SERIES_DESCRIPTION, "TextValue", series.description)
    if series.number is not None:
        yield _said("TEXT", codes.SERIES_NUMBER, "TextValue", str(series.number))
    yield _said("UIDREF", codes.SERIES_INSTANCE_UID, "UID", series.series_instance_uid)
    if series.region is not None:
        yield _code("HAS ACQ CONTEXT", codes.TARGET_REGION, series.region)
    yield _number(codes.NUMBER_OF_SERIES_RELATED_INSTANCES, len(series.instances), codes.INSTANCES_UNIT)


def _entry_descriptors(instance: ManifestInstance) -> Iterator[Values]:
    """Yield what is told of an instance (TID 1602, tables 6.X.2.9-3 and -4)."""
    if instance.number_of_frames is not None:
        yield _number(codes.NUMBER_OF_FRAMES, instance.number_of_frames, codes.FRAMES_UNIT)
    if instance.number is not None:
        yield _said("TEXT", codes.INSTANCE_NUMBER, "TextValue", str(instance.number))
    if instance.title is not None:
        yield _code("HAS ACQ CONTEXT", codes.DOCUMENT_TITLE, instance.title)
    if instance.description:
        yield _said("TEXT", codes.KEY_OBJECT_DESCRIPTION, "TextValue", instance.description)


def _entry(instance: ManifestInstance, told: list[Values]) -> Values:
    """Return the reference of an instance as a content item (TID 1601)."""
    kind = "COMPOSITE" if instance.sop_class_uid.startswith(NOT_IMAGES) else "IMAGE"
    if instance.sop_class_uid.startswith(WAVEFORMS):
        kind = "WAVEFORM"
    found: Values = {
        "RelationshipType": "CONTAINS",
        "ValueType": kind,
        "ReferencedSOPSequence": [_reference(instance)],
    }
    return {**found, "ContentSequence": told} if told else found


def _container(concept: Code, items: list[Values]) -> Values:
    return {
        "RelationshipType": "CONTAINS",
        "ValueType": "CONTAINER",
        "ConceptNameCodeSequence": [_coded(concept)],
        "ContinuityOfContent": "SEPARATE",
        "ContentSequence": items,
    }


def _said(value_type: str, concept: Code, keyword: str, value: str) -> Values:
    return {
        "RelationshipType": "HAS ACQ CONTEXT",
        "ValueType": value_type,
        "ConceptNameCodeSequence": [_coded(concept)],
        keyword: value,
    }


def _code(relationship: str, concept: Code, value: Code) -> Values:
    return {
        "RelationshipType": relationship,
        "ValueType": "CODE",
        "ConceptNameCodeSequence": [_coded(concept)],
        "ConceptCodeSequence": [_coded(value)],
    }


def _number(concept: Code, value: int, unit: Code) -> Values:
    measured: Values = {"NumericValue": str(value), "MeasurementUnitsCodeSequence": [_coded(unit)]}
    return {
        "RelationshipType": "HAS ACQ CONTEXT",
        "ValueType": "NUM",
        "ConceptNameCodeSequence": [_coded(concept)],
        "MeasuredValueSequence": [measured],
    }


def _coded(code: Code) -> Values:
    """Return a code; one that has a meaning only is written as one of the writer's own (PS3.16 8.2)."""
    plain = code if code.value else replace(code, value=code.meaning[:16], scheme=codes.LOCAL)
    value = "LongCodeValue" if len(plain.value) > 16 else "CodeValue"
    return {
        value: plain.value,
        "CodingSchemeDesignator": plain.scheme or codes.LOCAL,
        "CodeMeaning": plain.meaning or plain.value,
    }
