import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.records import commit, writing
from app.records.inheritance import inherited
from app.records.reindex import reindex_types
from fhir.store.tables import index_reference
from tests.app.records.test_inheritance import PSYCHIATRY, an_attachment
from tests.app.records.test_reindex import index, spoil
from tests.world import ADDRESS, World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

NUMBER = [{"system": "urn:oid:1.2.3", "value": "1"}]
TEXT = base64.b64encode("退院".encode()).decode()


async def a_disclosed_patient(world: World, hospital: dict[str, str]) -> str:
    patient = str((await world.post(hospital, a_patient(identifier=NUMBER)))["id"])
    await world.post(hospital, a_consent(patient, "clinic-c"))
    return patient


def a_binary(context: str, **fields: Any) -> dict[str, Any]:
    security = {"reference": context}
    return {"resourceType": "Binary", "contentType": "text/plain", "securityContext": security, "data": TEXT, **fields}


def a_document(patient: str, url: str = "", **fields: Any) -> dict[str, Any]:
    """Return a DocumentReference of what lies at `url`."""
    attachment = {"contentType": "text/plain", "url": url} if url else {"contentType": "text/plain", "title": "紹介状"}
    subject = {"reference": f"Patient/{patient}"}
    content = [{"attachment": attachment}]
    return {"resourceType": "DocumentReference", "status": "current", "subject": subject, "content": content, **fields}


def a_provenance(*targets: str, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": "2024-05-01T10:00:00+09:00",
        "agent": [{"who": {"display": "情報システム部"}}],
        **fields,
    }


