"""Manifests that a site sends: as a FHIR document, plain or with its metadata (MHD), and what is found by them."""

from typing import Any

import pytest

from app.imaging.mado.to_fhir import fhir_manifest
from tests.app.imaging.mado.test_convert import a_manifest
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

NUMBER = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "00012345"}


async def found(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    answer = await world.http.get(f"/fhir/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", ())]


async def test_a_manifest_sent_as_a_document_is_kept_and_its_study_is_found(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_patient(identifier=[NUMBER]))
    bundle = fhir_manifest(a_manifest())

    sent = await world.http.post("/fhir/Bundle", headers=hospital, json=bundle)

    assert sent.status_code == 201, sent.text
    (study,) = await found(world, hospital, "ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.2.3")
    assert study["subject"]["reference"] == f"Patient/{patient['id']}"
    endpoints = [one["address"] for one in await found(world, hospital, "Endpoint?connection-type=dicom-wado-rs")]
    assert sorted(endpoints) == ["https://hub.example/dicomweb", "https://other.example/rs"]
