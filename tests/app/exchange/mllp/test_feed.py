"""ADT: a site's Patients and visits as its messages tell of them, merges, numbers, links; and nobody else's."""

from typing import Any

import pytest

from app.exchange.domains import add_domain
from app.identity.history import Why
from app.identity.link import link, never_link
from app.settings import Settings
from tests.app.audit.test_at_work import query, recorded
from tests.identity import at, key_of, person, someone, together
from tests.mllp import Line, a_message, fields, outcome, speaking
from tests.world import World

pytestmark = pytest.mark.anyio

SYSTEM = "urn:oid:1.2.392.100495.20.3.51.10110000001"
OF_B = "&1.2.392.100495.20.3.51.10110000002&ISO"
AT = "EVN||{0}"


def pid(number: str, name: str = "山田^太郎", born: str = "19600102", *, more: str = "") -> str:
    return f"PID|||{number}^^^^PI||{name}^^^^^L^I||{born}|M{more}"


async def send(line: Line, kind: str, *lines: str, id: str = "", at: str = "20260401120000", **header: str) -> Any:
    """Send an ADT message that happened at a time and return its acknowledgement."""
    control_id = id or f"{kind}{at}{abs(hash(lines))}"[:60]
    return outcome(await line.say(a_message(f"EVN||{at}", *lines, kind=f"ADT^{kind}", id=control_id, **header)))[::2]


async def found(world: World, query: str = "Patient?_sort=_id", site: str = "hospital-a") -> list[dict[str, Any]]:
    answer = await world.http.get(f"/fhir/{query}", headers=await world.client(site))
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", [])]


async def test_a_patient_comes_in_and_changes_and_a_late_message_changes_nothing(world: World) -> None:
    telecom = "|||札幌市^^札幌^北海道^0600001||011-222-3456"
    async with speaking(world) as line:
        assert await send(line, "A28", pid("0001", more=telecom)) == ("AA",)
        (first,) = await found(world)
        assert await send(line, "A31", pid("0001", "佐藤^太郎"), at="20260401130000") == ("AA",)
        assert (await send(line, "A08", pid("0001", "鈴木^太郎"), at="20260401123000"))[0] == "AA"
        (second,) = await found(world)
        assert await send(line, "A08", 'PID|||0001||佐藤^太郎^^^^^L^I||19600102|M|||""', at="20260402120000") == ("AA",)
        (third,) = await found(world)

    assert first["identifier"] == [{"system": SYSTEM, "value": "0001"}]
    assert (first["birthDate"], first["gender"], first["active"]) == ("1960-01-02", "male", True)
    assert first["managingOrganization"] == {"reference": "Organization/hospital-a"}
    assert second["name"][0]["family"] == "佐藤"
    assert second["address"] == first["address"]
    assert (second["meta"]["versionId"], third["meta"]["versionId"]) == ("2", "3")
    assert "address" not in third
    assert third["telecom"] == first["telecom"]


async def test_a_late_message_is_taken_and_said_to_be_late(world: World) -> None:
    async with speaking(world) as line:
        await send(line, "A28", pid("0001"), at="20260401130000")
        late = await line.say(a_message("EVN||20260401110000", pid("0001", "鈴木^一"), kind="ADT^A08", id="late"))

    assert outcome(late) == ("AA", "late", " 207")
    assert fields(late, "ERR")[0][4] == "W"


async def test_a_site_writes_the_numbers_of_no_other(settings: Settings, world: World) -> None:
    async with speaking(world) as line, speaking(world, "hospital-b", facility="B") as other:
        foreign = f"PID|||0001^^^{OF_B}^PI||山田^太郎"
        assert (await line.say(a_message(foreign, id="1"))).count("MSA|AE|1") == 1
        both = f"PID|||7^^^{OF_B}^PI~0001^^^&{SYSTEM.removeprefix('urn:oid:')}&ISO^PI||山田^太郎"
        assert outcome(await line.say(a_message(both, id="2"))) == ("AA", "2")
        assert outcome(await other.say(a_message(pid("0001"), id="2", f4="B"))) == ("AA", "2")
        merged = a_message(pid("0002"), f"MRG|0001^^^{OF_B}", kind="ADT^A40", id="3")
        assert outcome(await line.say(merged)) == ("AE", "3", "MRG^1^1^1^4 204")

    (patient,) = await found(world)
    assert {"system": SYSTEM, "value": "0001"} in patient["identifier"]
    assert all("0110000002" not in one["system"] for one in patient["identifier"])
    custodians = await query(settings, "SELECT DISTINCT custodian FROM mllp_message")
    assert sorted({custodian for (custodian,) in custodians}) == [1, 2]


