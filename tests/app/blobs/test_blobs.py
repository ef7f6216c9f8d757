"""The two blob stores behave alike."""

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.blobs import BlobMissing, Blobs, open_blobs
from app.settings import Settings
from tests.s3 import s3_server

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]

_numbers = itertools.count()


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    if request.param == "folder":
        return open_blobs(Settings(home=tmp_path))
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return open_blobs(Settings(home=tmp_path, blobs=f"s3://renkei/test-{next(_numbers)}"))


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


async def test_a_removed_blob_is_gone(blobs: Blobs) -> None:
    digest = await _keep(blobs, 1, b"content")

    await blobs.remove(1, digest)
    await blobs.remove(1, digest)

    with pytest.raises(BlobMissing):
        await blobs.read(1, digest)


async def test_a_discarded_blob_leaves_nothing(tmp_path: Path) -> None:
    blobs = open_blobs(Settings(home=tmp_path))
    incoming = blobs.incoming()
    incoming.write(b"half")

    incoming.discard()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
