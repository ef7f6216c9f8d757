"""The published files of an SS-MIX2 store, sent as messages: each is answered, and what is taken is found."""

import re
from pathlib import Path

import pytest

from app.settings import Settings
from tests.app.audit.test_at_work import query
from tests.mllp import fields, outcome, speaking
from tests.spec_data import SPEC_DATA
from tests.world import World

pytestmark = pytest.mark.anyio

FILES = sorted(path for path in (SPEC_DATA / "ssmix2").rglob("*") if path.is_file() and path.stat().st_size > 100)


def a_message(path: Path) -> bytes:
    """Return the message of a file; some still have the end of the frame that they came in."""
    return path.read_bytes().rstrip(b"\x1c\r\n\x1a")


async def test_every_published_message_is_answered_and_what_is_acknowledged_is_kept(
    settings: Settings, world: World
) -> None:
    found: dict[str, tuple[str, ...]] = {}
    async with speaking(world) as line:
        for path in FILES:
            answer = await line.say(a_message(path))
            assert len(fields(answer, "MSA")) == 1, path
            found[path.name] = outcome(answer)
        total = (await world.http.get("/fhir/Patient", headers=await world.client("hospital-a"))).json()["total"]

    kinds = {name: re.split("_", name)[2] for name in found}
    refused = {kinds[name]: said for name, said in found.items() if said[0] != "AA"}
    assert refused == {}
    assert total >= 1
    ((kept,),) = await query(settings, "SELECT count(*) FROM mllp_message")
    assert kept == len(found)
