"""Proofs and tiles out of the database, for trees that reach above one tile."""

from pathlib import Path

import pytest

from app.audit import proofs, tile
from app.audit.checkpoint import Checkpoint, parse_text
from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.grow import frontier, grow
from app.audit.keyfile import prepare_signer, rotate_master
from app.audit.note import Verifier, parse
from app.audit.proof_text import ProofFails, verify_growth, verify_record
from app.audit.publish import publish
from app.audit.record import Event, seal, unseal
from app.audit.tile import Tile
from app.audit.tree import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    reader,
    root,
    verify_consistency,
    verify_inclusion,
)
from app.lifecycle import signer_path
from tests.world import World

pytestmark = pytest.mark.anyio

SIZE = 66_000
"""More than a tile of tiles."""


async def a_tree(world: World, size: int) -> list[bytes]:
    """Put leaves in the tree, of records that nobody reads here, and return their hashes."""
    records = [b'{"v":0,"n":%d}' % number for number in range(size)]
    for at in range(0, size, 20_000):
        async with world.hub.database.write() as connection:
            edge = await frontier(connection)
            await grow(connection, edge, list(enumerate(records[at : at + 20_000], at + 1)))
    return [leaf_hash(record) for record in records]


async def test_proofs_are_those_of_the_leaves(world: World) -> None:
    leaves = await a_tree(world, SIZE)
    read, by_hand = world.hub.database.reader, reader(leaves)

    assert await proofs.size(read) == SIZE
    assert await proofs.root(read, SIZE) == root(leaves)
    assert await proofs.root(read, 0) == root([])
    for index, size in ((0, 1), (0, SIZE), (255, 256), (256, 257), (65_535, SIZE), (65_536, SIZE), (SIZE - 1, SIZE)):
        path = await proofs.inclusion(read, index, size)
        assert path == inclusion_proof(index, size, by_hand)
        assert verify_inclusion(index, size, leaves[index], path, root(leaves[:size]))
    for old, new in ((0, 9), (1, SIZE), (256, 257), (300, 65_536), (65_537, SIZE), (SIZE, SIZE)):
        path = await proofs.consistency(read, old, new)
        assert path == consistency_proof(old, new, by_hand)
        assert verify_consistency(old, new, root(leaves[:old]), root(leaves[:new]), path)
    for old, new in ((5, 4), (SIZE + 1, SIZE)):
        with pytest.raises(IndexError):
            await proofs.consistency(read, old, new)


async def test_tiles_are_those_of_the_standard(world: World) -> None:
    leaves = await a_tree(world, SIZE)
    read = world.hub.database.reader

    assert await proofs.tile(read, Tile(0, 1)) == b"".join(leaves[256:512])
    assert await proofs.tile(read, Tile(0, 257, 10)) == b"".join(leaves[257 * 256 : 257 * 256 + 10])
    assert await proofs.tile(read, Tile(1, 0, 3)) == b"".join(root(leaves[at : at + 256]) for at in (0, 256, 512))
    assert await proofs.tile(read, Tile(2, 0, 1)) == root(leaves[:65_536])


async def test_a_hash_that_is_gone_is_no_proof(world: World) -> None:
    await a_tree(world, 3)

    with pytest.raises(proofs.DamagedTree):
        await proofs.tile(world.hub.database.reader, Tile(0, 0, 4))


async def a_log(world: World, count: int) -> None:
    events = [Event(world.hub.clock(), "R", "read", description=str(number)) for number in range(count)]
    await world.hub.audit.append(events)
    await world.hub.leader.integrate_all()


async def test_a_record_is_proven_to_be_in_the_log(world: World) -> None:
    await a_log(world, 5)
    read, key = world.hub.database.reader, world.hub.leader._signer.verifier

    record, text = await proofs.record(read, 3), await proofs.record_text(read, 3)

    assert unseal(record, world.hub.audit.keys).description == "3"
    index, stated = verify_record(text, record, [key])
    assert (index, stated.size) == (3, 5)
    for wrong, of in ((text, record + b" "), (text.replace("index 3", "index 2"), record), ("index 3", record)):
        with pytest.raises(ProofFails):
            verify_record(wrong, of, [key])
    with pytest.raises(ProofFails):
        verify_record(text, record, [Verifier(key.name, bytes(32))])
    with pytest.raises(IndexError):
        await proofs.record_text(read, 5)


