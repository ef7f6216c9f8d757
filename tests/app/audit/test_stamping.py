"""Time stamps of checkpoints, by an authority of the test's own: OpenSSL behind a small server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from app.audit import note, proofs, stamp, standalone
from app.audit.export import TIMESTAMPS, timestamps, verify_export
from app.audit.extract import export
from app.audit.record import Event
from app.audit.stamp import WrongStamp, roots_of, verify_stamp, verify_stamps
from app.audit.stamping import Stamping
from app.audit.succession import Keyring
from app.audit.tables import audit_timestamp
from app.audit.witnessing import UNSTAMPED, warnings
from app.hub import Hub
from app.lifecycle import audit_keys
from app.settings import Settings
from tests.ports import free_ports
from tests.time_authority import Authority, Server, serving
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    """The one that is trusted, and another."""
    made = tuple(Authority(tmp_path_factory.mktemp("tsa") / name) for name in ("trusted", "other"))
    for one in made:
        one.create()
    return made  # type: ignore[return-value]


@pytest.fixture
def server(authorities: tuple[Authority, Authority]) -> Iterator[Server]:
    with serving(authorities[0]) as made:
        yield made


def stamping(hub: Hub, server: Server, root: Path, every_seconds: float = 0.0) -> Stamping:
    hub.stamping = Stamping(hub.database, server.address, root, every_seconds, hub.clock)
    return hub.stamping


async def a_log(hub: Hub, count: int) -> None:
    await hub.audit.append([Event(hub.clock(), "R", "read") for _ in range(count)])
    await hub.leader.integrate_all()


async def an_export(hub: Hub, folder: Path) -> Keyring:
    verifier = audit_keys(hub.settings)[1].verifier
    await export(hub.database, folder, verifier)
    return Keyring((verifier,), ())


async def test_the_newest_checkpoint_is_stamped_and_the_stamp_is_proven_without_the_authority(
    world: World, server: Server, tmp_path: Path
) -> None:
    hub, root = world.hub, server.authority.root
    made = stamping(hub, server, root)
    assert not await made.run()
    await a_log(hub, 3)
    runs = [await made.run(), await made.run()]
    await a_log(hub, 2)
    runs.append(await made.run())
    ring = await an_export(hub, tmp_path / "export")

    assert runs == [True, False, True]
    verdict = verify_export(tmp_path / "export", ring.keys[0])
    found = verify_stamps(tmp_path / "export", roots_of(root), ring, verdict.proven)
    assert (found.count, found.size, found.fault) == (2, verdict.proven, "")
    assert found.at is not None
    assert abs(found.at.timestamp() - hub.clock() / 1e6) < 60
    assert f"the first {verdict.proven} records were there at" in found.message
    assert await warnings(hub) == []


async def test_a_stamp_waits_for_its_turn(world: World, server: Server) -> None:
    made = stamping(world.hub, server, server.authority.root, 3_600)
    await a_log(world.hub, 1)
    assert await made.run()
    await a_log(world.hub, 1)

    assert not await made.run()
    present = world.hub.clock
    made._clock = lambda: present() + 3_700_000_000
    assert await made.run()


@pytest.mark.parametrize("how", ["another authority", "another checkpoint", "no stamp", "too long", "away"])
async def test_what_does_not_hold_is_not_kept(
    world: World, server: Server, authorities: tuple[Authority, Authority], how: str
) -> None:
    hub = world.hub
    await a_log(hub, 1)
    made = stamping(hub, server, server.authority.root)
    if how == "another authority":
        server.authority = authorities[1]
    elif how == "another checkpoint":
        server.replayed = server.authority.answer(stamp.request("another text").as_bytes())
    elif how == "no stamp":
        server.kind = "text/html"
    elif how == "too long":
        server.replayed = bytes(200_000)
    else:
        made._address = f"http://127.0.0.1:{free_ports(1)[0]}"

    assert not await made.run()

    assert made.failure
    assert await warnings(hub) == [UNSTAMPED]
    assert await hub.database.reader.fetch(select(audit_timestamp.c.size), {}) == []


async def test_a_stamp_of_somebody_else_in_an_export_is_a_fault(
    world: World, server: Server, authorities: tuple[Authority, Authority], tmp_path: Path
) -> None:
    hub, folder = world.hub, tmp_path / "export"
    await a_log(hub, 3)
    assert await stamping(hub, server, server.authority.root).run()
    size, signed = await proofs.newest(hub.database.reader)
    ring = await an_export(hub, folder)
    proven = verify_export(folder, ring.keys[0]).proven
    ((_, token),) = timestamps(folder)

    elsewhere = verify_stamps(folder, roots_of(authorities[1].root), ring, proven)
    line = (folder / TIMESTAMPS).read_text()
    (folder / TIMESTAMPS).write_text(line.replace(f'"size": {size}', '"size": 1'))
    moved = verify_stamps(folder, roots_of(server.authority.root), ring, proven)

    assert "does not hold" in elsewhere.fault
    assert moved.fault.endswith("no checkpoint is") or "does not hold" in moved.fault
    with pytest.raises(WrongStamp):
        verify_stamp(token, signed, roots_of(server.authority.root))
    with pytest.raises(WrongStamp):
        verify_stamp(token[:-1], signed.rpartition("\n\n")[0] + "\n", roots_of(server.authority.root))


async def test_the_small_program_proves_stamps(
    world: World,
    server: Server,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await a_log(world.hub, 3)
    assert await stamping(world.hub, server, server.authority.root).run()
    ring = await an_export(world.hub, tmp_path / "export")
    (tmp_path / "key").write_text(ring.keys[0].vkey)
    asked = ["verify", str(tmp_path / "export"), "--key", str(tmp_path / "key"), "--timestamps"]

    codes = []
    for authority in authorities:
        with pytest.raises(SystemExit) as ended:
            standalone.main([*asked, str(authority.root)])
        codes.append(ended.value.code)

    assert codes == [0, 3]
    assert "records were there at" in capsys.readouterr().out


async def test_of_two_processes_that_ask_at_once_one_stamp_is_kept(world: World, server: Server) -> None:
    hub = world.hub
    slow = Stamping(hub.database, server.address, server.authority.root, 3_600.0, hub.clock)
    await a_log(hub, 1)
    size, signed = await proofs.newest(hub.database.reader)
    await a_log(hub, 1)
    # The other one has asked, and got its stamp, before this one's is there.
    assert await stamping(hub, server, server.authority.root, 3_600.0).run()

    assert not await slow._stamp(size, note.parse(signed)[0])
    assert len(await hub.database.reader.fetch(select(audit_timestamp.c.size), {})) == 1


@pytest.mark.parametrize("roots", [None, "absent.pem", "empty.pem"])
async def test_stamps_that_nobody_could_check_are_not_asked_for(
    world: World, server: Server, tmp_path: Path, roots: str | None
) -> None:
    (tmp_path / "empty.pem").write_text("")
    if roots is None:
        with pytest.raises(ValidationError, match="audit_timestamp_roots"):
            Settings(audit_timestamp=server.address)
        return
    made = stamping(world.hub, server, tmp_path / roots)
    await a_log(world.hub, 1)

    assert not await made.run()
    assert await warnings(world.hub) == [UNSTAMPED]