def a_collection(patient: str, value: int = 6) -> dict[str, Any]:
    """Return a collection of a Patient that its site has and two Observations."""
    resources = [a_patient(id=patient, identifier=NUMBER)]
    resources += [an_observation(patient, id=id_, valueQuantity={"value": value}) for id_ in ("o", "q")]
    entries = [{"fullUrl": f"http://example.org/{address(one)}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def address(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


async def label(world: World, site: dict[str, str], resource: str) -> None:
    """Write a resource once more, with a label."""
    body = (await world.http.get(f"/fhir/{resource}", headers=site)).json()
    body["meta"]["security"] = [PSYCHIATRY]
    response = await world.http.put(f"/fhir/{resource}", headers=site, json=body)
    assert response.status_code == 200, response.text


async def seen(world: World, *resources: str) -> list[int]:
    """Return what another site, which a Consent permits, is answered about each resource."""
    clinic = await world.client("clinic-c")
    return [(await world.http.get(f"/fhir/{one}", headers=clinic)).status_code for one in resources]


async def test_a_label_reaches_the_binary_that_points_at_its_document(world: World) -> None:
    hospital = await world.client("hospital-a")
    document = address(await world.post(hospital, a_document(await a_disclosed_patient(world, hospital))))
    binary = address(await world.post(hospital, a_binary(document)))
    assert await seen(world, document, binary) == [200, 200]

    await label(world, hospital, document)

    assert await seen(world, document, binary) == [404, 404]
    assert (await world.http.get(f"/fhir/{binary}", headers=hospital)).status_code == 200


async def test_a_label_reaches_what_names_its_document_by_another_address(world: World) -> None:
    hospital = await world.client("hospital-a")
    document = address(await world.post(hospital, a_document(await a_disclosed_patient(world, hospital))))
    elsewhere = f"https://ehr.example/fhir/{document}/_history/1"
    made = [a_binary(elsewhere), a_provenance(elsewhere)]
    pointing = [address(await world.post(hospital, one)) for one in made]
    assert await seen(world, *pointing) == [200, 200]

    await label(world, hospital, document)

    assert await seen(world, *pointing) == [404, 404]


@pytest.mark.parametrize("prefix", ["", f"{ADDRESS}/fhir/"], ids=["relative", "absolute"])
async def test_a_label_reaches_what_its_document_has_as_attachment(world: World, prefix: str) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    binary = address(await world.post(hospital, a_binary(f"Patient/{patient}")))
    document = address(await world.post(hospital, a_document(patient, prefix + binary)))
    assert await seen(world, binary) == [200]

    await label(world, hospital, document)

    assert await seen(world, binary) == [404]


async def test_a_labelled_document_labels_an_attachment_it_is_given_with_and_after_the_label(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    first, second = [address(await world.post(hospital, a_binary(f"Patient/{patient}"))) for _ in range(2)]

    document = await world.post(hospital, a_document(patient, first, meta={"security": [PSYCHIATRY]}))
    assert await seen(world, first, second) == [404, 200]
    document["content"][0]["attachment"]["url"] = second
    await world.http.put(f"/fhir/{address(document)}", headers=hospital, json=document)

    assert await seen(world, first, second) == [404, 404]


async def test_an_attachment_that_comes_after_its_labelled_document_is_labelled(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    await world.post(hospital, a_document(patient, "Binary/hospital-a-1", meta={"security": [PSYCHIATRY]}))

    for id_ in ("hospital-a-1", "hospital-a-2"):
        binary = a_binary(f"Patient/{patient}", id=id_)
        assert (await world.http.put(f"/fhir/Binary/{id_}", headers=hospital, json=binary)).status_code == 201

    assert await seen(world, "Binary/hospital-a-1", "Binary/hospital-a-2") == [404, 200]


async def test_a_label_reaches_a_provenance_and_what_points_at_that(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    one, other = [address(await world.post(hospital, an_observation(patient))) for _ in range(2)]
    provenance = address(await world.post(hospital, a_provenance(other, one)))
    about_that = address(await world.post(hospital, a_provenance(provenance)))
    binary = address(await world.post(hospital, a_binary(about_that)))
    assert await seen(world, provenance, about_that, binary) == [200, 200, 200]

    await label(world, hospital, one)

    assert await seen(world, provenance, about_that, binary) == [404, 404, 404]
    assert await seen(world, other) == [200]


async def extracted(world: World, site: dict[str, str], bundle: str) -> list[str]:
    """Return the Provenance of an extraction and all that it names."""
    found = (await world.http.get(f"/fhir/Provenance?entity={bundle}", headers=site)).json()["entry"]
    return [address(found[0]["resource"]), *(one["reference"] for one in found[0]["resource"]["target"])]


async def test_a_label_reaches_all_that_was_extracted_from_a_bundle(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    bundle, untouched = [address(await world.post(hospital, a_collection(patient, value))) for value in (6, 7)]
    taken, kept = [await extracted(world, hospital, one) for one in (bundle, untouched)]
    assert await seen(world, bundle, *taken) == [200] * 4

    await label(world, hospital, bundle)

    assert await seen(world, bundle, *taken) == [404] * 4
    assert await seen(world, untouched, *kept, f"Patient/{patient}") == [200] * 5


async def test_a_label_goes_from_a_document_to_its_bundle_to_what_was_extracted(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    bundle = address(await world.post(hospital, a_collection(patient)))
    _, observation, _ = await extracted(world, hospital, bundle)
    binary = address(await world.post(hospital, a_binary(observation)))
    document = address(await world.post(hospital, a_document(patient, bundle)))
    assert await seen(world, bundle, observation, binary) == [200, 200, 200]

    await label(world, hospital, document)

    assert await seen(world, bundle, observation, binary) == [404, 404, 404]


async def test_a_label_stays_among_the_records_of_its_site(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    document = address(await world.post(hospital, a_document(await a_disclosed_patient(world, hospital))))
    observation = address(await world.post(other, an_observation(await a_disclosed_patient(world, other))))
    provenance = address(await world.post(other, a_provenance(observation, document)))
    assert await seen(world, provenance) == [200]

    await label(world, hospital, document)

    assert await seen(world, document, provenance) == [404, 200]


async def test_a_label_reaches_the_history_of_what_was_deleted(world: World) -> None:
    hospital = await world.client("hospital-a")
    document = address(await world.post(hospital, a_document(await a_disclosed_patient(world, hospital))))
    made = [a_binary(document), a_provenance(document)]
    pointing = [address(await world.post(hospital, one)) for one in made]
    for one in pointing:
        await world.http.delete(f"/fhir/{one}", headers=hospital)
    versions = [f"{one}/_history/1" for one in pointing]
    assert await seen(world, *versions) == [200, 200]

    await label(world, hospital, document)

    assert await seen(world, *versions) == [404, 404]


async def test_the_entries_of_a_transaction_take_over_labels_in_any_order(world: World) -> None:
    hospital = await world.client("hospital-a")
    transaction = an_attachment(await a_disclosed_patient(world, hospital), meta={"security": [PSYCHIATRY]})
    binary, document = transaction["entry"]  # type: ignore[misc]
    observation = an_observation(transaction["entry"][1]["resource"]["subject"]["reference"].partition("/")[2])  # type: ignore[index]
    about = {
        "fullUrl": "urn:uuid:33333333-3333-4333-8333-333333333333",
        "resource": a_provenance(binary["fullUrl"], address(await world.post(hospital, observation))),
        "request": {"method": "POST", "url": "Provenance"},
    }

    posted = await world.http.post("/fhir", headers=hospital, json={**transaction, "entry": [about, binary, document]})

    made = ["/".join(one["response"]["location"].split("/")[-4:-2]) for one in posted.json()["entry"]]
    assert await seen(world, *made) == [404, 404, 404]


async def test_a_write_that_adds_no_label_looks_for_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    ordinary = {"security": [{**PSYCHIATRY, "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason"}]}
    labelled = await world.post(hospital, an_observation(patient, meta={"security": [PSYCHIATRY]}))

    async def forbidden(*_: object) -> None:
        raise AssertionError("Nothing was labelled")

    monkeypatch.setattr(commit, "pass_labels_on", forbidden)

    document = await world.post(hospital, a_document(patient, meta=ordinary))
    await world.post(hospital, a_binary(address(document)))
    for body in (document, labelled):
        assert (await world.http.put(f"/fhir/{address(body)}", headers=hospital, json=body)).status_code == 200


async def test_reindexing_makes_the_rows_and_passes_on_what_was_not(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    attachment = address(await world.post(hospital, a_binary(f"Patient/{patient}")))
    document = address(await world.post(hospital, a_document(patient, attachment)))
    pointing = address(await world.post(hospital, a_binary(document)))
    bundle = address(await world.post(hospital, a_collection(patient)))
    taken = await extracted(world, hospital, bundle)
    await label(world, hospital, document)
    await label(world, hospital, bundle)
    right = _internal(await index(world))
    # As a database that an older release has written.
    every = [attachment, pointing, *taken]
    for one in every:
        await spoil(world, one.partition("/")[2], labels=0)
    async with world.hub.database.write() as connection:
        await connection.execute(index_reference.delete().where(index_reference.c.parameter < 0), {})
    assert await seen(world, *every) == [200] * len(every)

    types = ["Binary", "Bundle", "DocumentReference", "Observation", "Provenance"]
    for _ in range(2):
        assert [batch async for batch in reindex_types(world.hub, types, again=True)]

    assert await seen(world, *every) == [404] * len(every)
    assert _internal(await index(world)) == right


def _internal(tables: list[set[tuple[Any, ...]]]) -> set[tuple[Any, ...]]:
    """Return the index rows of no search parameter, of the current versions."""
    rows = {row for table in tables for row in table if row[0] < 0}
    current = {row[2:4]: max(one[4] for one in rows if one[2:4] == row[2:4]) for row in rows}
    return {row for row in rows if row[4] == current[row[2:4]]}


def once(work: Callable[[], Awaitable[Any]], started: list[asyncio.Task[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return `inherited`, after whose first call other work begins and has time to end."""

    async def then_work(*how: Any) -> Any:
        found = await inherited(*how)
        if not started:
            started.append(asyncio.ensure_future(work()))  # type: ignore[arg-type]
            await asyncio.sleep(0.2)
        return found

    return then_work


async def test_a_binary_that_is_written_while_its_document_is_labelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    document = address(await world.post(hospital, a_document(await a_disclosed_patient(world, hospital))))
    started: list[asyncio.Task[Any]] = []
    monkeypatch.setattr(writing, "inherited", once(lambda: label(world, hospital, document), started))

    binary = address(await world.post(hospital, a_binary(document)))
    await started[0]

    assert await seen(world, document, binary) == [404, 404]


async def test_a_later_version_that_is_written_meanwhile_takes_no_label_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_disclosed_patient(world, hospital)
    binary = await world.post(hospital, a_binary(f"Patient/{patient}"))
    document = address(await world.post(hospital, a_document(patient, address(binary))))
    started: list[asyncio.Task[Any]] = []
    monkeypatch.setattr(writing, "inherited", once(lambda: label(world, hospital, document), started))

    response = await world.http.put(f"/fhir/{address(binary)}", headers=hospital, json=binary)
    await started[0]

    assert response.status_code == 200
    assert await seen(world, document, address(binary)) == [404, 404]
