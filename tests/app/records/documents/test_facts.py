from typing import Any

import pytest

from tests.documents import (
    NUMBER,
    PSYCHIATRY,
    a_collection,
    a_disease,
    a_document,
    a_key,
    a_person,
    a_result,
    diseases,
    found,
    of_number,
    send,
)
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

EARLIER, LATER = "2024-05-01T09:00:00+09:00", "2024-05-02T09:00:00+09:00"
RP = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber"


async def delete(world: World, site: dict[str, str], number: str) -> None:
    key = a_key(number)
    response = await world.http.delete(f"/fhir/Bundle?identifier={key['system']}|{key['value']}", headers=site)
    assert response.status_code == 204


async def test_a_fact_of_two_documents_is_one_resource_with_two_sources(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="1"))
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="2"))

    both = await found(world, hospital, "Condition?_revinclude=Provenance:target")

    assert [one["resourceType"] for one in both] == ["Condition", "Provenance", "Provenance"]
    assert both[0]["meta"]["versionId"] == "1"
    sources = [one["entity"][0]["what"]["reference"] for one in both[1:]]
    references = await found(world, hospital, "DocumentReference")
    assert sorted(sources) == sorted(f"DocumentReference/{one['id']}" for one in references)


async def test_a_fact_without_a_number_is_the_same_where_it_says_the_same(world: World) -> None:
    hospital = await world.client("hospital-a")
    for number in ("1", "2"):
        await send(world, hospital, a_document(a_disease("胃潰瘍"), a_disease(f"其の{number}"), key=number))

    assert await diseases(world, hospital) == ["其の1", "其の2", "胃潰瘍"]


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")], ids=["in order", "the older one last"])
async def test_a_fact_says_what_the_newest_document_says(world: World, order: tuple[str, str]) -> None:
    hospital = await world.client("hospital-a")
    made = {"1": ("胃潰瘍", EARLIER), "2": ("胃癌", LATER)}
    for key in order:
        await send(world, hospital, a_document(a_disease(made[key][0], "1"), key=key, made=made[key][1]))
    assert await diseases(world, hospital) == ["胃癌"]

    await delete(world, hospital, "2")

    assert await diseases(world, hospital) == ["胃潰瘍"]
    await delete(world, hospital, "1")
    assert await diseases(world, hospital) == []


async def test_a_fact_stays_while_another_document_states_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), a_disease("貧血", "2"), key="1"))
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="2"))

    await send(world, hospital, a_document(a_disease("骨折", "3"), key="1", made=LATER))

    assert await diseases(world, hospital) == ["胃潰瘍", "骨折"]


async def test_what_a_restored_fact_refers_to_is_there(world: World) -> None:
    hospital = await world.client("hospital-a")
    visit = {"resourceType": "Encounter", **of_number("9"), "status": "finished", "class": {"code": "AMB"}}
    first = a_document(visit, a_disease("胃潰瘍", "1"), key="1")
    first["entry"][3]["resource"]["encounter"] = {"reference": first["entry"][2]["fullUrl"]}
    await send(world, hospital, first)
    await send(world, hospital, a_document(a_disease("胃癌", "1"), key="2", made=LATER))

    await delete(world, hospital, "2")

    (disease,) = await found(world, hospital, "Condition")
    (encounter,) = await found(world, hospital, "Encounter")
    assert disease["encounter"]["reference"] == f"Encounter/{encounter['id']}"


async def test_what_a_site_has_written_itself_is_pointed_at_and_stays(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_person())
    subject = {"reference": f"Patient/{patient['id']}"}
    own = await world.post(hospital, a_disease("胃潰瘍", "1", subject=subject, note=[{"text": "経過良好"}]))

    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="1"))

    (disease,) = await found(world, hospital, "Condition")
    (provenance,) = await found(world, hospital, "Provenance")
    assert disease == own
    assert {"reference": f"Condition/{own['id']}"} in provenance["target"]
    await delete(world, hospital, "1")
    assert await found(world, hospital, "Condition") == [own]


async def test_a_fact_that_its_site_has_corrected_is_the_sites_from_then_on(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="1"))
    (disease,) = await found(world, hospital, "Condition")
    disease["code"]["text"] = "十二指腸潰瘍"
    await world.http.put(f"/fhir/Condition/{disease['id']}", headers=hospital, json=disease)

    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="1", made=LATER))
    await delete(world, hospital, "1")

    assert await diseases(world, hospital) == ["十二指腸潰瘍"]