async def test_a_visit_begins_and_ends_and_is_taken_back(world: World) -> None:
    visit = "PV1||I|3F^301^2^||||1234^医師^一郎|||01" + "|" * 9 + "V1" + "|" * 25 + "20260401100000"
    left = "PV1||I|3F^301^2^||||1234^医師^一郎|||01" + "|" * 9 + "V1" + "|" * 26 + "20260405100000"
    async with speaking(world) as line:
        assert await send(line, "A01", pid("0001"), visit) == ("AA",)
        (stay,) = await found(world, "Encounter")
        assert await send(line, "A03", pid("0001"), left, at="20260405110000") == ("AA",)
        (ended,) = await found(world, "Encounter")
        assert await send(line, "A13", pid("0001"), visit, at="20260405120000") == ("AA",)
        (again,) = await found(world, "Encounter")
        assert (await send(line, "A01", pid("0001"), id="none"))[0] == "AE"

    assert (stay["status"], stay["class"]["code"]) == ("in-progress", "IMP")
    assert (ended["status"], ended["period"]["end"][:10]) == ("finished", "2026-04-05")
    assert ended["period"]["start"] == stay["period"]["start"]
    assert ended["id"] == again["id"] == stay["id"]
    assert (again["status"], "end" in again["period"]) == ("in-progress", False)


async def test_two_patients_become_one_person_and_the_one_that_ended_is_not_used_again(
    settings: Settings, world: World
) -> None:
    async with speaking(world) as line:
        for number in ("0001", "0002"):
            assert await send(line, "A28", pid(number)) == ("AA",)
        merge = (pid("0001"), "MRG|0002")
        assert await send(line, "A40", *merge, at="20260402120000") == ("AA",)
        assert await send(line, "A40", *merge, at="20260402130000", id="again") == ("AA",)
        assert await send(line, "A08", pid("0002"), at="20260403120000") == ("AE", "PID^1^3 204")
        assert await send(line, "A40", pid("0001"), "MRG|0001", id="self") == ("AE", "MRG^1^1 205")
        assert await send(line, "A40", pid("0001"), "MRG|9999", id="none") == ("AE", "MRG^1^1 204")
        assert await send(line, "A40", pid("0003"), "MRG|0002", id="other") == ("AE", "MRG^1^1 204")
        assert await send(line, "A40", pid("0001"), id="no mrg") == ("AE", "MRG^1 100")
        assert await send(line, "A28", pid("0004")) == ("AA",)
        assert await send(line, "A28", pid("0005")) == ("AA",)
        two = (pid("0001"), "MRG|0004", pid("0001"), "MRG|0005")
        assert await send(line, "A40", *two, at="20260404120000") == ("AA",)
        patients = {one["identifier"][0]["value"]: one for one in await found(world)}
        assert len(await together(world, patients["0001"]["id"])) == 4

    ended = patients["0002"]
    assert ended["active"] is False
    assert ended["link"] == [{"other": {"reference": f"Patient/{patients['0001']['id']}"}, "type": "replaced-by"}]
    assert patients["0001"]["active"] is True
    assert sorted(patients) == ["0001", "0002", "0004", "0005"]
    assert {one.interaction for one in await recorded(settings) if one.patient} >= {"iti-8", "link"}


async def test_a_patient_is_not_merged_into_itself_by_another_of_its_numbers(world: World) -> None:
    await world.client("hospital-a")
    async with world.hub.database.write() as connection:
        await add_domain(connection, "urn:oid:1.2.3.4", 1)
    other = "K7^^^&1.2.3.4&ISO^PI"
    async with speaking(world) as line:
        assert await send(line, "A28", f"PID|||0001^^^^PI~{other}||山田^太郎") == ("AA",)
        assert await send(line, "A40", pid("0001"), f"MRG|{other}") == ("AE", "MRG^1^1 205")
    (patient,) = await found(world)

    assert (patient["active"], "link" in patient) == (True, False)


