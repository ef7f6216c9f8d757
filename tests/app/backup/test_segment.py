import hashlib
import os
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from app.backup.encryption import encrypt, recipients
from app.backup.failures import Damaged, WrongIdentity
from app.backup.segment import Segment, SegmentWriter, rows
from tests.backups import KeyPair, a_key_pair

pytestmark = pytest.mark.anyio

COLUMNS = ("key", "value")


async def _pages(*pages: Sequence[tuple[Any, ...]]) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    for page in pages:
        yield page


async def _written(folder: Path, keys: KeyPair, *pages: Sequence[tuple[Any, ...]]) -> list[Segment]:
    writer = SegmentWriter(folder, recipients([keys.recipient]))
    await writer.table("table", COLUMNS, _pages(*pages))
    return writer.segments


async def test_values_come_back_as_they_were(tmp_path: Path, keys: KeyPair) -> None:
    values = [-(2**63), 2**63 - 1, 0, 6.3, float("inf"), "髙﨑\x00𠮷", b"\x00\xff", None]

    (segment,) = await _written(tmp_path, keys, [(at, value) for at, value in enumerate(values)])

    assert list(rows(tmp_path, segment, COLUMNS, [keys.identity])) == list(enumerate(values))


async def test_rows_are_parted_at_eight_mebibytes_and_a_larger_row_stands_alone(tmp_path: Path, keys: KeyPair) -> None:
    sizes = [5, 2, 2, 9, 1]

    segments = await _written(tmp_path, keys, *[[(at, bytes(size << 20))] for at, size in enumerate(sizes)])

    assert [(one.name, one.rows, one.octets >> 20) for one in segments] == [
        ("000001.age", 2, 7),
        ("000002.age", 1, 2),
        ("000003.age", 1, 9),
        ("000004.age", 1, 1),
    ]


async def test_a_table_without_rows_needs_no_segment(tmp_path: Path, keys: KeyPair) -> None:
    assert await _written(tmp_path, keys, [], []) == []
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - there is no loop to hold up


async def test_nothing_of_the_rows_can_be_read_from_the_file(tmp_path: Path, keys: KeyPair) -> None:
    (segment,) = await _written(tmp_path, keys, [(1, "山田太郎"), (2, "canary")])

    file = (tmp_path / segment.name).read_bytes()

    assert file.startswith(b"age-encryption.org/v1\n")
    assert "山田太郎".encode() not in file
    assert b"canary" not in file


async def test_another_identity_is_refused(tmp_path: Path, keys: KeyPair) -> None:
    (segment,) = await _written(tmp_path, keys, [(1, "a")])

    with pytest.raises(WrongIdentity, match=r"000001.age"):
        rows(tmp_path, segment, COLUMNS, [a_key_pair().identity])


async def test_a_segment_in_the_place_of_another_is_refused(tmp_path: Path, keys: KeyPair) -> None:
    first, second = await _written(tmp_path, keys, [(1, random.Random(1).randbytes(8 << 20)), (2, "b")])
    (tmp_path / first.name).write_bytes((tmp_path / second.name).read_bytes())

    with pytest.raises(Damaged, match=r"000001.age is not the segment"):
        rows(tmp_path, first, COLUMNS, [keys.identity])


async def test_a_manifest_that_names_another_table_is_refused(tmp_path: Path, keys: KeyPair) -> None:
    (segment,) = await _written(tmp_path, keys, [(1, "a")])

    with pytest.raises(Damaged, match=r"000001.age is not a segment of other"):
        rows(tmp_path, replace(segment, table="other"), COLUMNS, [keys.identity])


@pytest.mark.parametrize(
    ("plain", "stated", "reason"),
    [
        (b"no frame", b"no frame", "does not decompress"),
        (zstandard.compress(b"forged"), b"rows", "holds other rows than were written"),
        (zstandard.compress(b"\x00\x00\x00\x01\xc1"), b"\x00\x00\x00\x01\xc1", "does not hold rows"),
    ],
    ids=["not compressed", "other rows", "not rows"],
)
def test_whoever_has_the_public_key_cannot_forge_a_segment(
    tmp_path: Path, keys: KeyPair, plain: bytes, stated: bytes, reason: str
) -> None:
    encrypted = encrypt(plain, recipients([keys.recipient]))
    (tmp_path / "000001.age").write_bytes(encrypted)
    digests = [hashlib.sha256(octets).hexdigest() for octets in (encrypted, stated)]
    segment = Segment("000001.age", "table", 1, 100, *digests)

    with pytest.raises(Damaged, match=f"000001.age {reason}"):
        rows(tmp_path, segment, COLUMNS, [keys.identity])
