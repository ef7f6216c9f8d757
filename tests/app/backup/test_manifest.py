import pytest

from app.backup.failures import Damaged, OtherRelease
from app.backup.manifest import AuditState, Manifest, TableRows, from_json, to_json
from app.backup.segment import Segment

A_MANIFEST = Manifest(
    format=1,
    taken=1_795_348_800_123_456,
    engine="sqlite",
    revision="0001",
    origin="hub.example/audit",
    tables=(TableRows("epoch", ("name", "value"), 2),),
    segments=(Segment("000001.age", "epoch", 2, 50, "a" * 64, "b" * 64),),
    blobs=0,
    blob_bytes=0,
    audit=AuditState(0, 0, ""),
)


def test_a_manifest_comes_back_from_json() -> None:
    assert from_json(to_json(A_MANIFEST)) == A_MANIFEST


def test_a_backup_of_a_later_format_is_not_guessed_at() -> None:
    with pytest.raises(OtherRelease, match="format 2; this release reads format 1"):
        from_json(b'{"format":2}')


@pytest.mark.parametrize("octets", [b"", b"[]", b'{"format":1}'], ids=["empty", "not an object", "members missing"])
def test_what_is_no_manifest_is_refused(octets: bytes) -> None:
    with pytest.raises(Damaged, match="The manifest is none"):
        from_json(octets)
