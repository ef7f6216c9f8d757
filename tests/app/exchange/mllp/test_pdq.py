"""ITI-21: the cases of a demographics query, its parts, and how many people a system may look for."""

import pytest

from app.access.limits import Limits
from app.exchange.domains import add_domain
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.identity import someone
from tests.mllp import Line, a_message, fields, outcome, speaking
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

NAME = "Q22^Find Candidates^HL70471"
SYSTEM, OTHER = "urn:oid:1.2.392.100495.20.3.51.10110000001", "urn:oid:1.2.3.4"
HD = f"&{SYSTEM.removeprefix('urn:oid:')}&ISO"


async def ask(line: Line, *asked: str, domains: str = "", rcp: str = "I", dsc: str = "", id: str = "1") -> str:
    wanted = "~".join(one.replace("=", "^") for one in asked)
    lines = [f"QPD|{NAME}|tag-1|{wanted}|||||{domains}", f"RCP|{rcp}", *([f"DSC|{dsc}|I"] if dsc else [])]
    return await line.say(a_message(*lines, kind="QBP^Q22^QBP_Q21", id=id))


async def people(world: World) -> None:
    """Let hospital-a have two of a name and one of another, of whom clinic-d may see all but the last."""
    hospital = await world.client("hospital-a")
    async with world.hub.database.write() as connection:
        await add_domain(connection, OTHER, 1)
    for number, (kanji, kana, more) in enumerate(
        (
            ("髙橋 喜一郎", "タカハシ キイチロウ", {}),
            ("髙橋 花子", "タカハシ ハナコ", {"gender": "female", "birthDate": "1960-05-05"}),
            ("髙橋 三郎", "タカハシ サブロウ", {}),
        )
    ):
        identifier = [{"system": SYSTEM, "value": f"{number}"}]
        identifier += [{"system": OTHER, "value": f"x{number}"}] if not number else []
        made = await world.post(hospital, someone(kanji, kana, identifier=identifier, **more))
        if number < 2:
            await world.post(hospital, a_consent(made["id"], "clinic-d"))


async def test_each_case_has_its_answer(settings: Settings, world: World) -> None:
    await people(world)
    async with speaking(world, "clinic-d") as line:
        both = await ask(line, "@PID.5.1.1=髙橋")
        one = await ask(line, "@PID.5.1=タカハシ", "@PID.5.2=ハナ*", "@PID.7=19600505", "@PID.8=F")
        nobody = await ask(line, "@PID.5.1=髙橋", "@PID.7=1999")
        only = await ask(line, "@PID.5.1=髙橋", domains="^^^&1.2.3.4&ISO")
        unknown = await ask(line, "@PID.5.1=髙橋", domains="^^^&1.2.3.4&ISO~^^^&1.9&ISO~^^^X")
        by_number = await ask(line, "@PID.3.1=1", f"@PID.3.4.2={SYSTEM.removeprefix('urn:oid:')}", "@PID.3.4.3=ISO")
        hidden = await ask(line, "@PID.3.1=2", f"@PID.3.4.2={SYSTEM.removeprefix('urn:oid:')}")
        events = await recorded(settings)

    assert [outcome(each) for each in (both, one, nobody, only, by_number, hidden)] == [("AA", "1")] * 6
    assert [fields(each, "QAK")[0][2] for each in (both, one, nobody, only, by_number, hidden)] == [
        *("OK", "OK", "NF", "OK", "OK", "NF")
    ]
    assert fields(both, "QAK")[0][4:7] == ["2", "2", "0"]
    assert fields(both, "MSH")[0][9] == "RSP^K22^RSP_K21"
    found = {pid[3] for pid in fields(both, "PID")}
    assert found == {f"0^^^{HD}^PI~x0^^^&1.2.3.4&ISO^PI", f"1^^^{HD}^PI"}
    (pid,) = fields(one, "PID")
    assert pid[5] == "髙橋^花子^^^^^L^I~タカハシ^ハナコ^^^^^L^P"
    assert (pid[7], pid[8], pid[13]) == ("19600505", "F", "011-222-3456")
    assert [each[3] for each in fields(only, "PID")] == ["x0^^^&1.2.3.4&ISO^PI"]
    assert outcome(unknown) == ("AE", "1", "QPD^1^8^2 204", "QPD^1^8^3 204")
    assert [each[3] for each in fields(by_number, "PID")] == [f"1^^^{HD}^PI"]
    queries = [one for one in events if one.interaction == "iti-21"]
    assert {one.outcome for one in queries} == {"0", "4"}
    assert sum(one.patient is not None for one in queries) == 5


