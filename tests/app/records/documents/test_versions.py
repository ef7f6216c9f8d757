import asyncio
import itertools
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.records.documents.tables import document, document_fact
from fhir.xml.to_xml import to_xml
from tests.documents import a_collection, a_disease, a_document, a_key, a_person, a_result, diseases, found, send
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_a_newer_version_replaces_what_was_taken_from_the_one_before(world: World) -> None:
    hospital = await world.client("hospital-a")
    first = await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), a_disease("疑い", "2"), version="1"))

    second = await send(world, hospital, a_document(a_disease("胃癌", "1"), a_disease("貧血", "3"), version="2"))

    assert (first[0], second[0]) == (201, 201)
    assert second[1]["id"] == first[1]["id"]
    assert second[1]["meta"]["versionId"] == "2"
    assert await diseases(world, hospital) == ["胃癌", "貧血"]
    assert await world.total(hospital, "Composition") == 1
    assert await world.total(hospital, "DocumentReference") == 1
    assert await world.total(hospital, "Provenance") == 1


async def test_a_fact_of_the_same_number_stays_one_resource_with_its_history(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_result("4548-4", "暫定", "1", status="preliminary")))
    (interim,) = await found(world, hospital, "Observation")

    await send(world, hospital, a_document(a_result("4548-4", "6.3", "1"), made="2024-05-02T09:00:00+09:00"))

    (final,) = await found(world, hospital, "Observation")
    assert final["id"] == interim["id"]
    assert (interim["valueString"], final["valueString"]) == ("暫定", "6.3")
    assert final["meta"]["versionId"] == "2"


async def test_the_same_bytes_again_change_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = a_document(a_disease("胃潰瘍", "1"))
    _, stored = await send(world, hospital, body)
    before = await world.total(hospital, "_history")

    status, again = await send(world, hospital, body)

    assert status == 200
    assert again == stored
    assert await world.total(hospital, "_history") == before


async def test_a_version_that_comes_late_is_history(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, newest = await send(world, hospital, a_document(a_disease("胃癌", "1"), version="2"))

    status, late = await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), version="1"))

    address = f"/fhir/Bundle/{newest['id']}"
    current = (await world.http.get(address, headers=hospital)).json()
    history = (await world.http.get(f"{address}/_history", headers=hospital)).json()
    assert (status, late["meta"]["versionId"]) == (201, "2")
    assert [one["resource"]["meta"]["versionId"] for one in history["entry"]] == ["3", "2", "1"]
    assert current["entry"] == newest["entry"]
    assert await diseases(world, hospital) == ["胃癌"]


async def test_every_version_is_given_back_byte_for_byte(world: World) -> None:
    hospital = await world.client("hospital-a")
    sent = {}
    for version in ("2", "1", "3"):
        body = a_document(a_disease(f"第{version}版", "1"), version=version)
        response = await world.http.post("/fhir/Bundle", headers=hospital, json=body)
        sent[response.headers["location"].split("/fhir/")[1]] = response.request.content

    for address, bytes_ in sent.items():
        original = await world.http.get(f"/fhir/{address}/$original", headers=hospital)
        assert original.content == bytes_
    current = await world.http.get(f"/fhir/{address.split('/_history')[0]}/$original", headers=hospital)
    assert current.content == bytes_


async def test_another_site_may_call_its_document_the_same(world: World) -> None:
    one, other = await world.client("hospital-a"), await world.client("hospital-b")
    await send(world, one, a_document(a_disease("胃潰瘍", "1"), version="1"))

    await send(world, other, a_document(a_disease("骨折", "1"), version="2"))

    assert await diseases(world, one) == ["胃潰瘍"]
    assert await diseases(world, other) == ["骨折"]


async def test_a_document_of_the_same_number_about_another_patient_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), version="1"))
    other = a_person(identifier=[{"system": "urn:oid:1.2.3", "value": "9"}])

    status, outcome = await send(world, hospital, a_document(a_disease("骨折", "1"), version="2", patient=other))

    assert status == 409
    assert outcome["issue"][0]["expression"] == ["Bundle.identifier"]
    assert await diseases(world, hospital) == ["胃潰瘍"]
    assert await world.total(hospital, "Patient") == 1