async def test_another_disease_of_the_same_number_is_no_copy_of_the_sites_own(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_disease("胃潰瘍", "1", subject={"reference": f"Patient/{patient['id']}"}))

    await send(world, hospital, a_document(a_disease("骨折", "1")))

    assert await diseases(world, hospital) == ["胃潰瘍", "骨折"]


async def test_numbers_that_begin_anew_make_nothing_the_same(world: World) -> None:
    hospital = await world.client("hospital-a")

    def medicine(name: str) -> dict[str, Any]:
        fields = {"status": "active", "intent": "order", "medicationCodeableConcept": {"text": name}}
        return {"resourceType": "MedicationRequest", "identifier": [{"system": RP, "value": "1"}], **fields}

    await send(world, hospital, a_document(medicine("甲"), medicine("乙"), medicine("乙"), key="1"))
    await send(world, hospital, a_document(medicine("丙"), key="2"))

    assert await world.total(hospital, "MedicationRequest") == 4


async def test_four_results_of_one_number_are_four(world: World) -> None:
    hospital = await world.client("hospital-a")
    results = [a_result(f"{number}-1", "1", "7") for number in range(4)]
    same = [a_result("9-1", value, "8") for value in "ab"]

    await send(world, hospital, a_document(*results, *same))

    assert await world.total(hospital, "Observation") == 6


@pytest.mark.parametrize("first", ["1", "2"], ids=["labelled first", "labelled last"])
async def test_a_fact_of_two_documents_has_the_labels_of_both_and_loses_none(world: World, first: str) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    labelled = a_document(a_disease("うつ病", "1"), key="1") | {"meta": {"security": [PSYCHIATRY]}}
    plain = a_document(a_disease("うつ病", "1"), a_disease("貧血", "2"), key="2")
    for one in (labelled, plain) if first == "1" else (plain, labelled):
        await send(world, hospital, one)
    assert await diseases(world, clinic) == ["貧血"]

    await delete(world, hospital, "1")

    assert await diseases(world, hospital) == ["うつ病", "貧血"]
    assert await diseases(world, clinic) == ["貧血"]


async def test_a_later_version_lowers_no_label(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    await send(world, hospital, a_document(a_disease("うつ病", "1"), confidentiality="R"))

    await send(world, hospital, a_document(a_disease("骨折", "2"), confidentiality="N", made=LATER))

    assert await diseases(world, hospital) == ["骨折"]
    for type_name in ("Condition", "Bundle", "Composition", "DocumentReference", "Provenance"):
        assert await world.total(clinic, type_name) == 0, type_name


async def test_a_version_that_comes_late_brings_its_labels(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    await send(world, hospital, a_document(a_disease("骨折", "2"), made=LATER))
    assert await diseases(world, clinic) == ["骨折"]

    await send(world, hospital, a_document(a_disease("うつ病", "1"), confidentiality="R"))

    assert await diseases(world, hospital) == ["骨折"]
    for type_name in ("Condition", "Bundle", "Composition", "DocumentReference", "Provenance"):
        assert await world.total(clinic, type_name) == 0, type_name


@pytest.mark.parametrize("code", ["UNINFORMED", "UNDELIVERED"])
async def test_the_national_flags_are_labels_of_a_fact_and_of_a_document(world: World, code: str) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    flag = {"system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": code}

    await send(world, hospital, a_document(a_disease("胃癌", "1", meta={"tag": [flag]}), key="1"))
    await send(world, hospital, a_document(a_disease("骨折", "2"), key="2") | {"meta": {"tag": [flag]}})

    assert await diseases(world, hospital) == ["胃癌", "骨折"]
    seen = ["胃癌", "骨折"] if code == "UNINFORMED" else []
    assert await diseases(world, clinic) == seen


async def test_a_patient_that_is_named_by_a_number_alone_is_the_documents(world: World) -> None:
    hospital = await world.client("hospital-a")
    member = {"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "00012345:あ:１:05"}
    patient = a_person(identifier=[NUMBER, member])

    status, _ = await send(
        world, hospital, a_document(a_disease("胃潰瘍", "1", subject={"identifier": member}), patient=patient)
    )

    (person,) = await found(world, hospital, "Patient")
    (disease,) = await found(world, hospital, f"Condition?patient=Patient/{person['id']}")
    assert status == 201
    assert disease["subject"] == {"reference": f"Patient/{person['id']}", "identifier": member}
    original = await world.http.get(f"/fhir/Condition/{disease['id']}/$original", headers=hospital)
    assert original.json()["subject"] == {"identifier": member}


async def test_a_number_of_somebody_else_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    member = {"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "00012345:あ:１:05"}
    other = {"identifier": {**member, "value": "00012345:あ:１:06"}}

    status, outcome = await send(
        world,
        hospital,
        a_document(a_disease("胃潰瘍", "1", subject=other), patient=a_person(identifier=[NUMBER, member])),
    )

    assert status == 422
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[2].resource.subject.identifier"]


async def test_a_label_of_one_fact_is_its_documents_too_and_not_that_of_its_next_versions_other_facts(
    world: World,
) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    _, bundle = await send(world, hospital, a_document(a_disease("うつ病", "1"), a_disease("貧血", "2")))
    (disease,) = [one for one in await found(world, hospital, "Condition") if one["code"]["text"] == "うつ病"]
    meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [PSYCHIATRY]}}]}
    await world.http.post(f"/fhir/Condition/{disease['id']}/$meta-add", headers=hospital, json=meta)
    assert (await world.http.get(f"/fhir/Bundle/{bundle['id']}", headers=clinic)).status_code == 404
    assert await diseases(world, clinic) == ["貧血"]

    await send(world, hospital, a_document(a_disease("うつ病", "1"), a_disease("骨折", "3"), made=LATER))

    assert await diseases(world, clinic) == ["骨折"]
    assert (await world.http.get(f"/fhir/Bundle/{bundle['id']}", headers=clinic)).status_code == 404


