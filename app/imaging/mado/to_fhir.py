"""A manifest as a FHIR document: Composition, ImagingStudy, Patient, Device, Organization, requests, Endpoints.

https://profiles.ihe.net/RAD/MADO/fhir-imaging-manifest.html; what is not known is left out or, where the profile
requires it, marked as absent, so that the way back finds nothing that was not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from app.imaging.imaging_study import stated, unsigned
from app.imaging.mado import systems
from app.imaging.mado.elements import (
    WADO_ENDPOINT,
    absent_or,
    accession_identifier,
    code_system,
    codeable,
    issued_identifier,
    moment,
    study_identifier,
    wado_endpoint,
)
from app.imaging.patient import GENDERS, human_names, iso_date
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestRequest, ManifestSeries

Json = dict[str, Any]

_XHTML = "http://www.w3.org/1999/xhtml"


class _Links:
    """The names of a document's resources: made of its UID, so that the same manifest is the same document."""

    def __init__(self, manifest: Manifest) -> None:
        self._uid = manifest.uid
        places = dict.fromkeys(_where(one) for one in manifest.series)
        self.endpoints = {where: f"Endpoint/{number}" for number, where in enumerate(places)}
        """The name of each Endpoint, by address, location and AE title."""

    def id(self, name: str) -> str:
        return str(uuid5(NAMESPACE_OID, f"{self._uid}/{name}"))

    def url(self, name: str) -> str:
        return f"urn:uuid:{self.id(name)}"

    def reference(self, name: str, display: str = "") -> Json:
        return stated({"reference": self.url(name), "type": name.partition("/")[0], "display": display})

    def endpoint(self, series: ManifestSeries) -> Json:
        return self.reference(self.endpoints[_where(series)], WADO_ENDPOINT)


def fhir_manifest(manifest: Manifest, security: Sequence[Mapping[str, str]] = ()) -> Json:
    """Return a manifest as a document Bundle; it has the manifest's UID as its identifier.

    Args:
        manifest: What it says.
        security: The labels of the images, which are the document's.
    """
    links = _Links(manifest)
    requests = requests_of(manifest)
    resources: dict[str, Json] = {
        "Composition": _composition(manifest, links),
        "ImagingStudy": _study(manifest, requests, links),
        "Patient": _patient(manifest),
        "Device": _device(manifest, links),
        "Organization": absent_or("name", manifest.institution),
        **{f"ServiceRequest/{n}": _service_request(one, manifest, links) for n, one in enumerate(requests)},
        **{name: _wado_endpoint(*where) for where, name in links.endpoints.items()},
    }
    if manifest.display_uri:
        resources["Endpoint/viewer"] = _viewer_endpoint(manifest.display_uri)
    return {
        "resourceType": "Bundle",
        "meta": stated({"profile": [systems.BUNDLE_PROFILE], "security": [dict(one) for one in security]}),
        "identifier": {"system": systems.URI, "value": f"urn:oid:{manifest.uid}"},
        "type": "document",
        "timestamp": manifest.created.isoformat(),
        "entry": [
            {
                "fullUrl": links.url(name),
                "resource": {"resourceType": name.partition("/")[0], "id": links.id(name), **one},
            }
            for name, one in resources.items()
        ],
    }


def requests_of(manifest: Manifest) -> tuple[ManifestRequest, ...]:
    """Return the requests of a study; of its accession number one is made where it stands alone."""
    if manifest.requests or not manifest.accession:
        return manifest.requests
    return (ManifestRequest(accession=manifest.accession),)


def person(manifest: Manifest) -> str:
    """Return the patient's name as one reads it, in its ideographic form where there is one."""
    return manifest.patient_name.shown


