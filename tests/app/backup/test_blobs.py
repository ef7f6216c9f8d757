import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.backup import blobs
from app.backup.blobs import BlobCopier, names_key
from app.backup.encryption import encrypt, recipients
from app.backup.failures import Damaged, WrongIdentity
from app.blobs import Incoming
from app.blobs.folder import FolderBlobs
from tests.backups import KeyPair, a_key_pair

pytestmark = pytest.mark.anyio

LARGE = os.urandom(1 << 20) * 3 + b"and a bit"


@pytest.fixture
def store(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "store")


def a_copier(store: FolderBlobs, folder: Path, *keys: KeyPair) -> BlobCopier:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return BlobCopier(store, folder, scratch, recipients([one.recipient for one in keys]), bytes(32))


async def _keep(store: FolderBlobs, octets: bytes, custodian: int = 1) -> str:
    incoming = store.incoming()
    incoming.write(octets)
    return await store.keep(custodian, incoming)


@pytest.mark.parametrize("octets", [b"", b"small", LARGE], ids=["empty", "small", "several pieces"])
async def test_a_blob_comes_back(store: FolderBlobs, tmp_path: Path, keys: KeyPair, octets: bytes) -> None:
    digest = await _keep(store, octets)
    file = await a_copier(store, tmp_path, keys).copy(1, digest)
    target = Incoming(tmp_path / "target")

    blobs.read(tmp_path / file, digest, [keys.identity], target)

    target.finish()
    assert target.path.read_bytes() == octets


async def test_a_blob_is_copied_once(store: FolderBlobs, tmp_path: Path, keys: KeyPair) -> None:
    digest = await _keep(store, b"octets")
    first = await a_copier(store, tmp_path, keys).copy(1, digest)
    shutil.rmtree(tmp_path / "store")

    again = await a_copier(store, tmp_path, keys).copy(1, digest)

    assert again == first


async def test_the_same_octets_of_another_custodian_or_for_another_recipient_are_another_file(
    store: FolderBlobs, tmp_path: Path, keys: KeyPair
) -> None:
    digest = await _keep(store, b"octets")
    await _keep(store, b"octets", custodian=2)
    other = a_key_pair()

    files = {
        await a_copier(store, tmp_path, keys).copy(1, digest),
        await a_copier(store, tmp_path, keys).copy(2, digest),
        await a_copier(store, tmp_path, keys, other).copy(1, digest),
        await a_copier(store, tmp_path, other, keys).copy(1, digest),
    }

    assert len(files) == 3
    assert not any(digest in file for file in files)


async def test_a_blob_that_is_damaged_in_the_hub_is_not_backed_up_in_silence(
    store: FolderBlobs, tmp_path: Path, keys: KeyPair
) -> None:
    digest = await _keep(store, b"octets")
    (tmp_path / "store" / "1" / digest[:2] / digest).write_bytes(b"octetz")

    with pytest.raises(Damaged, match=f"The hub's blob {digest} is damaged"):
        await a_copier(store, tmp_path, keys).copy(1, digest)


async def test_a_blob_that_is_missing_in_the_hub_is_named(store: FolderBlobs, tmp_path: Path, keys: KeyPair) -> None:
    with pytest.raises(Damaged, match=f"The hub's blob {'ab' * 32} is missing"):
        await a_copier(store, tmp_path, keys).copy(1, "ab" * 32)


async def test_a_blob_in_the_place_of_another_is_refused(store: FolderBlobs, tmp_path: Path, keys: KeyPair) -> None:
    file = await a_copier(store, tmp_path, keys).copy(1, await _keep(store, b"octets"))

    with pytest.raises(Damaged, match="holds another blob"):
        blobs.read(tmp_path / file, "ab" * 32, [keys.identity])


async def test_another_identity_does_not_read_a_blob(store: FolderBlobs, tmp_path: Path, keys: KeyPair) -> None:
    digest = await _keep(store, b"octets")
    file = await a_copier(store, tmp_path, keys).copy(1, digest)

    with pytest.raises(WrongIdentity):
        blobs.read(tmp_path / file, digest, [a_key_pair().identity])


def test_a_blob_that_does_not_decompress_is_refused(tmp_path: Path, keys: KeyPair) -> None:
    (tmp_path / "a.b.age").write_bytes(encrypt(b"no frame", recipients([keys.recipient])))

    with pytest.raises(Damaged, match=r"a\.b\.age"):
        blobs.read(tmp_path / "a.b.age", "ab" * 32, [keys.identity])


async def test_a_full_disk_is_not_called_damage(store: FolderBlobs, tmp_path: Path, keys: KeyPair) -> None:
    digest = await _keep(store, b"octets")
    file = await a_copier(store, tmp_path, keys).copy(1, digest)
    target = Incoming(tmp_path / "target")
    target._file.close()
    target._file = await asyncio.to_thread(open, "/dev/full", "wb", 0)

    with pytest.raises(OSError, match="No space left"):
        blobs.read(tmp_path / file, digest, [keys.identity], target)

    target.discard()


def test_a_blob_that_is_gone_is_refused(tmp_path: Path, keys: KeyPair) -> None:
    with pytest.raises(Damaged, match=r"a\.b\.age is missing"):
        blobs.read(tmp_path / "a.b.age", "ab" * 32, [keys.identity])


async def test_a_blob_whose_store_fails_stops_the_backup(tmp_path: Path, keys: KeyPair) -> None:
    class Failing(FolderBlobs):
        async def stream(self, *_: object) -> AsyncIterator[bytes]:
            yield b"some"
            raise ConnectionError("the bucket is gone")

    with pytest.raises(ConnectionError, match="the bucket is gone"):
        await a_copier(Failing(tmp_path / "store"), tmp_path, keys).copy(1, "ab" * 32)


def test_the_names_key_is_made_once_and_open_to_its_owner_alone(tmp_path: Path) -> None:
    key = names_key(tmp_path)

    assert len(key) == 32
    assert names_key(tmp_path) == key
    assert (tmp_path / "backup-names").stat().st_mode & 0o777 == 0o600
