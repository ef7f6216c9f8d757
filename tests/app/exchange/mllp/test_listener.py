"""The MLLP door: when it opens, how it ends, and that no octets make it say a wrong yes or stay open for ever."""

import asyncio
import random
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from app.access.door_tls import NotAllowed, secured
from app.exchange.mllp.source import Binding
from app.settings import Settings
from fhir.search.hashing import hash64
from tests.app.audit.test_at_work import query
from tests.certificates import Authority
from tests.mllp import a_line, a_message, add_binding, listening, outcome, speaking
from tests.ports import free_ports
from tests.world import World, running

pytestmark = pytest.mark.anyio

ELSEWHERE = "192.0.2.1"
"""An address that is not this machine's alone."""

PID = "PID|||4711||山田^太郎"


async def test_without_certificates_only_this_machine_is_listened_to(settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("hub")
    tls = {"mllp_certificate": certificate, "mllp_key": key}
    async with running(settings) as world:
        for chosen, allowed in (
            ({}, True),
            ({"mllp_host": "::1"}, True),
            ({"mllp_host": ELSEWHERE}, False),
            ({"mllp_host": ELSEWHERE, "mllp_plain": True}, True),
            (tls, False),
            ({**tls, "mllp_authority": authority.path, "mllp_host": ELSEWHERE}, True),
            ({**tls, "client_authority": authority.path}, True),
        ):
            world.hub.settings = settings.model_copy(update=chosen)
            if allowed:
                assert (secured(world.hub.settings, "mllp") is None) == ("mllp_certificate" not in chosen)
            else:
                with pytest.raises(NotAllowed):
                    secured(world.hub.settings, "mllp")


async def test_a_door_that_cannot_be_opened_is_told_and_the_hub_runs(settings: Settings) -> None:
    (port,) = free_ports(1)
    asked = {"mllp_port": port, "mllp_host": ELSEWHERE}
    async with running(settings.model_copy(update=asked)) as world:
        await asyncio.sleep(0)
        health = (await world.http.get("/health")).json()

    assert health["status"] == "warn"
    assert any("The MLLP door cannot be opened" in note for note in health["notes"])


async def test_a_hub_listens_where_its_settings_say(settings: Settings) -> None:
    (port,) = free_ports(1)
    async with running(settings.model_copy(update={"mllp_port": port})) as world:
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
        assert (await world.http.get("/health")).json()["status"] == "pass"


async def test_a_message_in_work_is_answered_before_the_door_is_shut(world: World) -> None:
    async with speaking(world) as line:
        async with world.hub.database.write() as connection:
            # Another process is at the same message: this one waits for it.
            await connection.lock(hash64("mllp\0hospital-a\x001"))
            await line.send(b"\x0b" + a_message(PID, id="1").encode() + b"\x1c\r")
            listener = line.listener
            async with asyncio.timeout(20):
                while not listener.is_working:  # noqa: ASYNC110 - nobody tells when it begins
                    await asyncio.sleep(0.001)
            closing = asyncio.create_task(listener.close())
            await asyncio.sleep(0)
        assert outcome(await line.answer()) == ("AA", "1")
        await closing
        assert await line.has_ended()
        with pytest.raises(ConnectionError):
            await a_line(listener)


async def test_what_is_counted_is_shown(world: World) -> None:
    def counted(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    before = counted("renkei_mllp_messages_total", kind="ADT^A08", outcome="AA")
    skipped = counted("renkei_mllp_skipped_octets_total")
    async with speaking(world) as line:
        await line.send(b"noise")
        await line.say(a_message(PID, id="1"))
        await line.say(a_message(PID, id="2", kind="MADE^UP"))
        assert counted("renkei_mllp_connections") >= 1

    assert counted("renkei_mllp_messages_total", kind="ADT^A08", outcome="AA") == before + 1
    assert counted("renkei_mllp_messages_total", kind="other", outcome="AR") >= 1
    assert counted("renkei_mllp_skipped_octets_total") == skipped + 5


@pytest.mark.parametrize("rounds", [60, pytest.param(3_000, marks=pytest.mark.soak)])
async def test_no_octets_are_acknowledged_that_are_no_message_and_none_keep_the_door_busy(
    settings: Settings, rounds: int
) -> None:
    chosen = random.Random(20260401)
    whole = (
        b"\x0b" + a_message(PID, "OBX|1|ST|A^B~C\\F\\&D||x", id="1", f18="~ISO IR87").encode("iso2022_jp") + b"\x1c\r"
    )
    marks = [b"\x0b", b"\x1c\r", b"\x1c", b"\r", b"|", b"^", b"~", b"\\", b"&", b"\x1b$B", b"\x1b(B", b"\x00", b"\xff"]
    bounds = {"mllp_read_seconds": 0.2, "mllp_idle_seconds": 0.2}
    acknowledged: set[str] = set()
    async with running(settings.model_copy(update=bounds)) as world, listening(world.hub) as listener:
        await world.client("hospital-a")
        await add_binding(world, Binding("a", "hospital-a-system", network="127.0.0.1"))
        for number in range(rounds):
            octets = bytearray(whole.replace(b"|1|P", b"|%d|P" % number))
            for _ in range(chosen.randrange(1, 6)):
                at = chosen.randrange(len(octets))
                octets[at : at + chosen.randrange(0, 12)] = chosen.choice(marks) * chosen.randrange(0, 3)
            line = await a_line(listener)
            await line.send(bytes(octets))
            line.writer.write_eof()
            while answer := await line.answer():
                # What parts fields may be another character by now.
                if f"\rMSA{answer[3]}AA" in answer:
                    acknowledged.add(answer)
        known = await a_line(listener)
        assert outcome(await known.say(a_message(PID, id="after")))[0] == "AA"
        ((kept,),) = await query(settings, "SELECT count(*) FROM mllp_message")

    # The same octets again are answered by the same octets.
    assert kept == len(acknowledged) + 1 > 1