async def test_a_different_send_of_the_same_edition_is_kept_and_does_not_hold(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), version="1"))

    status, _ = await send(world, hospital, a_document(a_disease("骨折", "1"), version="1"))

    assert status == 201
    assert await diseases(world, hospital) == ["胃潰瘍"]


async def test_a_deleted_document_takes_what_it_stated_with_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    key = a_key("1")

    deleted = await world.http.delete(f"/fhir/Bundle?identifier={key['system']}|{key['value']}", headers=hospital)

    assert deleted.status_code == 204
    for type_name in ("Bundle", "Condition", "Composition", "Provenance"):
        assert await world.total(hospital, type_name) == 0, type_name
    (reference,) = await found(world, hospital, "DocumentReference")
    assert reference["status"] == "entered-in-error"
    assert await world.total(hospital, "Patient") == 1


async def test_what_was_made_before_a_deletion_does_not_come_back(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, stored = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    await world.http.delete(f"/fhir/Bundle/{stored['id']}", headers=hospital)

    status, outcome = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))

    assert status == 409
    assert outcome["issue"][0]["expression"] == ["Bundle.timestamp"]


async def test_a_document_that_is_made_after_its_deletion_is_there_again(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, stored = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    (before,) = await found(world, hospital, "Condition")
    await world.http.delete(f"/fhir/Bundle/{stored['id']}", headers=hospital)

    status, again = await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), made="2100-01-01T00:00:00+09:00"))

    (after,) = await found(world, hospital, "Condition")
    assert (status, again["id"], after["id"]) == (201, stored["id"], before["id"])


async def test_a_deletion_before_the_document_came_holds(world: World) -> None:
    hospital = await world.client("hospital-a")
    key = a_key("1")

    deleted = await world.http.delete(f"/fhir/Bundle?identifier={key['system']}|{key['value']}", headers=hospital)
    status, _ = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))

    assert (deleted.status_code, status) == (204, 409)
    assert await world.total(hospital, "Condition") == 0


async def test_a_document_reference_that_is_superseded_by_any_door_ends_its_document(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    (reference,) = await found(world, hospital, "DocumentReference")

    patched = await world.http.patch(
        f"/fhir/DocumentReference/{reference['id']}",
        headers=hospital | {"content-type": "application/json-patch+json"},
        json=[{"op": "replace", "path": "/status", "value": "superseded"}],
    )

    assert patched.status_code == 200
    assert await world.total(hospital, "Condition") == 0
    assert await world.total(hospital, "Provenance") == 0
    assert await world.total(hospital, "Bundle") == 1


async def test_a_collection_is_replaced_by_its_next_send(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_collection(a_disease("胃潰瘍", "1"), a_disease("貧血", "2")))

    await send(world, hospital, a_collection(a_disease("胃潰瘍", "1"), made="2024-06-01T09:00:00+09:00"))

    assert await diseases(world, hospital) == ["胃潰瘍"]
    assert await world.total(hospital, "DocumentReference") == 0


async def test_of_two_versions_at_once_one_holds(world: World) -> None:
    hospital = await world.client("hospital-a")
    sends = [a_document(a_disease(f"第{one}版", "1"), version=str(one)) for one in range(1, 5)]

    answers = await asyncio.gather(*(send(world, hospital, one) for one in sends))

    assert [status for status, _ in answers] == [201] * 4
    assert len({body["id"] for _, body in answers}) == 1
    assert await diseases(world, hospital) == ["第4版"]
    assert await world.total(hospital, "Patient") == 1


async def test_a_fact_stays_when_one_document_goes_while_another_that_states_it_comes(world: World) -> None:
    hospital = await world.client("hospital-a")
    await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key="0"))
    for number in range(6):
        key = a_key(str(number))
        coming = a_document(a_disease("胃潰瘍", "1"), key=str(number + 1))

        answers = await asyncio.gather(
            send(world, hospital, coming),
            world.http.delete(f"/fhir/Bundle?identifier={key['system']}|{key['value']}", headers=hospital),
        )

        assert (answers[0][0], answers[1].status_code) == (201, 204)
        assert await diseases(world, hospital) == ["胃潰瘍"]