def _composition(manifest: Manifest, links: _Links) -> Json:
    study = manifest.study_description or "Imaging study"
    modalities = ", ".join(manifest.modalities)
    rows = {
        "Study Instance UID": manifest.study_instance_uid,
        "Patient": person(manifest),
        "Started": _started(manifest),
        "Modalities": modalities,
        "Anatomical region": ", ".join(one.meaning or one.value for one in manifest.regions),
        "Accession number": ", ".join(one.value for one in manifest.stated_accessions),
        "Number of series": str(len(manifest.series)),
        "Number of instances": str(manifest.number_of_instances),
    }
    return {
        "text": _narrative(rows),
        "identifier": {"system": systems.URI, "value": f"urn:oid:{manifest.uid}"},
        "status": "final",
        "type": systems.DOCUMENT_TYPE,
        "category": [systems.DOCUMENT_CATEGORY],
        "subject": links.reference("Patient", person(manifest)),
        "date": manifest.created.isoformat(timespec="seconds"),
        "author": [links.reference("Device", manifest.device), links.reference("Organization", manifest.institution)],
        "title": f"{study} ({modalities})" if modalities else study,
        "event": [{"detail": [links.reference("ImagingStudy", manifest.study_description)]}],
        "section": [_section(number, one, links) for number, one in enumerate(manifest.series, start=1)],
    }


def _section(number: int, series: ManifestSeries, links: _Links) -> Json:
    rows = {
        "Series Instance UID": series.series_instance_uid,
        "Modality": series.modality,
        "Description": series.description,
        "Number of instances": str(len(series.instances)),
        "Retrieved from": series.retrieve_url,
    }
    return {
        "title": f"Series {number if series.number is None else series.number}",
        "text": _narrative(rows),
        "entry": [links.endpoint(series)],
    }


def _narrative(rows: Mapping[str, str | None]) -> Json:
    told = "".join(f"<tr><td>{name}</td><td>{escape(text)}</td></tr>" for name, text in rows.items() if text)
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}"><table><tbody>{told}</tbody></table></div>'}


def _started(manifest: Manifest) -> str | None:
    return moment(manifest.study_date, manifest.study_time, manifest.timezone_offset_from_utc)


def _study(manifest: Manifest, requests: tuple[ManifestRequest, ...], links: _Links) -> Json:
    viewer = [links.reference("Endpoint/viewer", "Viewer")] if manifest.display_uri else []
    return stated(
        {
            "extension": [
                {"url": systems.ANATOMICAL_REGION, "valueCodeableConcept": codeable(one)} for one in manifest.regions
            ],
            "identifier": [study_identifier(manifest.study_instance_uid)],
            "status": "available",
            "modality": [{"system": systems.DCM, "code": one} for one in manifest.modalities],
            "subject": links.reference("Patient", person(manifest)),
            "started": _started(manifest),
            "basedOn": list(_based_on(requests, links)),
            "numberOfSeries": len(manifest.series),
            "numberOfInstances": manifest.number_of_instances,
            # A person has to be shown what was done, so that the profile does not allow that there is nothing.
            "procedureCode": [codeable(one) for one in manifest.procedures] or [_supposed(manifest)],
            "description": manifest.study_description,
            "endpoint": viewer,
            "series": [_series(one, manifest, links) for one in manifest.series],
        }
    )


def _supposed(manifest: Manifest) -> Json:
    described = next((one.description for one in manifest.requests if one.description), "")
    text = described or manifest.study_description or ", ".join(manifest.modalities) or "Imaging study"
    return systems.unknown() | {"text": text}


def _based_on(requests: tuple[ManifestRequest, ...], links: _Links) -> Iterator[Json]:
    for number, one in enumerate(requests):
        found = links.reference(f"ServiceRequest/{number}", one.accession.value and f"Accession {one.accession.value}")
        # The profile knows one accession number of a study; the others are those of their requests.
        if number == 0 and one.accession:
            found["identifier"] = accession_identifier(one.accession)
        yield found


