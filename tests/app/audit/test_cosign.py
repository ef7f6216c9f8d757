"""The hub and real witnesses: they sign each newest checkpoint, and refuse a log that was rolled back or forked."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from app.audit import note, proofs
from app.audit.cosign import Cosigning, Standing, Witness, WitnessesError, standing, witnesses
from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.audit.tables import audit_cosignature
from app.audit.witness import serve
from app.audit.witnessing import FEW, REFUSED, warnings
from app.db.migrate import upgrade
from app.hub import Hub
from app.settings import Settings
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def three(world: World, tmp_path: Path) -> Iterator[list[Witness]]:
    """Three witnesses of the hub's log; each is a server of its own folder."""
    servers = []
    found = []
    for number in range(3):
        folder = tmp_path / f"witness-{number}"
        key = serve.create(folder, f"w{number}.example.jp/witness").verifier
        serve.trust(folder, world.hub.leader._signer.verifier.vkey)
        server = serve.server(folder, "127.0.0.1", 0)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        servers.append(server)
        found.append(Witness(f"http://127.0.0.1:{server.server_address[1]}", key))
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


def cosigning(hub: Hub, asked: list[Witness]) -> Cosigning:
    hub.cosigning = Cosigning(hub.database, asked, hub.audit.append, hub.clock)
    return hub.cosigning


async def a_log(hub: Hub, count: int, word: str = "record") -> None:
    await hub.audit.append([Event(hub.clock(), "R", "read", description=f"{word} {n}") for n in range(count)])
    await hub.leader.integrate_all()


async def test_witnesses_sign_each_newest_checkpoint(world: World, three: list[Witness], tmp_path: Path) -> None:
    hub = world.hub
    assert await cosigning(hub, three).run() == 0
    for count in (1, 300, 5):
        await a_log(hub, count)
        assert await hub.cosigning.run() == 3
    assert await hub.cosigning.run() == 3

    size, signed = await proofs.newest(hub.database.reader)
    _, signers = note.verify(signed, [one.key for one in three])
    assert (size, len(signers)) == (306, 3)
    assert (await standing(hub.database.reader, three, 3)).size == 306
    await export(hub.database, tmp_path / "export", hub.leader._signer.verifier)
    keys = [one.key for one in three]
    assert verify_export(tmp_path / "export", hub.leader._signer.verifier, witnesses=keys, quorum=3).proven == 306


async def test_one_that_is_away_takes_nothing_from_the_others(world: World, three: list[Witness]) -> None:
    hub = world.hub
    asked = [Witness("http://127.0.0.1:9", three[0].key), *three[1:]]
    await a_log(hub, 2)

    assert await cosigning(hub, asked).run() == 2
    assert hub.cosigning.refusals == {}
    assert (await standing(hub.database.reader, asked, 2)).size == 2
    assert await standing(hub.database.reader, asked, 3) == Standing(0, 0)
    assert await standing(hub.database.reader, [], 1) == Standing(0, 0)


async def test_a_witness_that_signs_with_another_key_does_not_count(world: World, three: list[Witness]) -> None:
    await a_log(world.hub, 2)

    assert await cosigning(world.hub, [Witness(three[0].address, three[1].key)]).run() == 0


async def test_a_hub_that_forgot_what_a_witness_signed_goes_on_from_there(world: World, three: list[Witness]) -> None:
    hub = world.hub
    await a_log(hub, 3)
    await cosigning(hub, three[:1]).run()
    renamed = [Witness(three[0].address, three[0].key)]
    async with hub.database.write() as connection:
        # As a restored database: what the witness answered is not in it.
        await connection.execute(_without_trigger(hub), {})
        await connection.execute(delete(audit_cosignature), {})
    await a_log(hub, 4)

    assert await cosigning(hub, renamed).run() == 1


def _without_trigger(hub: Hub):
    from sqlalchemy import text

    if hub.database.dialect == "postgresql":
        return text("ALTER TABLE audit_cosignature DISABLE TRIGGER ALL")
    return text("DROP TRIGGER audit_cosignature_no_delete")


@pytest.mark.parametrize("count", [2, 5, 9], ids=["rolled back", "forked", "forked and longer"])
async def test_another_history_of_the_same_key_is_refused_and_alarmed(
    world: World, three: list[Witness], tmp_path: Path, count: int
) -> None:
    hub = world.hub
    await a_log(hub, 5)
    await cosigning(hub, three).run()
    other = Settings(home=tmp_path / "other", keys=hub.settings.keys_folder)
    other.home.mkdir()
    upgrade(other)
    from app.lifecycle import open_hub

    second = await open_hub(other)
    second.audit.start()
    await a_log(second, count, "another")

    assert await cosigning(second, three).run() == 0
    assert len(second.cosigning.refusals) == 3
    assert REFUSED in await warnings(second)
    await second.cosigning.run()
    await second.leader.integrate_all()
    asked = Reviewer(second.audit.keys)
    answer = await asked.ask(second.database.reader, Question(), now=second.clock(), limit=50)
    told = [one.event for one in answer.entries if one.event.interaction == "witness-refused"]
    assert [one.outcome for one in told] == ["12"] * 3
    await second.close()


async def test_a_quorum_that_is_long_overdue_is_told_at_the_health(world: World, three: list[Witness]) -> None:
    hub = world.hub
    setting = ",".join(f"{one.address} {one.key.vkey}" for one in three)
    assert witnesses(setting) == tuple(three)
    wanted = {"audit_witnesses": setting, "audit_quorum": 2, "audit_witness_seconds": 10.0}
    hub.settings = hub.settings.model_copy(update=wanted)
    await a_log(hub, 2)
    assert await warnings(hub) == []

    present = hub.clock
    hub.clock = lambda: present() + 60_000_000

    assert await warnings(hub) == [FEW]
    answer = (await world.http.get("/health")).json()
    assert answer == {"status": "warn", "notes": [FEW]}
    await cosigning(hub, three[:2]).run()
    assert await warnings(hub) == []


@pytest.mark.parametrize("wrong", ["x", "http://w x", "ftp://w w+00000000+AAAA", "http://w"])
def test_a_setting_that_names_no_witness_is_told(wrong: str) -> None:
    with pytest.raises(WitnessesError):
        witnesses(wrong)


async def test_the_tables_of_the_proof_are_append_only(world: World, three: list[Witness]) -> None:
    await a_log(world.hub, 300)
    await cosigning(world.hub, three[:1]).run()

    for table in ("audit_cosignature", "audit_node"):
        with pytest.raises(Exception, match="append-only"):
            await _delete(world.hub, table)
    rows = await world.hub.database.reader.fetch(select(audit_cosignature.c.size), {})
    assert [size for (size,) in rows] == [300]


async def _delete(hub: Hub, table: str) -> None:
    from sqlalchemy import text

    async with hub.database.write() as connection:
        await connection.execute(text(f"DELETE FROM {table}"), {})  # noqa: S608 - names of our own
