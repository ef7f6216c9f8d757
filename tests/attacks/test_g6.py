"""G6, H1 for HL7 v2: no octets of a message are a frame, a segment or a record of the log that nobody sent."""

import pytest

from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.exchange.mllp.test_pdq import ask
from tests.mllp import a_message, fields, outcome, speaking
from tests.world import World

pytestmark = pytest.mark.anyio

SMUGGLED = r"x\X0D\MSA\F\AA\F\evil\X0D\PID\F\\F\\F\666\X0B\\X1C0D\\X00\ "


async def test_g6_nothing_that_is_escaped_becomes_a_segment_or_a_frame(settings: Settings, world: World) -> None:
    async with speaking(world) as line:
        named = await line.say(a_message(f"PID|||1||{SMUGGLED}^y", kind="ADT^A28", id=f"1{SMUGGLED}", f3=SMUGGLED))
        refused = await line.say(a_message(f"PID|||{SMUGGLED}^^^{SMUGGLED}||z", kind="ADT^A99", id="2", f4=SMUGGLED))
        tagged = await line.say(
            a_message(f"QPD|Q22^Find^HL70471|{SMUGGLED}|@PID.3.1^1", "RCP|I", kind="QBP^Q22", id="3", f6=SMUGGLED)
        )
        found = await ask(line, "@PID.3.1=1")

    for answer, codes in ((named, ["AA", "AE"]), (refused, ["AR"]), (tagged, ["AA", "AE"]), (found, ["AA"])):
        assert len(fields(answer, "MSH")) == len(fields(answer, "MSA")) == 1
        assert outcome(answer)[0] in codes
        assert len(fields(answer, "PID")) <= 1
        assert "\x0b" not in answer
        assert "\x1c" not in answer
    for event in await recorded(settings):
        assert "\n" not in (event.path or "") + (event.query or "")


async def test_g6_characters_of_two_octets_part_nothing(world: World) -> None:
    # In ISO-2022-JP these have the octets of | ^ ~ \ & in them.
    names = "\u4e4e\u8208\u7feb\u6a5f\u8336 表能ソ貼暴予十構"
    message = a_message(f"PID|||1||{names}^花子^^^^^L^I", kind="ADT^A28", id="1", f18="~ISO IR87").encode("iso2022_jp")
    async with speaking(world) as line:
        answer = await line.say(message)
        patient = (await world.http.get("/fhir/Patient", headers=await world.client("hospital-a"))).json()["entry"][0]

    assert outcome(answer) == ("AA", "1")
    assert patient["resource"]["name"][0]["family"] == names
