"""Orders and results of JAHIS: what they become, what of an order is no more, and the message as it came."""

import base64
from typing import Any

import pytest

from app.settings import Settings
from tests.app.audit.test_at_work import query, recorded
from tests.app.exchange.mllp.test_feed import found, pid
from tests.mllp import Line, a_message, outcome, speaking
from tests.world import World

pytestmark = pytest.mark.anyio


def a_drug(order: str, place: str, code: str, name: str, *, control: str = "NW") -> tuple[str, ...]:
    return (
        f"ORC|{control}|{order}||{order}_01_{place}|||||20260401120000|||1234^医師^一郎^^^^^^^L^^^^^I",
        f"RXE||{code}^{name}^HOT9|1||TAB^錠^MR9P|TAB^錠^MR9P||||14|TAB^錠^MR9P",
        "TQ1|||1013044400000000&内服・経口・１日３回朝昼夕食後&JAMISDP01||||20260401",
        "RXR|PO^口^HL70162",
    )


async def send(line: Line, kind: str, *lines: str, at: str = "20260401120000", id: str = "") -> tuple[str, ...]:
    message = a_message(*lines, kind=kind, id=id or f"{kind}{at}", f7=at)
    return outcome(await line.say(message))[::2]


async def statuses(world: World) -> dict[str, str]:
    """Return the status of each medicine that is ordered, by its code."""
    requests = await found(world, "MedicationRequest")
    return {one["medicationCodeableConcept"]["coding"][0]["code"]: one["status"] for one in requests}


async def test_what_an_order_has_no_more_is_stopped_and_a_cancelled_order_is_cancelled(world: World) -> None:
    one = a_drug("000000000000001", "001", "103835401", "ムコダイン錠２５０ｍｇ")
    two = a_drug("000000000000001", "002", "110626901", "パンスポリン")
    other = a_drug("000000000000002", "001", "100558502", "フロモックス")
    async with speaking(world) as line:
        assert await send(line, "RDE^O11^RDE_O11", pid("0001"), *one, *two) == ("AA",)
        assert await send(line, "RDE^O11^RDE_O11", pid("0001"), *other, id="2") == ("AA",)
        first = await statuses(world)
        assert await send(line, "RDE^O11^RDE_O11", pid("0001"), *two, at="20260401130000") == ("AA",)
        second = await statuses(world)
        late = await send(line, "RDE^O11^RDE_O11", pid("0001"), *one, *two, at="20260401110000")
        assert late[0] == "AA"
        assert await statuses(world) == second
        cancel = "ORC|CA|000000000000002"
        assert await send(line, "RDE^O11^RDE_O11", pid("0001"), cancel, at="20260401140000") == ("AA",)
        third = await statuses(world)

    assert first == {"103835401": "active", "110626901": "active", "100558502": "active"}
    assert second == {"103835401": "stopped", "110626901": "active", "100558502": "active"}
    assert third == {"103835401": "stopped", "110626901": "active", "100558502": "cancelled"}


async def test_what_a_newer_message_has_left_out_is_not_taken_up_by_an_older_one(world: World) -> None:
    one = a_drug("000000000000001", "001", "103835401", "ムコダイン錠２５０ｍｇ")
    two = a_drug("000000000000001", "002", "110626901", "パンスポリン")
    cancel = "ORC|CA|000000000000002"
    other = a_drug("000000000000002", "001", "100558502", "フロモックス")
    kind = "RDE^O11^RDE_O11"
    async with speaking(world) as line:
        assert await send(line, kind, pid("0001"), *one, at="20260401130000") == ("AA",)
        assert (await send(line, kind, pid("0001"), *one, *two, at="20260401110000"))[0] == "AA"
        assert await send(line, kind, pid("0001"), cancel, at="20260401150000") == ("AA",)
        assert (await send(line, kind, pid("0001"), *other, at="20260401140000"))[0] == "AA"

    assert await statuses(world) == {"103835401": "active"}


async def test_what_was_given_on_one_day_stays_when_the_same_order_is_given_on_another(world: World) -> None:
    def given(day: str) -> tuple[str, ...]:
        return (
            "ORC|OK|000000000000001||000000000000001_01_001|CM||||20260401120000",
            f"RXA|0|1|{day}080000|{day}080000|103835401^ムコダイン錠２５０ｍｇ^HOT9|1|TAB^錠^MR9P|||||||||||||CP",
            "RXR|PO^口^HL70162",
        )

    async with speaking(world) as line:
        for day in ("20260402", "20260403"):
            sent = await send(line, "RAS^O17^RAS_O17", pid("0001"), *given(day), at=f"{day}090000")
            assert sent == ("AA",)
        found_ = await found(world, "MedicationAdministration?_sort=effective-time")

    assert [one["status"] for one in found_] == ["completed", "completed"]