async def test_what_comes_in_parts_is_asked_for_part_by_part_and_called_off(world: World) -> None:
    await people(world)
    async with speaking(world, "clinic-d") as line:
        first = await ask(line, "@PID.5.1=髙橋", rcp="I|1^RD")
        pointer = fields(first, "DSC")[0][1]
        second = await ask(line, "@PID.5.1=髙橋", rcp="I|1^RD", dsc=pointer)
        forged = await ask(line, "@PID.5.1=佐藤", rcp="I|1^RD", dsc=pointer)
        cancelled = await line.say(a_message("QID|tag-1|Q22", kind="QCN^J01^QCN_J01", id="9"))

    assert fields(first, "QAK")[0][4:7] == ["2", "1", "1"]
    assert fields(first, "DSC")[0][2] == "I"
    assert len(pointer) <= 180
    assert fields(second, "DSC") == []
    assert {fields(each, "PID")[0][3].partition("^")[0] for each in (first, second)} == {"0", "1"}
    assert outcome(forged) == ("AE", "1", "DSC^1^1 102")
    assert outcome(cancelled) == ("AA", "9")


async def test_a_query_that_cannot_be_understood_is_refused_where_it_is_wrong(world: World) -> None:
    async with speaking(world, "clinic-d") as line:
        found = [
            outcome(await ask(line, *asked, rcp=rcp))[2:]
            for asked, rcp in (
                ((), "I"),
                (("@PID.99.1=x",), "I"),
                (("name=x",), "I"),
                (("@PID.5.1=山", "@PID.5.1=*"), "I"),
                (("@PID.5.1=山*田",), "I"),
                (("@PID.7=yesterday",), "I"),
                (("@PID.8=X",), "I"),
                (("@PID.3.4.2=1.2.3",), "I"),
                (("@PID.3.1=1", "@PID.3.4.1=NOWHERE"), "I"),
                (("@PID.5.1=" + "x" * 201,), "I"),
                (("@PID.5.1=山",), "I|many^RD"),
                (("@PID.5.1=山",), "I|0^RD"),
            )
        ]

    assert found == [
        *[("QPD^1^3 101",), ("QPD^1^3^1 103",), ("QPD^1^3^1 103",), ("QPD^1^3^2 102",), ("QPD^1^3^1 102",)],
        *[("QPD^1^3^1 102",), ("QPD^1^3^1 103",), ("QPD^1^3^1 101",), ("QPD^1^3^1 103",), ("QPD^1^3^1 102",)],
        *[("RCP^1^2 102",), ("RCP^1^2 102",)],
    ]


async def test_a_system_that_looks_for_too_many_people_is_told_to_wait(world: World) -> None:
    chosen = world.hub.settings.model_copy(update={"person_searches_per_minute": 1})
    world.hub.limits = Limits(chosen)
    async with speaking(world, "clinic-d") as line:
        found = [outcome(await ask(line, "@PID.5.1=山"))[0] for _ in range(11)]

    assert found == ["AA"] * 10 + ["AE"]


async def test_a_part_in_which_nobody_has_a_number_is_not_the_end(world: World) -> None:
    hospital = await world.client("hospital-a")
    for number in (None, [{"system": SYSTEM, "value": "5"}], None):
        await world.post(hospital, someone("佐々木 一", "ササキ ハジメ", identifier=number))
    parts, pointer = [], ""
    async with speaking(world) as line:
        for _ in range(3):
            parts.append(await ask(line, "@PID.5.1=佐々木", rcp="I|1^RD", dsc=pointer))
            pointer = fields(parts[-1], "DSC")[0][1] if fields(parts[-1], "DSC") else ""

    assert [fields(each, "QAK")[0][2] for each in parts] == ["OK", "OK", "NF"]
    assert [one[3].partition("^")[0] for each in parts for one in fields(each, "PID")] == ["5"]
