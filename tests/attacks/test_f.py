"""F1, F5, F6: where a decision lacks something, or two disagree, nothing is opened."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, update

from app.access.tables import organisation
from app.consent.tables import consent_grant
from tests.attacks.probe import OWNER, PATIENT, SEEN, STRANGER, put, stock, tell
from tests.world import World, a_consent, an_observation

pytestmark = pytest.mark.anyio

ADDRESSES = (f"Observation/{SEEN}", "Observation?_summary=count", f"Patient/{PATIENT}")
NOWHERE = "http://example.org/fhir/CodeSystem/house-rules"


@pytest.mark.parametrize(
    "label",
    [
        {"system": NOWHERE, "code": "keep-it-quiet"},
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "NOSUCH"},
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "n"},
        {"code": "PSY"},
        {"system": NOWHERE},
        {"display": "取扱注意"},
    ],
    ids=["of a house", "unknown", "almost ordinary", "without a system", "without a code", "in words alone"],
)
async def test_f1_a_label_that_nobody_knows_withholds(world: World, label: dict[str, str]) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    shown = await world.total(stranger, "Observation")

    await put(world, owner, an_observation(PATIENT, id=SEEN, meta={"security": [label]}))

    assert (await tell(world, stranger, f"Observation/{SEEN}")).status == 404
    assert await world.total(stranger, "Observation") == shown - 1
    assert (await tell(world, owner, f"Observation/{SEEN}")).status == 200


async def test_f1_without_its_grants_nothing_is_open(world: World) -> None:
    await stock(world)
    stranger = await world.client(STRANGER)
    before = [(await tell(world, stranger, one)).status for one in ADDRESSES]

    async with world.hub.database.write() as connection:
        await connection.execute(delete(consent_grant), {})

    after = [await tell(world, stranger, one) for one in ADDRESSES]
    assert before == [200, 200, 200]
    assert [one.status for one in after] == [404, 200, 404]
    assert '"total":0' in after[1].text


async def test_f1_a_decision_that_cannot_be_made_is_no(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.db import DatabaseUnavailable

    await stock(world)
    stranger = await world.client(STRANGER)
    assert (await tell(world, stranger, ADDRESSES[0])).status == 200

    async def away(*_: Any) -> Any:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(type(world.hub.database.reader), "fetch", away)
    told = [await tell(world, stranger, one) for one in ADDRESSES]

    assert [one.status for one in told] == [503, 503, 503]
    assert not any("4548-4" in one.text or "山田" in one.text for one in told)


@pytest.mark.parametrize("first", ["permit", "deny"])
async def test_f5_of_two_consents_the_denial_wins_in_whatever_order(world: World, first: str) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    second = "deny" if first == "permit" else "permit"

    for kind in (first, second):
        await world.post(owner, a_consent(PATIENT, STRANGER, type=kind))
    closed = [(await tell(world, stranger, one)).status for one in ADDRESSES]
    await world.post(owner, a_consent(PATIENT, STRANGER))
    still = [(await tell(world, stranger, one)).status for one in ADDRESSES]

    assert closed == still == [404, 200, 404]
    assert await world.total(stranger, "Observation") == 0


async def test_f5_of_two_at_once_too(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)

    await asyncio.gather(
        *(world.post(owner, a_consent(PATIENT, STRANGER, type=kind)) for kind in ("permit", "deny", "permit", "deny"))
    )

    assert [(await tell(world, stranger, one)).status for one in ADDRESSES] == [404, 200, 404]


@pytest.mark.parametrize("way", ["AUT", "authoredby"])
async def test_f6_a_site_that_is_renamed_is_still_the_author(world: World, way: str) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    site = {"reference": f"Organization/{OWNER}"}
    named: dict[str, Any] = {"actor": [{"role": {"coding": [{"code": "AUT"}]}, "reference": site}]}
    if way == "authoredby":
        named = {"data": [{"meaning": "authoredby", "reference": site}]}
    await world.post(owner, a_consent(PATIENT, STRANGER, provision=[{"type": "deny", **named}]))
    before = await world.total(stranger, "Observation")

    async with world.hub.database.write() as connection:
        renamed = update(organisation).where(organisation.c.slug == OWNER).values(title="新しい名前")
        await connection.execute(renamed, {})
    await put(world, owner, an_observation(PATIENT, id="hospital-a-later"))

    assert before == 0
    assert await world.total(stranger, "Observation") == 0
    assert (await tell(world, stranger, "Observation/hospital-a-later")).status == 404


async def test_f6_an_organisation_of_the_same_name_is_not_the_site(world: World) -> None:
    owner, stranger = await stock(world), await world.client("clinic-d")
    double = {"resourceType": "Organization", "id": "clinic-d-double", "name": STRANGER, "active": True}
    await put(world, stranger, {**double, "identifier": [{"value": "0110000003"}]})
    consent = a_consent(PATIENT, "clinic-d-double")

    refused = await world.http.post("/fhir/Consent", headers=owner, json=consent)

    assert refused.status_code == 422
    assert await world.total(stranger, "Observation") == 0
