"""What comes by STOW-RS and is no image, in the one record: found by FHIR, with its order, labelled as its study is."""

from typing import Any

import pytest

from tests.app.imaging.images import stored
from tests.reports import STUDY, a_ct_dose, a_document, a_reading, some_key_images
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

HIV = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
ACCESSION = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}


async def the_patient(world: World, site: dict[str, str]) -> str:
    """Return the id of a site's Patient with the number of the images, made when it is not there."""
    identifier = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "P1"}
    return str((await world.post(site, a_patient(identifier=[identifier])))["id"])


async def found(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    """Return the matches of a search."""
    answer = await world.http.get(f"/fhir/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", ())]


def an_order(patient: str, number: str = "A-1", **fields: Any) -> dict[str, Any]:
    """Return a ServiceRequest with an accession number."""
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"type": ACCESSION, "value": number}],
        "status": "active",
        "intent": "order",
        "code": {"text": "胸部CT"},
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


async def test_each_kind_of_instance_is_found_by_fhir(world: World) -> None:
    site = await world.client("hospital-a")

    await stored(world, site, a_reading(), a_ct_dose(), a_document(b"%PDF-1.4"), some_key_images())

    (study,) = await found(world, site, f"ImagingStudy?identifier=urn:oid:{STUDY}")
    (report,) = await found(world, site, "DiagnosticReport?category=RAD&identifier=urn:dicom:uid|urn:oid:1.2.392.66.31")
    (dose,) = await found(world, site, "Observation?code=73569-6")
    documents = await found(world, site, f"DocumentReference?related=ImagingStudy/{study['id']}&_sort=_lastUpdated")
    assert report["imagingStudy"] == [{"reference": f"ImagingStudy/{study['id']}"}]
    assert dose["partOf"] == [{"reference": f"ImagingStudy/{study['id']}"}]
    assert {one["description"] for one in documents} == {"読影報告書", "結節"}
    assert len(await found(world, site, "DiagnosticReport?_text=結節")) == 1
    (origin,) = await found(world, site, f"Provenance?target=DiagnosticReport/{report['id']}")
    assert origin["entity"][0]["what"] == {"reference": f"ImagingStudy/{study['id']}"}


async def test_the_same_instance_again_tells_nothing_new(world: World) -> None:
    site = await world.client("hospital-a")

    await stored(world, site, a_reading())
    await stored(world, site, a_reading())

    (report,) = await found(world, site, "DiagnosticReport")
    assert report["meta"]["versionId"] == "1"
    assert len(await found(world, site, "Provenance")) == 1


async def test_a_label_of_the_study_is_one_of_what_its_instances_say(world: World) -> None:
    site = await world.client("hospital-a")
    other = await world.client("clinic-c")
    await stored(world, site, a_reading(), a_ct_dose())
    (study,) = await found(world, site, "ImagingStudy")
    patient = study["subject"]["reference"].removeprefix("Patient/")
    await world.post(site, a_consent(patient, "clinic-c"))
    before = [len(await found(world, other, one)) for one in ("DiagnosticReport", "Observation")]

    study["meta"]["security"] = [HIV]
    await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=site, json=study)
    await stored(world, site, some_key_images())

    assert before == [1, 1]
    for query in ("ImagingStudy", "DiagnosticReport", "Observation", "DocumentReference"):
        assert len(await found(world, site, query)) == 1
        assert await found(world, other, query) == []
    (late,) = await found(world, site, "DocumentReference")
    assert late["meta"]["security"] == [HIV]


async def test_a_consent_that_keeps_images_back_keeps_back_what_they_say(world: World) -> None:
    site, other = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, site, a_reading(), a_ct_dose(), a_document(b"%PDF-1.4"))
    (study,) = await found(world, site, "ImagingStudy")
    patient = study["subject"]["reference"].removeprefix("Patient/")
    kinds = [{"system": "http://hl7.org/fhir/resource-types", "code": one} for one in ("DocumentReference", "Patient")]

    await world.post(site, a_consent(patient, "clinic-c", **{"class": kinds}))

    assert len(await found(world, other, "Patient")) == 1
    for query in ("ImagingStudy", "DiagnosticReport", "Observation", "DocumentReference"):
        assert await found(world, other, query) == []


async def test_an_order_before_its_images_is_what_they_are_based_on(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    order = await world.post(site, an_order(patient))
    await world.post(site, an_order(patient, "A-2"))

    await stored(world, site, a_reading(), a_ct_dose())

    link = [{"reference": f"ServiceRequest/{order['id']}"}]
    (study,) = await found(world, site, f"ImagingStudy?basedon=ServiceRequest/{order['id']}")
    (report,) = await found(world, site, f"DiagnosticReport?based-on=ServiceRequest/{order['id']}")
    (dose,) = await found(world, site, "Observation")
    assert [study["basedOn"], report["basedOn"], dose["basedOn"]] == [link] * 3


async def test_an_order_after_its_images_joins_them_and_leaves_them_again(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await stored(world, site, a_ct_dose())

    order = await world.post(site, an_order(patient))
    after = await found(world, site, f"ImagingStudy?basedon=ServiceRequest/{order['id']}")
    order["identifier"][0]["value"] = "A-9"
    await world.http.put(f"/fhir/ServiceRequest/{order['id']}", headers=site, json=order)
    corrected = await found(world, site, "ImagingStudy")
    order["identifier"][0]["value"] = "A-1"
    await world.http.put(f"/fhir/ServiceRequest/{order['id']}", headers=site, json=order)
    again = await found(world, site, "ImagingStudy")
    await world.http.delete(f"/fhir/ServiceRequest/{order['id']}", headers=site)
    deleted = await found(world, site, "ImagingStudy")

    assert [len(after), len(again)] == [1, 1]
    assert after[0]["basedOn"] == again[0]["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]
    assert "basedOn" not in corrected[0]
    assert "basedOn" not in deleted[0]


async def test_an_order_that_the_study_must_not_tell_of_is_left_out(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await world.post(site, an_order(patient, meta={"security": [HIV]}))

    await stored(world, site, a_ct_dose())
    await world.post(site, an_order(patient, meta={"security": [HIV]}))

    (study,) = await found(world, site, "ImagingStudy")
    assert "basedOn" not in study


async def test_another_sites_order_and_another_patients_are_not_its_own(world: World) -> None:
    site, other = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, site, a_ct_dose())
    stranger = await world.post(site, a_patient())

    await world.post(site, an_order(stranger["id"]))
    await world.post(other, an_order((await world.post(other, a_patient()))["id"]))

    (study,) = await found(world, site, "ImagingStudy")
    assert "basedOn" not in study


async def test_what_was_told_of_an_instance_goes_with_it_and_what_its_site_wrote_stays(world: World) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, a_reading(), a_ct_dose(), a_document(b"%PDF-1.4"), some_key_images())
    (report,) = await found(world, site, "DiagnosticReport")
    own = await world.post(
        site,
        {
            "resourceType": "Provenance",
            "target": [{"reference": f"DiagnosticReport/{report['id']}"}, report["subject"]],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [{"who": {"display": "放射線科"}}],
        },
    )

    answer = await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=site)

    assert answer.status_code == 204
    for query in ("ImagingStudy", "DiagnosticReport", "Observation", "DocumentReference"):
        assert await found(world, site, query) == []
    assert [one["id"] for one in await found(world, site, "Provenance")] == [own["id"]]