async def test_a_number_is_changed_and_the_patient_stays(world: World) -> None:
    async with speaking(world) as line:
        for number in ("0001", "0002"):
            await send(line, "A28", pid(number))
        before = {one["identifier"][0]["value"]: one["id"] for one in await found(world)}
        assert await send(line, "A47", pid("0100"), "MRG|0001") == ("AA",)
        assert await send(line, "A47", pid("0002"), "MRG|0100") == ("AE", "PID^1^3 205")
        assert await send(line, "A47", pid("0003"), "MRG|0001") == ("AE", "MRG^1^1 204")
        assert await send(line, "A08", pid("0100", "佐藤^太郎"), at="20260403120000") == ("AA",)
        after = {one["identifier"][0]["value"]: one for one in await found(world)}

    assert after["0100"]["id"] == before["0001"]
    assert after["0100"]["name"][0]["family"] == "佐藤"
    assert sorted(after) == ["0002", "0100"]


async def test_patients_of_a_site_are_linked_and_parted_and_those_of_others_stay_as_they_are(world: World) -> None:
    numbers = (pid("0001", "山田^太郎"), pid("0002", "川村^花", "19701112"))
    async with speaking(world) as line, speaking(world, "hospital-b", facility="B") as other:
        for one in numbers:
            await send(line, "A28", one)
        ids = [one["id"] for one in await found(world)]
        assert len(await together(world, ids[0])) == 1
        assert await send(line, "A24", *numbers, id="link") == ("AA",)
        assert len(await together(world, ids[0])) == 2
        assert await send(line, "A37", *numbers, id="part") == ("AA",)
        assert await send(line, "A37", *numbers, id="part again") == ("AA",)
        assert len(await together(world, ids[0])) == 1
        assert (await send(line, "A24", numbers[0], id="one"))[0] == "AE"
        assert (await send(line, "A24", numbers[0], numbers[0], id="same"))[0] == "AE"
        assert (await send(other, "A37", *numbers, id="foreign", f4="B"))[0] == "AE"


async def test_who_is_linked_with_patients_elsewhere_is_parted_by_the_secretariat_alone(
    settings: Settings, world: World
) -> None:
    numbers = (pid("0001"), pid("0002", "川村^花", "19701112"))
    alike = someone("川村 花", "", birthDate="1970-11-12", phone="", identifier=[{"system": SYSTEM, "value": "0002"}])
    async with speaking(world) as line:
        for one in numbers:
            await send(line, "A28", one)
        first, second = [one["id"] for one in await found(world)]
        other = await at(world, "hospital-b", alike)
        assert await send(line, "A24", *numbers, id="link") == ("AA",)
        async with world.hub.database.write() as connection:
            persons = [await person(world, one) for one in (first, other)]
            await link(connection, persons[0], persons[1])
        assert len(await together(world, first)) == 3
        assert await send(line, "A37", *numbers, id="part") == ("AA",)
        assert len(await together(world, first)) == 3

    waiting = await query(settings, "SELECT reason, actor FROM identity_pair WHERE state = 0")
    assert ("doubt", "hospital-a-system") in [tuple(one) for one in waiting]
    assert second


async def test_whom_others_know_to_be_different_is_not_told_to_who_links_them(settings: Settings, world: World) -> None:
    numbers = (pid("0001"), pid("0002", "川村^花", "19701112"))
    async with speaking(world) as line:
        for one in numbers:
            await send(line, "A28", one)
        first, second = [one["id"] for one in await found(world)]
        other = await at(world, "hospital-b", someone("山田 太郎", "", birthDate="1960-01-02", phone=""))
        async with world.hub.database.write() as connection:
            await link(connection, *[await person(world, one) for one in (first, other)])
            keys = [await key_of(world, one) for one in (other, second)]
            await never_link(connection, *keys, Why(1, "jimu", "told apart"))
        assert await send(line, "A24", *numbers, id="link") == ("AA",)
        assert len(await together(world, first)) == 2

    waiting = await query(settings, "SELECT reason, actor FROM identity_pair WHERE state = 0")
    assert ("doubt", "hospital-a-system") in [tuple(one) for one in waiting]


async def test_a_patient_is_not_deleted_by_a_message_and_its_sender_is_told(world: World) -> None:
    async with speaking(world) as line:
        assert await send(line, "A28", pid("0001"), "AL1|1|DA|A1^ペニシリン^99A") == ("AA",)
        assert await send(line, "A23", pid("0001"), "AL1|1|DA|A1^ペニシリン^99A") == ("AR", "MSH^1^9^1^2 201")
        (allergy,) = await found(world, "AllergyIntolerance")

    assert allergy["clinicalStatus"]["coding"][0]["code"] == "active"