async def test_a_label_of_a_document_comes_down_to_what_its_next_version_states(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    await send(world, hospital, a_document(a_disease("骨折", "1")))
    (reference,) = await found(world, hospital, "DocumentReference")
    meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [PSYCHIATRY]}}]}
    await world.http.post(f"/fhir/DocumentReference/{reference['id']}/$meta-add", headers=hospital, json=meta)
    assert await diseases(world, clinic) == []

    await send(world, hospital, a_document(a_disease("貧血", "2"), made=LATER))

    assert await diseases(world, hospital) == ["貧血"]
    assert await diseases(world, clinic) == []


async def test_a_document_is_labelled_as_it_is_and_its_entries_are_not_patched(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_person())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    _, bundle = await send(world, hospital, a_document(a_disease("うつ病", "1")))
    address = f"/fhir/Bundle/{bundle['id']}"
    assert await diseases(world, clinic) == ["うつ病"]
    meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [PSYCHIATRY]}}]}
    patch = hospital | {"content-type": "application/json-patch+json"}

    answers = [
        await world.http.patch(address, headers=patch, json=[{"op": "remove", "path": "/entry/2"}]),
        await world.http.put(
            address, headers=hospital, json={"resourceType": "Bundle", "id": bundle["id"], "type": "searchset"}
        ),
        await world.http.post(f"{address}/$meta-add", headers=hospital, json=meta),
    ]

    assert [one.status_code for one in answers] == [409, 409, 200], answers[2].text
    assert await diseases(world, hospital) == ["うつ病"]
    for type_name in ("Condition", "Bundle", "Composition", "DocumentReference", "Provenance"):
        assert await world.total(clinic, type_name) == 0, type_name


async def test_a_document_whose_facts_its_site_has_deleted_is_still_a_document(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = a_document(a_disease("胃潰瘍", "1"))
    await send(world, hospital, body)
    for type_name in ("Condition", "Composition"):
        (one,) = await found(world, hospital, type_name)
        await world.http.delete(f"/fhir/{type_name}/{one['id']}", headers=hospital)

    status, _ = await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), made=LATER))

    assert status == 201
    assert await diseases(world, hospital) == []
    assert await world.total(hospital, "Provenance") == 0


async def test_a_collection_of_a_patient_alone_states_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_person())

    status, _ = await send(world, hospital, a_collection())

    assert status == 201
    assert await world.total(hospital, "Provenance") == 0