async def test_a_result_keeps_its_numbers_as_they_were_written_and_its_message_octet_by_octet(
    settings: Settings, world: World
) -> None:
    lines = (
        pid("0001", "山田^太郎"),
        "SPM|1|||023^血清^JC10|||||||||||||20260401090000",
        "OBR|1|000000000000009||E001^生化学^99L|||||||||||||1234^医師^一郎",
        "ORC|SC|000000000000009|||CM||||20260401090000",
        "OBX|1|NM|3D010000001926101^ＨｂＡ１ｃ^JC10||6.30|%^%^UCUM|4.6-6.2|H|||F|||20260401090000",
        "OBX|2|ST|5A010000002306111^検体^JC10||陰性||||||F",
    )
    message = a_message(*lines, kind="OUL^R22^OUL_R22", id="R1", f18="~ISO IR87").encode("iso2022_jp")
    async with speaking(world) as line:
        answer = await line.say(message)
        again = await line.say(message)
        results = {one["code"]["coding"][0]["code"]: one for one in await found(world, "Observation")}
        (report,) = await found(world, "DiagnosticReport")
        raw = await world.http.get(
            f"/fhir/Observation/{results['3D010000001926101']['id']}", headers=await world.client("hospital-a")
        )

    assert outcome(answer)[0] == outcome(again)[0] == "AA"
    assert '"value":6.30' in raw.text
    assert results["5A010000002306111"]["valueString"] == "陰性"
    assert {one["reference"].partition("/")[0] for one in report["result"]} == {"Observation"}
    ((body, charset),) = await query(settings, "SELECT body, charset FROM mllp_message")
    assert (bytes(body), charset) == (message, "iso2022_jp")
    written = [one for one in await recorded(settings) if one.interaction == "hl7v2" and one.entities]
    assert {one.partition("/")[0] for event in written for one in event.entities} >= {"Observation", "DiagnosticReport"}
    assert {event.path for event in written} == {"/mllp/OUL^R22"}


async def test_a_system_that_may_not_write_is_refused_and_nothing_is_kept(settings: Settings, world: World) -> None:
    await world.client("hospital-a", role="doctor")
    async with speaking(world, client="hospital-a-doctor") as line:
        assert (await send(line, "ADT^A28", "EVN||20260401", pid("0001")))[0] == "AE"

    assert await query(settings, "SELECT 1 FROM mllp_message") == []
    assert await query(settings, "SELECT 1 FROM mllp_answer") == []
    assert await found(world) == []


async def test_messages_go_with_what_is_removed_for_good(settings: Settings, world: World) -> None:
    async with speaking(world) as line:
        await send(line, "ADT^A28", "EVN||20260401", pid("0001"))
        (patient,) = await found(world)
        headers, secretariat = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
        gone: Any = await world.http.delete(f"/fhir/Patient/{patient['id']}", headers=headers)
        body = {
            "resourceType": "Parameters",
            "parameter": [{"name": "expungeDeletedResources", "valueBoolean": True}],
        }
        expunged = await world.http.post(f"/fhir/Patient/{patient['id']}/$expunge", headers=secretariat, json=body)

    assert gone.status_code in (200, 204)
    assert expunged.status_code == 200, expunged.text
    assert await query(settings, "SELECT 1 FROM mllp_message") == []
    assert await query(settings, "SELECT 1 FROM mllp_newest") == []


async def test_each_message_that_says_it_goes_with_a_resource(settings: Settings, world: World) -> None:
    row = "AL1|1|DA|A1^ペニシリン^99A"
    body = {"resourceType": "Parameters", "parameter": [{"name": "expungeDeletedResources", "valueBoolean": True}]}
    async with speaking(world) as line:
        for number, at in enumerate(("20260402", "20260403", "20260401")):
            sent = await send(line, "ADT^A08", f"EVN||{at}", pid("0001"), row, id=f"{number}")
            assert sent[0] == "AA"
        (allergy,) = await found(world, "AllergyIntolerance")
        headers, secretariat = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
        address = f"/fhir/AllergyIntolerance/{allergy['id']}"
        await world.http.delete(address, headers=headers)
        expunged = await world.http.post(f"{address}/$expunge", headers=secretariat, json=body)

    assert expunged.status_code == 200, expunged.text
    assert await query(settings, "SELECT control_id FROM mllp_message") == []


async def test_what_a_message_marks_is_withheld_and_a_later_one_lowers_no_mark(world: World) -> None:
    told = "|" * 14 + "未告知" + "|" * 4 + "V"
    problem = "PRB|AD|20260401|20058036^慢性肝炎^MDCDX2|P1||20260401|20260401"
    async with speaking(world) as line:
        assert await send(line, "PPR^ZD1", pid("0001"), problem + told, id="1") == ("AA",)
        (marked,) = await found(world, "Condition")
        assert await send(line, "PPR^ZD1", pid("0001"), problem, at="20260402120000", id="2") == ("AA",)
        (still,) = await found(world, "Condition")

    for one in (marked, still):
        assert {each["code"] for each in one["meta"]["tag"]} == {"UNINFORMED"}
        assert {each["code"] for each in one["meta"]["security"]} == {"V"}


async def test_a_program_in_a_message_is_refused_and_a_report_is_taken(world: World) -> None:
    obr = ("ORC|SC|000000000000007", "OBR|1|000000000000007||E1^心電図^99L|||20260401090000")
    program = base64.b64encode(b"\x7fELF\x02\x01\x01" + bytes(100)).decode()
    paper = base64.b64encode(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n").decode()

    def report(data: str) -> str:
        return f"OBX|1|ED|PDF^報告書^99L||^application^PDF^Base64^{data}||||||F"

    async with speaking(world) as line:
        assert (await send(line, "ORU^R01", pid("0001"), *obr, report(program), id="1"))[0] == "AE"
        assert await found(world) == []
        assert (await send(line, "ORU^R01", pid("0001"), *obr, report(paper), id="2"))[0] == "AA"
        (kept,) = await found(world, "DiagnosticReport")

    assert kept["presentedForm"][0]["data"] == paper
