"""Matching under a visibility: nobody hidden is found, and nobody hidden changes who is."""

from typing import Any

import pytest

from app.access.caller import Caller, Role
from app.access.directory import find_organisation
from app.access.epoch import current
from app.consent.decide import may_see
from app.consent.visibility import EVERYTHING_VISIBLE, CallerVisibility
from app.identity import candidates
from app.identity.candidates import PER_KEY
from app.identity.decide import Grade
from app.identity.match import match
from app.identity.person import identifiers_of
from tests.identity import at, key_of, person, someone
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio


async def sight(world: World, site: str, role: Role = "system") -> CallerVisibility:
    """Return what a caller of a site may see."""
    reader = world.hub.database.reader
    organisation = await find_organisation(reader, site)
    caller = Caller(
        *(organisation.key, site, site, organisation.reference, role, "TREAT", "test"), epoch=await current(reader)
    )
    return may_see(caller, now=world.hub.clock(), implied=False)


async def found(world: World, visibility: Any, patient: dict[str, Any]) -> list[tuple[str, Grade]]:
    """Return ids and grades of the matches of a Patient."""
    matches = await match(world.hub.database.reader, visibility, patient)
    return [(one.candidate.stored.id, one.grade) for one in matches]


async def test_the_surest_comes_first_with_score_and_evidence(world: World) -> None:
    sure = await at(world, "hospital-a", someone())
    less = await at(world, "hospital-b", someone(phone="090-1111-2222"))

    matches = await match(world.hub.database.reader, EVERYTHING_VISIBLE, someone("高橋 喜一郎"))

    assert [one.candidate.stored.id for one in matches] == [sure, less]
    assert [one.grade.code for one in matches] == ["certain", "probable"]
    assert 1 > matches[0].score > matches[1].score > 0.5
    assert ("phone.same", 5) in matches[0].evidence


async def test_a_site_finds_its_own_and_those_who_consented(world: World) -> None:
    own = await at(world, "clinic-c", someone(birthDate="1951-03-08"))
    hidden = await at(world, "hospital-a", someone(phone="090-1111-2222"))
    asked = someone(phone="090-1111-2222")

    before = await found(world, await sight(world, "clinic-c"), asked)
    await world.post(await world.client("hospital-a"), a_consent(hidden, "clinic-c"))
    after = await found(world, await sight(world, "clinic-c"), asked)

    assert before == [(own, Grade.PROBABLE)]
    assert after == [(hidden, Grade.CERTAIN), (own, Grade.PROBABLE)]


async def test_a_role_that_sees_no_identities_finds_nobody(world: World) -> None:
    await at(world, "hospital-a", someone())

    assert await found(world, await sight(world, "audit-office", "auditor"), someone()) == []
    assert len(await found(world, await sight(world, "secretariat", "secretariat"), someone())) == 1


async def test_hidden_patients_fill_no_bucket(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "PER_KEY", 2)
    own = await at(world, "clinic-c", someone())
    for number in range(3):
        await at(world, "hospital-a", someone(phone=f"090-1111-222{number}"))

    assert (own, Grade.CERTAIN) in await found(world, await sight(world, "clinic-c"), someone())


async def test_a_key_that_too_many_share_is_passed_over(world: World) -> None:
    site = await world.client("hospital-a")
    kana = "アイウエオカキクケコサシスセソタチツテト"
    people = [someone("", f"{kana[n % 20]}ヌ{kana[n // 20]} {kana[n % 19]}ン") for n in range(PER_KEY + 2)]
    entries = [{"resource": one, "request": {"method": "POST", "url": "Patient"}} for one in people]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert (await world.http.post("/fhir", headers=site, json=bundle)).status_code == 200

    # All of them have one telephone and birth date; only the name tells them apart.
    asked = await candidates.find_candidates(
        world.hub.database.reader, EVERYTHING_VISIBLE, _keys(someone("", "ワタヌキ ゴロウ"))
    )

    assert asked == []


def _keys(patient: dict[str, Any]) -> list[int]:
    from app.identity.keys import keys
    from app.identity.traits import traits

    return keys(traits(patient))


async def test_a_domains_identifiers_are_those_its_own_site_states(world: World) -> None:
    a, b = ("urn:oid:1.2.392.100495.20.3.51.10110000001", "urn:oid:1.2.392.100495.20.3.51.10110000002")
    old = "urn:oid:1.2.392.200119.6.102.10110000001"
    one = await at(world, "hospital-a", someone(identifier=[{"system": a, "value": "7"}]))
    await at(world, "hospital-b", someone(identifier=[{"system": b, "value": "8"}, {"system": a, "value": "hearsay"}]))
    who = await person(world, one)

    async def numbers(visibility: Any, domain: str | None) -> list[str]:
        identifiers = await identifiers_of(world.hub.database.reader, visibility, who, domain)
        return sorted(identifier["value"] for _, identifier in identifiers)

    assert await numbers(EVERYTHING_VISIBLE, None) == ["7", "8"]
    assert await numbers(EVERYTHING_VISIBLE, a) == await numbers(EVERYTHING_VISIBLE, old) == ["7"]
    assert await numbers(await sight(world, "hospital-b"), None) == ["8"]
    assert await numbers(EVERYTHING_VISIBLE, "urn:oid:1.2.3") == []
    assert await key_of(world, one)


async def test_search_finds_an_identifier_by_either_name_of_its_system(world: World) -> None:
    site = await world.client("hospital-a")
    by_oid = await at(
        world, "hospital-a", someone(identifier=[{"system": "urn:oid:1.2.392.100495.20.3.63", "value": "187"}])
    )
    core = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsuredPersonNumber"

    for query in (f"identifier={core}|187", "identifier=urn:oid:1.2.392.100495.20.3.63|187", f"identifier={core}|"):
        answer = (await world.http.get(f"/fhir/Patient?{query}", headers=site)).json()
        assert [entry["resource"]["id"] for entry in answer["entry"]] == [by_oid], query
    assert await world.total(site, f"Patient?identifier={core}|188") == 0
    assert await world.total(site, f"Patient?identifier:not={core}|187") == 0
    assert await world.total(site, "Patient?identifier=http://example.org/other|187") == 0