async def test_the_log_is_proven_to_go_on_from_an_old_checkpoint(world: World) -> None:
    await a_log(world, 3)
    read, key = world.hub.database.reader, world.hub.leader._signer.verifier
    old = (await proofs.newest(read))[1]
    await a_log(world, 4)

    text = await proofs.growth_text(read, 3)

    kept = verify_record(await proofs.record_text(read, 0), await proofs.record(read, 0), [key])[1]
    before = _checkpoint(old)
    assert verify_growth(text, before, [key]) == kept
    assert kept.size == 7
    for wrong in (text.replace("old 3", "old 2"), "nothing"):
        with pytest.raises(ProofFails):
            verify_growth(wrong, before, [key])


def _checkpoint(note: str) -> Checkpoint:
    return parse_text(parse(note)[0])


async def test_tiles_are_published_as_files_and_only_added_to(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    with pytest.raises(IndexError):
        await publish(world.hub.database, folder)
    await a_log(world, 300)
    first = await publish(world.hub.database, folder)
    whole = folder / "tile" / "0" / "000"
    written = whole.stat().st_mtime_ns, whole.read_bytes()

    await a_log(world, 10)
    second = await publish(world.hub.database, folder)

    assert (first, second) == (3, 1)
    assert (whole.stat().st_mtime_ns, whole.read_bytes()) == written
    assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()) == [
        *("checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/0/001.p/54", "tile/1/000.p/1"),
    ]
    stated = _checkpoint((folder / "checkpoint").read_text())
    hashes = whole.read_bytes() + (folder / "tile/0/001.p/54").read_bytes()
    assert stated.root == root([hashes[at : at + 32] for at in range(0, len(hashes), 32)])
    assert all(tile.holds(one, 310) for one in tile.tiles(310))


async def test_the_key_is_exchanged_and_the_log_proven_from_the_old_one_and_the_new(
    world: World, tmp_path: Path
) -> None:
    await a_log(world, 3)
    hub = world.hub
    old, path = hub.leader._signer, signer_path(hub.settings)

    new = await hub.leader.exchange(lambda: prepare_signer(path, hub.settings.audit_origin))
    await a_log(world, 4)
    await export(hub.database, tmp_path / "export", new.verifier)

    assert new.verifier != old.verifier
    assert path.read_text() == new.skey + "\n"
    for key in (old.verifier, new.verifier):
        verdict = verify_export(tmp_path / "export", key)
        assert (verdict.ok, verdict.proven) == (True, 7)


async def test_an_exchange_that_stopped_half_way_is_finished_by_whoever_signs_next(world: World) -> None:
    await a_log(world, 1)
    hub = world.hub
    path, settled = signer_path(hub.settings), hub.leader._settled
    hub.leader._settled = None
    new = await hub.leader.exchange(lambda: prepare_signer(path, hub.settings.audit_origin))
    assert path.read_text() != new.skey + "\n"

    hub.leader._settled = settled
    hub.leader._signer = old = type(new).parse(path.read_text().strip())
    await a_log(world, 1)

    assert hub.leader._signer.verifier == new.verifier != old.verifier
    assert path.read_text() == new.skey + "\n"


async def test_a_lost_key_is_followed_by_one_that_nobody_names(world: World, tmp_path: Path) -> None:
    await a_log(world, 2)
    hub = world.hub
    old, path = hub.leader._signer, signer_path(hub.settings)
    path.unlink()
    path.write_text(type(old).generate(hub.settings.audit_origin).skey)
    path.chmod(0o600)

    new = await hub.leader.exchange(lambda: prepare_signer(path, hub.settings.audit_origin), lost=True)
    await a_log(world, 1)
    await export(hub.database, tmp_path / "export", new.verifier)

    assert verify_export(tmp_path / "export", new.verifier).ok
    assert verify_export(tmp_path / "export", old.verifier).fault == "added"


async def test_a_record_sealed_with_a_new_master_key_opens_in_a_process_that_has_the_old_ring(world: World) -> None:
    keys = world.hub.audit.keys
    newer = rotate_master(world.hub.settings.keys_folder / "audit-master")
    record = seal(Event(world.hub.clock(), "R", "read", user="a"), newer)

    assert unseal(record, keys).user == "a"
    assert keys.current == newer.current == 2
