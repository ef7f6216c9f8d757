"""What a system is answered by message is what the doors of FHIR show it: the hidden is as what never was."""

import re

import pytest

from app.exchange.domains import add_domain
from tests.app.exchange.mllp.test_pdq import HD, SYSTEM
from tests.app.exchange.mllp.test_pdq import ask as find
from tests.app.exchange.mllp.test_pix import RED, RED_HD
from tests.app.exchange.mllp.test_pix import ask as cross
from tests.identity import someone
from tests.mllp import Line, a_message, outcome, speaking
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

_OWN = re.compile(r"(?<=\|)(\d{14}\+0900|[0-9a-f]{20})(?=\|)")
"""What differs between answers to the same question: MSH-7 and MSH-10."""


async def answers(line: Line) -> list[str]:
    """Ask what could tell of somebody who is hidden."""
    found = [
        await find(line, "@PID.5.1=髙橋"),
        await find(line, "@PID.5.1=髙橋", rcp="I|1^RD"),
        await find(line, "@PID.5.1=髙橋", domains=f"^^^{HD}"),
        await find(line, "@PID.3.1=secret"),
        await find(line, "@PID.3.1=secret", f"@PID.3.4.2={SYSTEM.removeprefix('urn:oid:')}"),
        await find(line, "@PID.7=1951-03-08".replace("-", "")),
        await cross(line, f"secret^^^{HD}"),
        await cross(line, f"shown^^^{HD}"),
        await cross(line, f"shown^^^{HD}", f"^^^{RED_HD}"),
        await cross(line, f"secret^^^{RED_HD}"),
    ]
    # A pointer is sealed anew each time.
    return [re.sub(r"DSC\|[^|\r]*", "DSC", _OWN.sub("", one)) for one in found]


async def test_the_hidden_is_answered_as_what_never_was(world: World) -> None:
    hospital = await world.client("hospital-a")
    async with world.hub.database.write() as connection:
        await add_domain(connection, RED, 2)
    shown = await world.post(hospital, someone(identifier=[{"system": SYSTEM, "value": "shown"}]))
    await world.post(hospital, a_consent(shown["id"], "clinic-c"))
    async with speaking(world, "clinic-c") as line:
        before = await answers(line)
        hidden = someone("髙橋 花子", "タカハシ ハナコ", identifier=[{"system": SYSTEM, "value": "secret"}])
        await world.post(hospital, hidden)
        other = someone("髙橋 三郎", "タカハシ サブロウ", identifier=[{"system": RED, "value": "secret"}])
        await world.post(await world.client("hospital-b"), other)
        after = await answers(line)
        found = [outcome(one) for one in after]

    assert after == before
    assert found[0] == ("AA", "1")
    assert "タカハシ" in after[0]


async def test_another_site_merges_links_and_changes_nobody_of_this_one(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, someone(identifier=[{"system": SYSTEM, "value": "4711"}]))
    foreign = f"4711^^^{HD}^PI"
    async with speaking(world, "clinic-c") as line:
        assert outcome(await line.say(a_message("PID|||1||髙橋^喜一郎", kind="ADT^A28", id="0"))) == ("AA", "0")
        for number, (kind, *lines) in enumerate(
            (
                ("ADT^A08", f"PID|||{foreign}||X"),
                ("ADT^A40", "PID|||1||髙橋^喜一郎", f"MRG|{foreign}"),
                ("ADT^A40", f"PID|||{foreign}||X", "MRG|1"),
                ("ADT^A47", f"PID|||{foreign}||X", "MRG|1"),
                ("ADT^A47", "PID|||2||X", f"MRG|{foreign}"),
                ("ADT^A24", "PID|||1||X", f"PID|||{foreign}||X"),
                ("ADT^A37", "PID|||1||X", f"PID|||{foreign}||X"),
                ("ORU^R01", f"PID|||{foreign}||X", "OBR|1||9|E^E^99L", "OBX|1|ST|A^A^99L||x||||||F"),
            ),
            start=1,
        ):
            answer = outcome(await line.say(a_message(*lines, kind=kind, id=str(number))))
            assert answer[0] == "AE", kind
            assert answer[2].endswith(" 204"), (kind, answer)
        # The same number is another patient's at this site.
        assert outcome(await line.say(a_message("PID|||4711||別人", kind="ADT^A28", id="own"))) == ("AA", "own")

    kept = (await world.http.get(f"/fhir/Patient/{made['id']}", headers=hospital)).json()
    assert kept == made