async def _state(world: World, site: dict[str, str]) -> list[Any]:
    titles = [one["title"] for one in await found(world, site, "Composition")]
    return [titles, await diseases(world, site), await world.total(site, "Provenance")]


SENDS = {
    "v1": lambda key: a_document(a_disease("甲", "1"), a_disease("乙", "2"), key=key, version="1", title="一"),
    "v2": lambda key: a_document(a_disease("丙", "1"), key=key, version="2", title="二"),
    "v3": lambda key: a_document(a_disease("丁", "1"), a_disease("戊", "4"), key=key, version="3", title="三"),
}


@pytest.mark.parametrize(
    ("what", "state"),
    [(("v1", "v2", "v3"), [["三"], ["丁", "戊"], 1]), (("v1", "v2", "v3", "delete"), [[], [], 0])],
    ids=["versions", "and a deletion"],
)
async def test_any_order_of_arrival_comes_to_the_same(world: World, what: tuple[str, ...], state: list[Any]) -> None:
    hospital = await world.client("hospital-a")
    states = []
    for number, order in enumerate(itertools.permutations(what)):
        key = a_key(str(number))
        for one in order:
            if one == "delete":
                address = f"/fhir/Bundle?identifier={key['system']}|{key['value']}"
                assert (await world.http.delete(address, headers=hospital)).status_code == 204
            else:
                status, _ = await send(world, hospital, SENDS[one](str(number)))
                assert status in (201, 409)
        states.append(await _state(world, hospital))
        address = f"/fhir/Bundle?identifier={key['system']}|{key['value']}"
        await world.http.delete(address, headers=hospital)

    assert states == [state] * len(states)


async def test_two_documents_of_one_fact_are_deleted_at_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    sent = [await send(world, hospital, a_document(a_disease("胃潰瘍", "1"), key=str(number))) for number in range(2)]
    entries = [{"request": {"method": "DELETE", "url": f"Bundle/{body['id']}"}} for _, body in sent]

    answer = await world.http.post(
        "/fhir", headers=hospital, json={"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )

    assert answer.status_code == 200, answer.text
    assert await diseases(world, hospital) == []
    assert await world.total(hospital, "Provenance") == 0


async def test_a_document_that_was_removed_for_good_is_forgotten_but_for_its_deletion(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    _, bundle = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    (disease,) = await found(world, hospital, "Condition")
    await world.http.delete(f"/fhir/Bundle/{bundle['id']}", headers=hospital)

    removed = [
        await world.http.post(f"/fhir/{place}/$expunge?expungeDeletedResources=true", headers=office)
        for place in (f"Bundle/{bundle['id']}", f"Condition/{disease['id']}")
    ]

    assert [one.status_code for one in removed] == [200, 200]
    reader = world.hub.database.reader
    # That of the Composition is there still.
    assert len(await reader.fetch(select(document_fact.c.row), {})) == 1
    assert [tuple(one) for one in await reader.fetch(select(document.c.patient_key, document.c.row), {})] == [(0, 0)]
    assert (await send(world, hospital, a_document(a_disease("胃潰瘍", "1"))))[0] == 409


async def test_a_late_version_follows_one_whose_xml_begins_on_its_second_line(world: World) -> None:
    hospital = await world.client("hospital-a")
    xml = b"\r\n" + to_xml(orjson.dumps(a_document(a_disease("胃癌", "1"), version="2"))).partition(b"?>")[2]
    first = await world.http.post(
        "/fhir/Bundle", headers=hospital | {"content-type": "application/fhir+xml"}, content=xml
    )

    status, _ = await send(world, hospital, a_document(a_disease("疑い", "1"), version="1"))

    assert (first.status_code, status) == (201, 201)
    address = first.headers["location"].partition("/_history")[0].partition("/fhir/")[2]
    assert (await world.http.get(f"/fhir/{address}/$original", headers=hospital)).content == xml
    assert await diseases(world, hospital) == ["胃癌"]