def _series(series: ManifestSeries, manifest: Manifest, links: _Links) -> Json:
    region = series.region
    return stated(
        {
            "uid": series.series_instance_uid,
            "number": unsigned(series.number),
            "modality": {"system": systems.DCM, "code": series.modality or "OT"},
            "description": series.description,
            "numberOfInstances": len(series.instances),
            "endpoint": [links.endpoint(series)],
            "bodySite": stated({"system": code_system(region), "code": region.value, "display": region.meaning})
            if region
            else None,
            "started": moment(series.date, series.time, manifest.timezone_offset_from_utc),
            "instance": [_instance(one) for one in series.instances],
        }
    )


def _instance(instance: ManifestInstance) -> Json:
    extensions: list[Json] = []
    if instance.number_of_frames is not None:
        extensions.append({"url": systems.NUMBER_OF_FRAMES, "valueInteger": instance.number_of_frames})
    if instance.title is not None:
        extensions.append({"url": systems.DOCUMENT_TITLE, "valueCodeableConcept": codeable(instance.title)})
    return stated(
        {
            "extension": extensions,
            "uid": instance.sop_instance_uid,
            "sopClass": {"system": systems.URI, "code": f"urn:oid:{instance.sop_class_uid}"},
            "number": unsigned(instance.number),
            "title": instance.description,
        }
    )


def _patient(manifest: Manifest) -> Json:
    numbers = [
        stated({"use": use, "type": systems.RECORD_NUMBER_TYPE, **issued_identifier(one)})
        for use, one in [("usual", manifest.patient_id), *(("secondary", one) for one in manifest.other_patient_ids)]
        if one
    ]
    return stated(
        {
            "identifier": numbers,
            "name": human_names(manifest.patient_name),
            "gender": GENDERS.get(manifest.patient_sex),
            "birthDate": iso_date(manifest.patient_birth_date),
        }
    )


def _device(manifest: Manifest, links: _Links) -> Json:
    name = {"name": manifest.device, "type": "user-friendly-name"}
    return stated(
        {
            "manufacturer": manifest.manufacturer,
            "deviceName": [name] if manifest.device else None,
            "type": systems.CREATOR,
            "owner": links.reference("Organization", manifest.institution),
        }
    )


def _service_request(request: ManifestRequest, manifest: Manifest, links: _Links) -> Json:
    numbers = [accession_identifier(request.accession)] if request.accession else []
    typed: tuple[tuple[Json, Issued], ...] = (
        (systems.PLACER_TYPE, request.placer),
        (systems.FILLER_TYPE, request.filler),
        (systems.PROCEDURE_ID_TYPE, Issued(request.procedure_id)),
    )
    numbers += [{"type": type_, **issued_identifier(one)} for type_, one in typed if one]
    return stated(
        {
            "identifier": numbers,
            "status": "completed",
            "intent": "order",
            "category": [systems.IMAGING],
            "code": {"text": request.description} if request.description else None,
            "subject": links.reference("Patient", person(manifest)),
        }
    )


def _where(series: ManifestSeries) -> tuple[str, str, str]:
    return series.retrieve_url, series.retrieve_location_uid, series.retrieve_ae_title


def _wado_endpoint(address: str, location: str, ae_title: str) -> Json:
    where = {"url": systems.RETRIEVE_LOCATION_UID}
    return stated(
        {
            "extension": [where | ({"valueString": location} if location else {"_valueString": systems.unknown()})],
            "identifier": [{"system": systems.AE_TITLE, "value": ae_title}] if ae_title else None,
            **wado_endpoint(address or systems.NOT_SPECIFIED),
            "_address": None if address else systems.unknown(),
        }
    )


def _viewer_endpoint(address: str) -> Json:
    return {
        "status": "active",
        "connectionType": {"system": systems.VIEWER_TYPE, "code": "web-viewer"},
        "name": "Viewer",
        "payloadType": [{"coding": [systems.NO_PAYLOAD]}],
        "payloadMimeType": ["text/html"],
        "address": address,
    }
