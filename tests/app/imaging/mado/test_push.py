"""Manifests that a site sends as documents, plain or with their metadata (MHD), and what is found by them."""

from dataclasses import replace
from typing import Any

import pytest

from app.imaging.mado.to_fhir import fhir_manifest
from app.imaging.patient import PATIENT_NUMBER
from dicom.manifest.model import Issued, Manifest
from dicom.manifest.read import read_kos
from dicom.part10 import read_instance
from fhir.store.labels import ACT_CODE
from tests.app.imaging.images import CT, a_file, address, parts_of
from tests.app.imaging.mado.test_convert import a_manifest
from tests.app.imaging.sources.region import a_manifest as a_plain_manifest
from tests.app.imaging.sources.region import a_source
from tests.mhd import a_binary, a_bundle, a_document, a_set, an_attachment, an_entry
from tests.pacs import a_pacs
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

NUMBER = {"system": f"{PATIENT_NUMBER}0110000001", "value": "1CT1"}


async def found(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    answer = await world.http.get(f"/fhir/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", ())]


def a_submission_of(octets: bytes, patient: str) -> dict[str, Any]:
    """Return a Bundle that provides a Key Object Selection."""
    document = a_document(patient)
    document["content"][0]["attachment"] = an_attachment(octets, contentType="application/dicom")
    entries = (a_set(patient), document, a_binary(octets, "application/dicom"))
    return a_bundle(*(an_entry(place, one) for place, one in enumerate(entries, start=1)))


def of_image(image: bytes) -> Manifest:
    manifest = read_kos(read_instance(a_plain_manifest(image)))
    return replace(manifest, patient_id=Issued(NUMBER["value"], NUMBER["system"]))


async def test_a_manifest_sent_as_a_document_is_kept_and_its_study_is_found(world: World) -> None:
    hospital = await world.client("hospital-a")
    number = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "00012345"}
    patient = await world.post(hospital, a_patient(identifier=[number]))

    sent = await world.http.post("/fhir/Bundle", headers=hospital, json=fhir_manifest(a_manifest()))

    assert sent.status_code == 201, sent.text
    (study,) = await found(world, hospital, "ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.2.3")
    assert study["subject"]["reference"] == f"Patient/{patient['id']}"
    endpoints = [one["address"] for one in await found(world, hospital, "Endpoint?connection-type=dicom-wado-rs")]
    assert sorted(endpoints) == ["https://hub.example/dicomweb", "https://other.example/rs"]


async def test_what_a_provided_manifest_refers_to_is_fetched_from_where_the_site_has_it(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
        patient = await world.post(hospital, a_patient(identifier=[NUMBER]))

        sent = await world.http.post(
            "/fhir", headers=hospital, json=a_submission_of(a_plain_manifest(image), patient["id"])
        )
        hidden = await world.http.get(address(image), headers=clinic)
        await world.post(hospital, a_consent(patient["id"], "clinic-c"))
        shown = await world.http.get(address(image), headers=clinic)

    assert sent.status_code == 200, sent.text
    assert (hidden.status_code, shown.status_code) == (404, 200)
    assert parts_of(shown)[0][1] == image
    (study,) = await found(world, hospital, "ImagingStudy")
    assert study["subject"]["reference"] == f"Patient/{patient['id']}"
    made = await world.http.get(f"/fhir/ImagingStudy/{study['id']}/$manifest", headers=clinic)
    assert made.status_code == 200


async def test_the_fhir_form_may_say_by_a_location_alone_where_its_images_are(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        hospital = await world.client("hospital-a")
        patient = await world.post(hospital, a_patient(identifier=[NUMBER]))

        sent = await world.http.post("/fhir/Bundle", headers=hospital, json=fhir_manifest(of_image(image)))
        one = await world.http.get(address(image), headers=hospital)

    assert sent.status_code == 201, sent.text
    assert parts_of(one)[0][1] == image
    (study,) = await found(world, hospital, "ImagingStudy")
    assert study["subject"]["reference"] == f"Patient/{patient['id']}"


async def test_what_a_labelled_manifest_refers_to_is_as_hidden_as_it_is(world: World) -> None:
    image = a_file(CT)
    secret = fhir_manifest(of_image(image), [{"system": ACT_CODE, "code": "PSY"}])
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
        patient = await world.post(hospital, a_patient(identifier=[NUMBER]))
        await world.post(hospital, a_consent(patient["id"], "clinic-c"))

        sent = await world.http.post("/fhir/Bundle", headers=hospital, json=secret)
        answers = [await world.http.get(address(image), headers=caller) for caller in (hospital, clinic)]

    assert sent.status_code == 201, sent.text
    assert [one.status_code for one in answers] == [200, 404]
    assert await found(world, clinic, "ImagingStudy") == []
