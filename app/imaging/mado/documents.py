"""The DocumentReferences of a manifest: one for each form, each naming the other.

https://profiles.ihe.net/RAD/MADO/manifest-envelope.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from app.access.directory import Organisation
from app.imaging.imaging_study import stated
from app.imaging.mado import systems
from app.imaging.mado.elements import accession_identifier, codeable, moment, study_identifier
from dicom.manifest.model import Manifest
from fhir.store.labels import CONFIDENTIALITY

FHIR, KOS = "fhir", "kos"
FORMS = (FHIR, KOS)

MEDIA_TYPES = {FHIR: "application/fhir+json", KOS: "application/dicom"}
_FORMATS = {FHIR: systems.FHIR_FORMAT, KOS: systems.KOS_FORMAT}
_TITLES = {FHIR: "Imaging study manifest (FHIR)", KOS: "Imaging study manifest (DICOM KOS)"}

_NORMAL = {"system": CONFIDENTIALITY, "code": "N"}
_RADIOLOGY = {
    "coding": [{"system": systems.SNOMED_CT, "code": "394914008", "display": "Radiology"}],
}
_FACILITIES = {
    "hospital": {"system": systems.SNOMED_CT, "code": "22232009", "display": "Hospital"},
    "clinic": {"system": systems.SNOMED_CT, "code": "35971002", "display": "Ambulatory care site"},
}
_FACILITY = {"system": systems.SNOMED_CT, "code": "43741000", "display": "Site of care"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """How a document is described.

    Attributes:
        number: Its own, a URN.
        address: From which it is retrieved.
        other: Reference to the DocumentReference of the other form.
        size: Its octets, of one that is kept as bytes; None for one that is made on demand, and for a resource.
        sha1: Their hash in base64, where there is a size.
        kept: Whether it is kept, and stays as it is.
    """

    number: str
    address: str
    other: str
    size: int | None = None
    sha1: str = ""
    kept: bool = False


def on_demand_number(study: str, form: str) -> str:
    """Return what an entry on demand is known by: the same for an ImagingStudy, however often it is asked for."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'ImagingStudy/{study}/$manifest?form={form}')}"


def document_reference(
    manifest: Manifest,
    form: str,
    described: Described,
    *,
    patient: str,
    site: Organisation,
    labels: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return the DocumentReference of one form of a manifest.

    Args:
        manifest: What the document says.
        form: `FHIR` or `KOS`.
        described: How it is described.
        patient: Reference to the Patient.
        site: Who keeps the images.
        labels: The document's security labels.
    """
    created = manifest.created.isoformat(timespec="milliseconds")
    number = {"system": systems.URI, "value": described.number}
    attachment = {
        "contentType": MEDIA_TYPES[form],
        "language": "en",
        "url": described.address,
        "size": described.size,
        "hash": described.sha1,
        "title": _TITLES[form],
        "creation": created if described.kept else None,
    }
    content: dict[str, Any] = {"attachment": stated(attachment), "format": _FORMATS[form]}
    if form == FHIR:
        content["extension"] = [
            {
                "url": systems.CONTENT_PROFILE,
                "extension": [{"url": "value[x]", "valueCanonical": systems.BUNDLE_PROFILE}],
            }
        ]
    return {
        "resourceType": "DocumentReference",
        "extension": [
            *(_extension(systems.DOCUMENT_MODALITY, _modality(one)) for one in manifest.modalities),
            *(_extension(systems.DOCUMENT_BODY_SITE, codeable(one)) for one in manifest.regions),
        ],
        "masterIdentifier": number,
        "identifier": [number],
        "status": "current",
        "type": systems.DOCUMENT_TYPE,
        "category": [systems.DOCUMENT_CATEGORY],
        "subject": {"reference": patient},
        "date": created,
        "author": [{"reference": site.reference}],
        "custodian": {"reference": site.reference},
        "relatesTo": [{"code": "transforms", "target": {"reference": described.other}}],
        "description": manifest.study_description or _TITLES[form],
        "securityLabel": [{"coding": [dict(one)]} for one in (labels or (_NORMAL,))],
        "content": [content],
        "context": _context(manifest, site),
    }


def _extension(url: str, concept: Mapping[str, Any]) -> dict[str, Any]:
    return {"url": url, "valueCodeableConcept": concept}


def _modality(code: str) -> dict[str, Any]:
    return {"coding": [{"system": systems.DCM, "code": code}]}


def _context(manifest: Manifest, site: Organisation) -> dict[str, Any]:
    """Return when the study was begun, where, and the numbers by which it is found."""
    started = moment(manifest.study_date, manifest.study_time, manifest.timezone_offset_from_utc)
    related = [study_identifier(manifest.study_instance_uid)]
    related += [accession_identifier(one) for one in manifest.stated_accessions]
    return stated(
        {
            "event": [codeable(one) for one in manifest.procedures],
            # The service was one moment: with a start alone it would be going on, and no day would hold it.
            "period": {"start": started, "end": started} if started else None,
            "facilityType": {"coding": [_FACILITIES.get(site.kind, _FACILITY)]},
            "practiceSetting": _RADIOLOGY,
            "related": [{"identifier": one} for one in related],
        }
    )
