import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from app.audit.note import Signer
from app.audit.record import unseal
from app.audit.tables import audit_record
from app.backup import header, place
from app.backup.encryption import encrypt, recipients
from app.backup.export import pages
from app.backup.failures import Damaged, WrongIdentity
from app.backup.manifest import Manifest
from app.backup.progress import silent
from app.backup.reading import open_backup
from app.backup.verify import read_all, verify, verify_on_record
from app.lifecycle import open_hub
from app.settings import Settings
from tests.backups import Backup, a_key_pair

SEGMENT = "000001.age"


def test_a_backup_is_whole_without_a_private_key(small_backup: Backup) -> None:
    found = verify(small_backup.folder.parent, key=small_backup.key)

    assert found.folder == small_backup.folder
    assert found.header.blobs == 2
    assert found.manifest is None


def test_a_backup_is_read_with_a_private_key(small_backup: Backup) -> None:
    seen: dict[str, int] = {}

    found = verify(small_backup.folder, [small_backup.keys.identity], progress=seen.__setitem__)

    assert found.manifest is not None
    assert (found.manifest.blobs, found.manifest.blob_bytes) == (2, 8 + 256 * 600)
    assert (seen["resource"], seen["blobs"]) == (2, 2)
    assert seen["audit_record"] == found.manifest.audit.size


def test_sha256sum_reads_the_list(small_backup: Backup) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=small_backup.folder, capture_output=True
    )

    assert (done.returncode, done.stdout) == (0, b"")


@with_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_anywhere_is_refused(small_backup: Backup, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(small_backup.files()), label="file")
    right = path.read_bytes()
    at = data.draw(st.integers(0, len(right) - 1), label="at")
    wrong = bytearray(right)
    wrong[at] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    try:
        path.write_bytes(wrong)
        with pytest.raises(Damaged) as refused:
            verify(small_backup.folder)
    finally:
        path.write_bytes(right)

    assert path.name in str(refused.value)


def _missing(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _swapped(path: Path) -> None:
    path.write_bytes((path.parent / "000002.age").read_bytes())


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, damage) for name in (SEGMENT, "manifest.age", "SHA256SUMS", "HEADER") for damage in (_missing, _cut)),
        (SEGMENT, _swapped),
        (SEGMENT, _longer),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(backup_copy: Backup, name: str, damage: Callable[[Path], None]) -> None:
    damage(backup_copy.folder / name)

    with pytest.raises(Damaged, match=name):
        verify(backup_copy.folder)


def test_a_missing_blob_is_refused_by_its_name(backup_copy: Backup) -> None:
    blob = next(path for path in backup_copy.files() if "blobs" in path.parts)
    blob.unlink()

    with pytest.raises(Damaged, match=f"{blob.name} is missing"):
        verify(backup_copy.folder)


def test_another_identity_is_refused(small_backup: Backup) -> None:
    with pytest.raises(WrongIdentity, match=r"manifest.age was not encrypted to this identity"):
        verify(small_backup.folder, [a_key_pair().identity])


def _signed_again(backup: Backup, signer: Signer, *, segments: int) -> None:
    """List and sign what is there, as somebody would who holds no key of the hub."""
    folder = backup.folder
    with (folder / "SHA256SUMS").open("w") as file:
        for path in backup.files():
            if path.suffix == ".age":
                name = path.name if path.parent == folder else f"../{path.relative_to(folder.parent)}"
                file.write(f"{place.digest(path)}  {name}\n")
    sums = place.digest(folder / "SHA256SUMS")
    signed = header.sign("2026-11-22T12:00:00.123Z", segments, 2, sums, signer)
    (folder / "HEADER").write_bytes(signed)


