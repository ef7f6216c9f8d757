"""The two blob stores behave alike."""

import hashlib
import os
from pathlib import Path

import pytest

from app.blobs import BlobMissing, Blobs, folder, open_blobs
from app.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]

NEVER = 0
ALWAYS = 1 << 62


async def _keep(blobs: Blobs, custodian: int, content: bytes) -> str:
    incoming = blobs.incoming()
    incoming.write(content)
    return await blobs.keep(custodian, incoming)


async def test_a_blob_is_read_whole_and_in_parts_by_its_digest(blobs: Blobs) -> None:
    content = bytes(range(256)) * 10_000

    digest = await _keep(blobs, 1, content)

    assert digest == hashlib.sha256(content).hexdigest()
    assert await blobs.read(1, digest) == content
    assert await blobs.read(1, digest, 1000, 16) == content[1000:1016]
    assert b"".join([piece async for piece in blobs.stream(1, digest)]) == content


async def test_a_blob_is_its_custodians_alone(blobs: Blobs) -> None:
    digest = await _keep(blobs, 1, b"content")

    with pytest.raises(BlobMissing):
        await blobs.read(2, digest)
    with pytest.raises(BlobMissing):
        await blobs.read(2, digest, 0, 1)
    with pytest.raises(BlobMissing):
        async for _ in blobs.stream(2, digest):
            pass


async def test_keeping_a_blob_twice_keeps_it_once(blobs: Blobs) -> None:
    first, second = await _keep(blobs, 1, b"content"), await _keep(blobs, 1, b"content")

    assert first == second
    assert await blobs.read(1, first) == b"content"


async def test_many_are_kept_at_once_and_one_that_comes_twice_is_no_error(blobs: Blobs) -> None:
    contents = [b"one", b"two", b"one", *(bytes([number]) * 1_000 for number in range(20))]
    incoming = [blobs.incoming() for _ in contents]
    for one, content in zip(incoming, contents, strict=True):
        one.write(content)

    await blobs.keep_all(1, incoming)

    for content in contents:
        assert await blobs.read(1, hashlib.sha256(content).hexdigest()) == content
    assert not any(one.path.exists() for one in incoming)


async def test_the_name_of_a_folder_that_another_process_has_just_made_is_flushed_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"content").hexdigest()
    (tmp_path / "1" / digest[:2]).mkdir(parents=True)
    flushed: list[Path] = []
    monkeypatch.setattr(folder, "flush_folder", flushed.append)
    blobs = folder.FolderBlobs(tmp_path)

    await _keep(blobs, 1, b"content")
    first, flushed[:] = set(flushed), []
    await _keep(blobs, 1, b"content")

    assert first == {tmp_path, tmp_path / "1", tmp_path / "1" / digest[:2]}
    assert flushed == [tmp_path / "1" / digest[:2]]


async def test_a_blob_that_is_set_aside_is_read_as_before(blobs: Blobs) -> None:
    digest = await _keep(blobs, 1, b"content")

    moved = await blobs.set_aside(1, digest, ALWAYS)

    assert moved
    assert [page async for page in blobs.listing(1)] == []
    assert await blobs.read(1, digest) == b"content"
    assert await blobs.read(1, digest, 1, 2) == b"on"
    assert b"".join([piece async for piece in blobs.stream(1, digest)]) == b"content"


async def test_a_blob_is_set_aside_only_when_it_is_there_and_old(blobs: Blobs) -> None:
    digest = await _keep(blobs, 1, b"content")

    assert not await blobs.set_aside(1, digest, NEVER)
    assert not await blobs.set_aside(2, digest, ALWAYS)
    assert await blobs.custodians(aside=True) == []


async def test_a_blob_that_was_set_aside_is_brought_back_to_an_empty_place_only(blobs: Blobs) -> None:
    digest = await _keep(blobs, 1, b"content")
    await blobs.set_aside(1, digest, ALWAYS)

    assert await blobs.bring_back(1, digest)
    assert not await blobs.bring_back(1, digest)
    assert not await blobs.bring_back(2, digest)

    await blobs.remove_aside(1, digest)
    assert await blobs.read(1, digest) == b"content"


async def test_a_blob_that_was_removed_is_gone(blobs: Blobs) -> None:
    digest = await _keep(blobs, 1, b"content")
    await blobs.set_aside(1, digest, ALWAYS)

    await blobs.remove_aside(1, digest)
    await blobs.remove_aside(1, digest)

    with pytest.raises(BlobMissing):
        await blobs.read(1, digest)


async def test_a_listing_names_what_is_kept_and_what_is_set_aside(blobs: Blobs) -> None:
    begun = await blobs.now()
    one, two = await _keep(blobs, 1, b"one"), await _keep(blobs, 10, b"second")
    await blobs.set_aside(10, two, ALWAYS)

    kept = [one async for page in blobs.listing(1) for one in page]
    aside = [one async for page in blobs.listing(10, aside=True) for one in page]

    assert await blobs.custodians(aside=True) == [10]
    assert [(one.custodian, one.digest, one.size) for one in kept] == [(1, one, 3)]
    assert [(one.custodian, one.digest, one.size) for one in aside] == [(10, two, 6)]
    assert all(begun <= one.modified <= begun + 60_000_000 for one in kept + aside)


async def test_what_an_interrupted_upload_left_is_removed_after_a_day(blobs: Blobs) -> None:
    old, new = blobs.incoming(), blobs.incoming()
    for one in (old, new):
        one.write(b"half")
        one.finish()
    os.utime(old.path, (0, 0))

    cleared = blobs.clear_incoming()

    assert cleared == 4
    assert (old.path.exists(), new.path.exists()) == (False, True)


async def test_a_discarded_blob_leaves_nothing(tmp_path: Path) -> None:
    blobs = open_blobs(Settings(home=tmp_path))
    incoming = blobs.incoming()
    incoming.write(b"half")

    incoming.discard()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
