"""Bundles that provide documents, made for a test.

Plain functions; a test names only what matters to it.
"""

import base64
import hashlib
from copy import deepcopy
from typing import Any

from tests.world import World, a_patient

MHD = "https://profiles.ihe.net/ITI/MHD/StructureDefinition"
URI = "urn:ietf:rfc:3986"
LETTER = "紹介状\n".encode()


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def uid(number: int) -> str:
    """Return a urn:uuid."""
    return f"urn:uuid:00000000-0000-4000-8000-{number:012}"


def an_attachment(octets: bytes = LETTER, **fields: Any) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.sha1(octets, usedforsecurity=False).digest()).decode()
    made = {"contentType": "text/plain", "language": "ja", "url": uid(3), "size": len(octets), "hash": digest}
    return {**made, "creation": "2024-05-01T10:00:00+09:00", "title": "紹介状", **fields}


def a_document(patient: str, number: str = "1", **fields: Any) -> dict[str, Any]:
    """Return the DocumentReference of a Patient given by id, with metadata that suffice at every level."""
    return {
        "resourceType": "DocumentReference",
        "contained": [
            {"resourceType": "Patient", "id": "source", "identifier": [{"system": "urn:oid:1.2.3", "value": "7"}]},
            {"resourceType": "Practitioner", "id": "author", "name": [{"family": "佐藤", "given": ["花子"]}]},
        ],
        "masterIdentifier": {"use": "usual", "system": URI, "value": f"urn:oid:1.2.392.{number}"},
        "status": "current",
        "type": concept("http://loinc.org", "57133-1"),
        "category": [concept("http://loinc.org", "57133-1")],
        "subject": {"reference": f"Patient/{patient}"},
        "date": "2024-05-01T10:00:00+09:00",
        "author": [{"reference": "#author"}],
        "securityLabel": [concept("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "N")],
        "content": [
            {
                "attachment": an_attachment(),
                "format": {"system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", "code": "x"},
            }
        ],
        "context": {
            "facilityType": concept("http://snomed.info/sct", "82242000"),
            "practiceSetting": concept("http://snomed.info/sct", "408467006"),
            "sourcePatientInfo": {"reference": "#source"},
        },
        **fields,
    }


def a_set(patient: str, number: str = "1", **fields: Any) -> dict[str, Any]:
    """Return a SubmissionSet of the document."""
    extension = [
        {"url": f"{MHD}/ihe-designationType", "valueCodeableConcept": concept("http://snomed.info/sct", "225728007")},
        {"url": f"{MHD}/ihe-sourceId", "valueIdentifier": {"system": URI, "value": "urn:oid:1.2.3.4"}},
    ]
    return {
        "resourceType": "List",
        "extension": extension,
        "identifier": [{"use": "usual", "system": URI, "value": f"urn:oid:1.2.392.9.{number}"}],
        "status": "current",
        "mode": "working",
        "code": concept("https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "submissionset"),
        "subject": {"reference": f"Patient/{patient}"},
        "date": "2024-05-01T10:00:00+09:00",
        "entry": [{"item": {"reference": uid(2)}}],
        **fields,
    }


def a_folder(patient: str, number: str = "1", **fields: Any) -> dict[str, Any]:
    """Return a Folder that holds the document."""
    made = a_set(patient, f"5.{number}", title="フォルダー", **fields)
    made["extension"] = made["extension"][:1]
    made["code"] = concept("https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "folder")
    return made


def a_binary(octets: bytes = LETTER, content_type: str = "text/plain", **fields: Any) -> dict[str, Any]:
    made = {"resourceType": "Binary", "contentType": content_type}
    return {**made, "data": base64.b64encode(octets).decode(), **fields}


def an_entry(number: int, resource: dict[str, Any], method: str = "POST", url: str = "") -> dict[str, Any]:
    asked = {"method": method, "url": url or resource["resourceType"]}
    return {"fullUrl": uid(number), "resource": resource, "request": asked}


def a_bundle(*entries: dict[str, Any], level: str = "Comprehensive") -> dict[str, Any]:
    profile = f"{MHD}/IHE.MHD.{level}.ProvideBundle"
    made = {"resourceType": "Bundle", "meta": {"profile": [profile]}, "type": "transaction", "entry": list(entries)}
    return deepcopy(made)


def a_submission(
    patient: str, number: str = "1", *, octets: bytes = LETTER, level: str = "Comprehensive", **fields: Any
) -> dict[str, Any]:
    """Return a Bundle that provides one document; `fields` are those of its DocumentReference."""
    document = a_document(patient, number, **fields)
    document["content"][0]["attachment"] = an_attachment(octets)
    entries = (a_set(patient, number), document, a_binary(octets))
    return a_bundle(*(an_entry(place, one) for place, one in enumerate(entries, start=1)), level=level)


def document(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return the DocumentReference of a Bundle that `a_submission` made."""
    return dict.__getitem__(bundle["entry"][1], "resource")


def attachment(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return its attachment."""
    return dict.__getitem__(document(bundle)["content"][0], "attachment")


def submission_set(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return its SubmissionSet."""
    return dict.__getitem__(bundle["entry"][0], "resource")


def a_fhir_document(patient: dict[str, Any], *others: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a document Bundle; `others` are `uid(13)` and so on, `fields` are the Composition's."""
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": concept("http://loinc.org", "57133-1"),
        "subject": {"reference": uid(12)},
        "date": "2024-05-01T10:00:00+09:00",
        "author": [{"display": "佐藤"}],
        "title": "紹介状",
        **fields,
    }
    resources = enumerate((composition, patient, *others), start=11)
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": URI, "value": uid(10)},
        "timestamp": "2024-05-01T10:00:00+09:00",
        "entry": [{"fullUrl": uid(number), "resource": one} for number, one in resources],
    }


async def a_site(world: World, site: str = "hospital-a", **fields: Any) -> tuple[dict[str, str], str]:
    """Return a caller of a site and the id of one of its Patients, which has these fields."""
    caller = await world.client(site)
    return caller, (await world.post(caller, a_patient(**fields)))["id"]


async def provided(world: World, caller: dict[str, str], bundle: dict[str, Any]) -> list[str]:
    """Provide documents and return where each entry lies, as `Type/id`."""
    answer = await world.http.post("/fhir", headers=caller, json=bundle)
    assert answer.status_code == 200, answer.text
    found = [entry["response"]["location"] for entry in answer.json()["entry"]]
    return [place.removeprefix("http://127.0.0.1:8080/fhir/").partition("/_history")[0] for place in found]
