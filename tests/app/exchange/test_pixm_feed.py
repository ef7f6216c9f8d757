"""ITI-104: a site feeds its Patients by conditional updates and deletions; a merge links, and moves nothing."""

import asyncio
from typing import Any

import pytest

from app.exchange.domains import add_domain
from app.identity.history import Why, history
from app.identity.link import never_link
from app.identity.replaced import REPLACED_BY
from tests.identity import key_of, person, someone, together
from tests.oauth import scoped
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

OWN = "urn:oid:1.2.392.100495.20.3.51.10110000001"
"""The patient numbers of hospital-a, whose ten digits are 0110000001."""
OTHER = "urn:oid:1.2.392.100495.20.3.51.10110000002"


def numbered(value: str, system: str = OWN, **fields: Any) -> dict[str, Any]:
    return someone(identifier=[{"system": system, "value": value}], **fields)


def merged(value: str, survivor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return numbered(value, **{"active": False, "link": [{"other": survivor, "type": REPLACED_BY}], **fields})


def by_number(value: str, system: str = OWN) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": value}}


async def put(world: World, headers: dict[str, str], value: str, patient: dict[str, Any], system: str = OWN) -> Any:
    return await world.http.put(f"/fhir/Patient?identifier={system}|{value}", headers=headers, json=patient)


async def test_the_first_message_adds_and_the_next_revises(world: World) -> None:
    headers = await world.client("hospital-a")

    added = await put(world, headers, "1", numbered("1"))
    revised = await put(world, headers, "1", numbered("1", gender="female"))

    assert (added.status_code, revised.status_code) == (201, 200)
    assert added.json()["id"] == revised.json()["id"]
    assert revised.json()["gender"] == "female"


async def test_the_scope_of_the_transaction_is_enough_and_opens_no_other(world: World) -> None:
    headers = await scoped(world, "hospital-a", "ITI-104")

    added = await put(world, headers, "1", numbered("1"))
    again = await put(world, headers, "1", numbered("1"))
    record = await world.http.get("/fhir/Observation", headers=headers)

    assert (added.status_code, again.status_code, record.status_code) == (201, 200, 403)


async def test_concurrent_feeds_make_one_patient(world: World) -> None:
    headers = await world.client("hospital-a")

    answers = await asyncio.gather(*(put(world, headers, "1", numbered("1")) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert await world.total(headers, f"Patient?identifier={OWN}|1") == 1


async def test_a_source_feeds_its_own_domain_alone(world: World) -> None:
    headers = await world.client("hospital-a")
    async with world.hub.database.write() as connection:
        await add_domain(connection, "urn:oid:5.5", 2)

    patient = numbered("1", OTHER)
    entry = {"resource": patient, "request": {"method": "PUT", "url": f"Patient?identifier={OTHER}|1"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answers = [
        await put(world, headers, "1", patient, OTHER),
        await put(world, headers, "1", numbered("1", "urn:oid:5.5"), "urn:oid:5.5"),
        await put(world, headers, "1", patient, "urn:oid:1.2.392.100495.20.3.51.19999999999"),
        await world.http.delete(f"/fhir/Patient?identifier={OTHER}|1", headers=headers),
        await world.http.post("/fhir", headers=headers, json=bundle),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert await world.total(headers, "Patient?_summary=count") == 0


async def test_a_patient_states_the_number_it_is_fed_by(world: World) -> None:
    answer = await put(world, await world.client("hospital-a"), "1", numbered("2"))

    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (400, ["Patient.identifier"])


@pytest.mark.parametrize(
    ("survivor", "fields", "place"),
    [
        (by_number("3"), {}, "Patient.link.other"),
        (by_number("9", OTHER), {}, "Patient.link.other"),
        (by_number("1"), {"active": True}, "Patient.active"),
        (by_number("1"), {"active": None}, "Patient.active"),
    ],
    ids=["into nobody", "into another site's", "active", "silent"],
)
async def test_a_merge_that_is_not_complete_is_refused(
    world: World, survivor: dict[str, Any], fields: dict[str, Any], place: str
) -> None:
    headers = await world.client("hospital-a")
    await put(world, headers, "1", numbered("1"))
    await put(world, await world.client("hospital-b"), "9", numbered("9", OTHER), OTHER)

    answer = await put(world, headers, "2", merged("2", survivor, **fields))

    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (422, [place])


async def test_a_merge_links_and_moves_no_record(world: World) -> None:
    headers = await world.client("hospital-a")
    stays = (await put(world, headers, "1", numbered("1", birthDate="1970-01-01", phone=None))).json()["id"]
    ends = (await put(world, headers, "2", numbered("2"))).json()["id"]
    record = await world.post(headers, an_observation(ends))

    answer = await put(world, headers, "2", merged("2", by_number("1")))

    assert answer.status_code == 200
    assert await together(world, stays) == {await key_of(world, stays), await key_of(world, ends)}
    assert await world.total(headers, f"Observation?patient={stays}") == 1
    kept = (await world.http.get(f"/fhir/Observation/{record['id']}", headers=headers)).json()
    assert kept["subject"]["reference"] == f"Patient/{ends}"
    events = await history(world.hub.database.reader, await key_of(world, stays), await person(world, stays))
    assert (events[0].actor, events[0].reason) == ("hospital-a-system", "merged by the site")
    old = (await world.http.get(f"/fhir/Patient/{ends}", headers=headers)).json()
    assert (old["active"], old["link"][0]["type"]) == (False, REPLACED_BY)


async def test_a_merge_opens_to_nobody_what_consent_does_not(world: World) -> None:
    headers, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    stays = (await put(world, headers, "1", numbered("1", birthDate="1970-01-01", phone=None))).json()["id"]
    ends = (await put(world, headers, "2", numbered("2"))).json()["id"]
    await world.post(headers, an_observation(ends))
    await put(world, headers, "2", merged("2", by_number("1")))

    hidden = await world.total(clinic, f"Observation?patient={stays}")
    await world.post(headers, a_consent(stays, "clinic-c"))
    shown = await world.total(clinic, f"Observation?patient={stays}")
    by_old = await world.total(clinic, f"Observation?patient={ends}")

    assert (hidden, shown, by_old) == (0, 1, 1)


async def test_persons_who_were_told_apart_are_not_merged(world: World) -> None:
    headers = await world.client("hospital-a")
    stays = (await put(world, headers, "1", numbered("1", birthDate="1970-01-01", phone=None))).json()["id"]
    ends = (await put(world, headers, "2", numbered("2"))).json()["id"]
    async with world.hub.database.write() as connection:
        why = Why(1, "jimu", "told apart")
        await never_link(connection, await key_of(world, stays), await key_of(world, ends), why)

    answer = await put(world, headers, "2", merged("2", by_number("1")))

    assert answer.status_code == 409
    assert "active" not in (await world.http.get(f"/fhir/Patient/{ends}", headers=headers)).json()


async def test_a_site_cannot_draw_another_persons_record_to_its_own_patient_by_a_merge(world: World) -> None:
    """The Patient that ends is linked with another site's, who contradicts the one that stays: people decide."""
    victim = await world.post(await world.client("hospital-b"), someone())
    headers = await world.client("hospital-a")
    bait = (await put(world, headers, "2", numbered("2"))).json()["id"]
    stays = (
        await put(world, headers, "1", numbered("1", kanji="鈴木 花子", kana="スズキ ハナコ", birthDate="1990-01-01"))
    ).json()["id"]
    assert await person(world, bait) == await person(world, victim["id"])

    answer = await put(world, headers, "2", merged("2", by_number("1")))

    assert answer.status_code == 200
    assert await person(world, stays) != await person(world, victim["id"])


async def test_what_was_removed_is_gone_from_searches_and_cross_references(world: World) -> None:
    headers = await world.client("hospital-a")
    await put(world, headers, "1", numbered("1"))

    removed = await world.http.delete(f"/fhir/Patient?identifier={OWN}|1", headers=headers)
    asked = await world.http.get(f"/fhir/Patient/$ihe-pix?sourceIdentifier={OWN}|1", headers=headers)

    assert removed.status_code == 204
    assert asked.status_code == 404


async def test_a_link_to_a_patient_that_is_not_there_says_nothing_yet(world: World) -> None:
    headers = await world.client("hospital-a")
    link = [{"other": {"reference": "Patient/nobody"}, "type": REPLACED_BY}]

    made = await world.post(headers, a_patient(active=False, link=link))

    assert await together(world, made["id"]) == {await key_of(world, made["id"])}
