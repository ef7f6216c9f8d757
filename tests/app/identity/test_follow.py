"""What the index does with a Patient that is written: it links who certainly is the same, and asks about the rest."""

import pytest

from app.consent.visibility import EVERYTHING_VISIBLE
from app.identity.history import Act, history
from app.identity.queue import State, pair, queue
from tests.identity import a_phone, at, key_of, names, person, someone, together
from tests.world import World

pytestmark = pytest.mark.anyio


async def is_open(world: World) -> list[tuple[str, str]]:
    """Return grade and reason of what waits in the queue."""
    found = await queue(world.hub.database.reader, EVERYTHING_VISIBLE, State.OPEN, limit=50)
    return [(one.grade.code, one.reason) for one in found]


async def test_patients_of_two_sites_that_certainly_are_one_person_are_linked(world: World) -> None:
    one = await at(world, "hospital-a", someone())

    other = await at(world, "clinic-c", someone("高橋 喜一郎", "ﾀｶﾊｼ ｷｲﾁﾛｳ", phone="０１１２２２３４５６"))

    assert await person(world, one) == await person(world, other)
    event = (await history(world.hub.database.reader, await key_of(world, other), await person(world, other)))[0]
    assert (event.act, event.actor, event.reason) == (Act.LINK, "renkei", "certain.name-and-place")
    assert '["kanji.variant",8]' in event.evidence


async def test_name_and_birth_date_alone_only_ask(world: World) -> None:
    one = await at(world, "hospital-a", someone())

    other = await at(world, "clinic-c", someone(phone="090-1111-2222"))

    assert await person(world, one) != await person(world, other)
    assert await is_open(world) == [("probable", "")]


async def test_a_change_may_bring_certainty(world: World) -> None:
    site = await world.client("clinic-c")
    one = await at(world, "hospital-a", someone())
    other = await world.post(site, someone(phone=None))
    assert await is_open(world) == [("probable", "")]

    later = {**other, "telecom": [{"system": "phone", "value": "011-222-3456"}]}
    answer = await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json=later)

    assert answer.status_code == 200
    assert await person(world, one) == await person(world, other["id"])
    assert await is_open(world) == []


async def test_a_change_that_contradicts_the_person_is_asked_about_and_breaks_nothing(world: World) -> None:
    site = await world.client("clinic-c")
    one = await at(world, "hospital-a", someone())
    other = await world.post(site, someone())

    wrong = {**other, "name": names("佐藤 花子", "サトウ ハナコ"), "birthDate": "1980-01-01"}
    await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json=wrong)

    assert await person(world, one) == await person(world, other["id"])
    assert await is_open(world) == [("certainly-not", "doubt")]


async def test_twins_are_never_linked(world: World) -> None:
    await at(world, "hospital-a", someone("山本 健一", "ヤマモト ケンイチ", insurance="01010016:12:345:02"))
    await at(world, "hospital-a", someone("山本 健二", "ヤマモト ケンジ", insurance="01010016:12:345:03"))

    one = await at(world, "clinic-c", someone("山本 健一", "ヤマモト ケンイチ", insurance="01010016:12:345:"))
    other = await at(world, "clinic-c", someone("山本 健二", "ヤマモト ケンジ", insurance="01010016:12:345:"))

    assert len(await together(world, one)) == len(await together(world, other)) == 2
    assert not await together(world, one) & await together(world, other)


async def test_two_candidates_that_contradict_each_other_are_both_asked_about(world: World) -> None:
    # Both are certainly the new one, by name and telephone, but their insurance says that they are two persons.
    await at(world, "hospital-a", someone(insurance="01010016:12:345:01"))
    await at(world, "hospital-b", someone(insurance="01010016:12:345:02", phone="090-1111-2222"))

    new = await at(world, "clinic-c", someone(telecom=[a_phone("090-1111-2222"), a_phone("011-222-3456")]))

    assert await together(world, new) == {await key_of(world, new)}
    assert ("certain", "ambiguous") in await is_open(world)


async def test_two_records_of_one_site_are_linked_by_a_number_alone(world: World) -> None:
    one = await at(world, "hospital-a", someone())

    by_name = await at(world, "hospital-a", someone())
    insured = await at(world, "hospital-b", someone("伊藤 桜", "イトウ サクラ", insurance="39010006::1234567:"))
    again = await at(world, "hospital-b", someone("伊藤 桜", "イトウ サクラ", insurance="39010006::１２３４５６７:"))

    assert await person(world, one) != await person(world, by_name)
    assert await person(world, insured) == await person(world, again)
    assert ("certain", "same-site") in await is_open(world)


async def test_a_deleted_patient_is_nobodys_candidate_and_leaves_the_queue(world: World) -> None:
    site = await world.client("hospital-a")
    one = await at(world, "hospital-a", someone())
    await at(world, "clinic-c", someone(phone="090-1111-2222"))

    await world.http.delete(f"/fhir/Patient/{one}", headers=site)
    new = await at(world, "hospital-b", someone())

    assert await together(world, new) == {await key_of(world, new)}
    assert await is_open(world) == [("probable", "")]


async def test_what_was_decided_is_not_asked_again(world: World) -> None:
    from app.identity.history import Why
    from app.identity.link import never_link

    site = await world.client("clinic-c")
    one = await at(world, "hospital-a", someone())
    other = await world.post(site, someone(phone=None))
    keys = await key_of(world, one), await key_of(world, other["id"])
    async with world.hub.database.write() as connection:
        await never_link(connection, *keys, Why(1, "jimu", "father and son"))

    later = {**other, "telecom": [{"system": "phone", "value": "011-222-3456"}]}
    await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json=later)

    assert await person(world, one) != await person(world, other["id"])
    found = await pair(world.hub.database.reader, *keys)
    assert found is not None
    assert (found.state, found.actor) == (State.APART, "jimu")
    assert await is_open(world) == []
