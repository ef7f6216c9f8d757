import pytest

from tests.documents import a_collection, a_disease, a_document, a_key, diseases, found, send
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

LATER = "2024-05-02T09:00:00+09:00"


@pytest.mark.parametrize("make", [a_document, a_collection], ids=["document", "collection"])
async def test_a_document_is_taken_at_the_base(world: World, make) -> None:  # type: ignore[no-untyped-def]
    hospital = await world.client("hospital-a")
    body = make(a_disease("胃潰瘍", "1"))

    posted = await world.http.post("/fhir", headers=hospital, json=body)

    assert posted.status_code == 201, posted.text
    original = await world.http.get(f"/fhir/Bundle/{posted.json()['id']}/$original", headers=hospital)
    assert original.content == posted.request.content
    assert await diseases(world, hospital) == ["胃潰瘍"]


async def test_a_put_is_the_next_version_of_a_document(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, stored = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    body = a_document(a_disease("胃癌", "1"), made=LATER) | {"id": stored["id"]}

    response = await world.http.put(f"/fhir/Bundle/{stored['id']}", headers=hospital, json=body)

    assert (response.status_code, response.json()["meta"]["versionId"]) == (200, "2")
    assert await diseases(world, hospital) == ["胃癌"]


async def test_a_put_by_identifier_replaces_as_the_national_service_does(world: World) -> None:
    hospital = await world.client("hospital-a")
    key = a_key("1")
    address = f"/fhir/Bundle?identifier={key['system']}|{key['value']}"

    made = await world.http.put(address, headers=hospital, json=a_document(a_disease("胃潰瘍", "1")))
    updated = await world.http.put(address, headers=hospital, json=a_document(a_disease("胃癌", "1"), made=LATER))

    assert (made.status_code, updated.status_code) == (201, 200)
    assert updated.json()["id"] == made.json()["id"]
    assert await diseases(world, hospital) == ["胃癌"]


async def test_a_put_may_choose_the_id_of_a_new_document(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = a_document(a_disease("胃潰瘍", "1")) | {"id": "hospital-a-1"}

    made = await world.http.put("/fhir/Bundle/hospital-a-1", headers=hospital, json=body)
    foreign = await world.http.put("/fhir/Bundle/hospital-b-1", headers=hospital, json=body | {"id": "hospital-b-1"})

    assert (made.status_code, foreign.status_code) == (201, 409)
    assert await diseases(world, hospital) == ["胃潰瘍"]


async def test_a_put_of_another_document_is_refused(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    _, stored = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    body = a_document(a_disease("骨折", "1"), key="2") | {"id": stored["id"]}

    own = await world.http.put(f"/fhir/Bundle/{stored['id']}", headers=hospital, json=body)
    theirs = await world.http.put(f"/fhir/Bundle/{stored['id']}", headers=other, json=body)

    assert (own.status_code, theirs.status_code) == (409, 404)
    assert await diseases(world, hospital) == ["胃潰瘍"]
    assert await world.total(other, "Patient") == 0


async def test_a_document_gets_a_document_reference_by_which_it_is_found(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, stored = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    key = a_key("1")
    (patient,) = await found(world, hospital, "Patient")

    (reference,) = await found(
        world,
        hospital,
        f"DocumentReference?patient=Patient/{patient['id']}&status=current&type=57133-1&identifier={key['system']}|{key['value']}",
    )

    (head,) = await found(world, hospital, "Composition")
    attachment = reference["content"][0]["attachment"]
    assert reference["masterIdentifier"] == key
    assert reference["description"] == "診療情報提供書"
    assert reference["context"]["related"] == [{"reference": f"Composition/{head['id']}"}]
    assert attachment["url"] == f"Bundle/{stored['id']}"
    assert attachment["contentType"] == "application/fhir+json"
    assert attachment.keys().isdisjoint({"size", "hash", "data"})


async def test_a_document_comes_as_xml_too_and_goes_back_as_it_came(world: World) -> None:
    hospital = await world.client("hospital-a")
    converted = await world.http.post(
        "/fhir/$convert",
        headers=hospital | {"accept": "application/fhir+xml"},
        json=a_document(a_disease("胃潰瘍", "1"), version="2"),
    )
    xml = hospital | {"content-type": "application/fhir+xml"}

    posted = await world.http.post("/fhir/Bundle", headers=xml, content=converted.content)
    await send(world, hospital, a_document(a_disease("骨折", "1"), version="1"))

    original = await world.http.get(f"/fhir/Bundle/{posted.json()['id']}/$original", headers=hospital)
    assert posted.status_code == 201
    assert original.content == converted.content
    assert original.headers["content-type"] == "application/fhir+xml"
    assert await diseases(world, hospital) == ["胃潰瘍"]


async def test_a_bundle_about_two_patients_is_refused_whole(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = a_document(a_disease("胃潰瘍", "1"))
    body["entry"].append({"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000000", "resource": a_patient()})

    status, _ = await send(world, hospital, body)

    assert status == 422
    assert await world.total(hospital, "Patient") == 0
