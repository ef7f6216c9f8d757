"""ITI-9: the six cases of an identifier query, each as a message, and what consent hides in them."""

import pytest

from app.audit.balp import Observer, audit_event
from app.exchange.domains import add_domain
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.exchange.test_ihe_pix import BLUE, GREEN, RED, SITES, numbered, three_sites
from tests.mllp import Line, a_message, fields, outcome, speaking
from tests.world import World

pytestmark = pytest.mark.anyio

RED_HD, GREEN_HD, BLUE_HD = (f"&{system.removeprefix('urn:oid:')}&ISO" for system in (RED, GREEN, BLUE))
NAME = "Q23^Get Corresponding IDs^HL70471"


async def region(world: World) -> None:
    """Let three sites give numbers of their own to one person."""
    async with world.hub.database.write() as connection:
        for number, (system, _) in enumerate(SITES.values(), start=1):
            await add_domain(connection, system, number)
    await three_sites(world)


async def ask(line: Line, asked: str, targets: str = "", id: str = "1") -> str:
    return await line.say(a_message(f"QPD|{NAME}|tag-7|{asked}|{targets}", "RCP|I", kind="QBP^Q23^QBP_Q21", id=id))


async def test_the_identifiers_of_other_sites_are_answered(settings: Settings, world: World) -> None:
    await region(world)
    async with speaking(world, "clinic-d") as line:
        answer = await ask(line, f"IHERED-994^^^{RED_HD}^PI")
        one = await ask(line, f"IHERED-994^^^{RED_HD}", f"^^^{BLUE_HD}", id="2")
    event = (await recorded(settings))[-1]

    assert outcome(answer) == ("AA", "1")
    assert fields(answer, "MSH")[0][9] == "RSP^K23^RSP_K23"
    assert fields(answer, "MSH")[0][3:7] == ["HUB", "REGION", "EHR", "A"]
    assert fields(answer, "QAK") == [["QAK", "tag-7", "OK", NAME]]
    assert fields(answer, "QPD") == [["QPD", NAME, "tag-7", f"IHERED-994^^^{RED_HD}^PI"]]
    (pid,) = fields(answer, "PID")
    assert set(pid[3].split("~")) == {f"IHEGREEN-994^^^{GREEN_HD}^PI", f"IHEBLUE-994^^^{BLUE_HD}^PI"}
    assert pid[5] == "~^^^^^^S"
    assert fields(one, "PID")[0][3] == f"IHEBLUE-994^^^{BLUE_HD}^PI"
    assert (event.interaction, event.outcome, event.client) == ("iti-9", "0", "clinic-d-system")
    shown = audit_event(event, id="1", observer=Observer("Device/hub", "https://hub.example.jp/fhir", "r"))
    assert shown["subtype"][0]["code"] == "ITI-9"
    assert event.patient


CASES: list[tuple[str, str, tuple[str, ...], str]] = [
    (f"IHERED-994^^^{RED_HD}", f"^^^{RED_HD}", ("AA", "1"), "NF"),
    (f"NOBODY^^^{RED_HD}", "", ("AE", "1", "QPD^1^3^1^1 204"), "AE"),
    ("IHERED-994^^^&1.2.3.4.5&ISO", "", ("AE", "1", "QPD^1^3^1^4 204"), "AE"),
    ("IHERED-994^^^NOWHERE", "", ("AE", "1", "QPD^1^3^1^4 204"), "AE"),
    (f"IHERED-994^^^{RED_HD}", f"^^^{BLUE_HD}~^^^&1.2.3.4.5&ISO", ("AE", "1", "QPD^1^4^2 204"), "AE"),
    (
        f"IHERED-994^^^{RED_HD}",
        "^^^NOWHERE~^^^&1.2.3.4.5&ISO",
        ("AE", "1", "QPD^1^4^1 204", "QPD^1^4^2 204"),
        "AE",
    ),
    ("", "", ("AE", "1", "QPD^1^3 101"), ""),
    (f"^^^{RED_HD}", "", ("AE", "1", "QPD^1^3 101"), ""),
]
"""QPD-3, QPD-4, the acknowledgement, and QAK-2."""


async def test_every_case_has_its_answer(settings: Settings, world: World) -> None:
    await region(world)
    async with speaking(world, "clinic-d") as line:
        for asked, targets, said, status in CASES:
            answer = await ask(line, asked, targets)
            assert outcome(answer) == said, (asked, targets)
            assert [one[2] for one in fields(answer, "QAK")] == ([status] if status else []), (asked, targets)
            assert not fields(answer, "PID")
        no_tag = await line.say(a_message(f"QPD|{NAME}||X^^^{RED_HD}", kind="QBP^Q23", id="3"))
        no_query = await line.say(a_message(kind="QBP^Q23", id="4"))

    assert outcome(no_tag) == ("AE", "3", "QPD^1^2 101")
    assert outcome(no_query) == ("AE", "4", "QPD^1 100")


async def test_what_consent_hides_is_answered_as_what_never_was(world: World) -> None:
    async with world.hub.database.write() as connection:
        await add_domain(connection, RED, 1)
    async with speaking(world, "clinic-d") as line:
        before = await ask(line, f"IHERED-994^^^{RED_HD}")
        await world.post(await world.client("hospital-a"), numbered(RED, "IHERED-994"))
        after = await ask(line, f"IHERED-994^^^{RED_HD}")

    assert outcome(before) == outcome(after) == ("AE", "1", "QPD^1^3^1^1 204")
    assert [one[3:] for one in fields(before, "ERR")] == [one[3:] for one in fields(after, "ERR")]


async def test_a_site_asks_by_its_own_number_without_saying_whose_it_is(world: World) -> None:
    async with speaking(world) as line:
        system = "urn:oid:1.2.392.100495.20.3.51.10110000001"
        await world.post(await world.client("hospital-a"), numbered(system, "4711"))
        answer = await ask(line, "4711")

    assert (outcome(answer), fields(answer, "QAK")[0][2]) == (("AA", "1"), "NF")