def test_a_backup_that_somebody_else_signed_is_refused_by_who_knows_the_hub_s_key(backup_copy: Backup) -> None:
    count = verify(backup_copy.folder).header.segments
    forged = encrypt(random.Random(1).randbytes(100), recipients([backup_copy.keys.recipient]))
    (backup_copy.folder / SEGMENT).write_bytes(forged)
    _signed_again(backup_copy, Signer.generate("renkei.example/audit"), segments=count)

    with pytest.raises(Damaged, match="The backup is signed by"):
        verify(backup_copy.folder, key=backup_copy.key)
    with pytest.raises(Damaged, match=f"{SEGMENT} is not the segment that the manifest names"):
        verify(backup_copy.folder, [backup_copy.keys.identity])


def test_a_list_that_lacks_a_segment_is_refused(backup_copy: Backup) -> None:
    count = verify(backup_copy.folder).header.segments
    (backup_copy.folder / SEGMENT).unlink()
    _signed_again(backup_copy, Signer.generate("renkei.example/audit"), segments=count)

    with pytest.raises(Damaged, match="HEADER says otherwise"):
        verify(backup_copy.folder)


def _without_segments(manifest: Manifest, table: str) -> Manifest:
    tables = tuple([replace(one, rows=0) if one.name == table else one for one in manifest.tables])
    return replace(manifest, tables=tables, segments=tuple([one for one in manifest.segments if one.table != table]))


def _one_row_more(manifest: Manifest) -> Manifest:
    first, *others = manifest.segments
    return replace(manifest, segments=(replace(first, rows=first.rows + 1), *others))


def _one_segment_less(manifest: Manifest) -> Manifest:
    return replace(manifest, segments=manifest.segments[1:])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_one_row_more, "000001.age holds [0-9]+ rows, the manifest names"),
        (_one_segment_less, "index_date has 0 rows, the manifest names"),
        (lambda manifest: _without_segments(manifest, "blob"), "which its database does not name there"),
        (lambda manifest: _without_segments(manifest, "@blobs"), "lacks a blob that its database names"),
        (lambda manifest: replace(manifest, audit=replace(manifest.audit, size=1)), "the manifest names 1"),
    ],
    ids=["rows", "segments", "blob table", "blob files", "audit log"],
)
def test_a_manifest_that_does_not_fit_what_is_there_is_refused(
    small_backup: Backup, change: Callable[[Manifest], Manifest], reason: str
) -> None:
    reading = open_backup(small_backup.folder, [small_backup.keys.identity])

    with pytest.raises(Damaged, match=reason):
        read_all(replace(reading, manifest=change(reading.manifest)), small_backup.key, silent)


async def _recorded(settings: Settings) -> list[tuple[str, str, str | None]]:
    hub = await open_hub(settings)
    try:
        async with hub.database.snapshot() as snapshot:
            records = [bytes(row[1]) async for page in pages(snapshot, audit_record) for row in page]
        events = [unseal(record, hub.audit.keys) for record in records]
    finally:
        await hub.close()
    return [(one.interaction, one.outcome, one.description) for one in events]


@pytest.mark.anyio
async def test_a_verification_is_recorded_where_there_is_a_hub(settings: Settings, backup_copy: Backup) -> None:
    name = backup_copy.folder.name
    await verify_on_record(settings, backup_copy.folder)
    await verify_on_record(settings, backup_copy.folder, [backup_copy.keys.identity])
    (backup_copy.folder / SEGMENT).unlink()
    with pytest.raises(Damaged):
        await verify_on_record(settings, backup_copy.folder)

    assert await _recorded(settings) == [
        ("backup-verify", "0", f"{name} was compared with its digests; it is whole"),
        ("backup-verify", "0", f"{name} was decrypted and read; it is whole"),
        ("backup-verify", "8", "Damaged: 000001.age is missing"),
    ]


@pytest.mark.anyio
async def test_a_backup_is_verified_on_a_machine_without_a_hub(empty: Settings, small_backup: Backup) -> None:
    found = await verify_on_record(empty, small_backup.folder)

    assert found.header.blobs == 2
    assert not empty.home.exists()
