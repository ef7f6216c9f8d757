from pathlib import Path

import pytest

from app.settings import settings as chosen
from tests.app.cli.conftest import Renkei


@pytest.fixture
def place(hospital: Renkei, tmp_path: Path) -> Path:
    """A place with one backup, its private key and the hub's public key beside it."""
    recipient = hospital("backup", "identity", str(tmp_path / "identity")).output.strip()
    (tmp_path / "key").write_text(hospital("audit", "key").output)
    taken = hospital("backup", "run", str(tmp_path / "backups"), "--recipient", recipient)
    assert taken.exit_code == 0, taken.output
    return tmp_path / "backups"


def test_a_backup_is_taken_and_verified(hospital: Renkei, place: Path, tmp_path: Path) -> None:
    plain = hospital("backup", "verify", str(place))
    read = hospital(
        "backup", "verify", str(place), "--identity", str(tmp_path / "identity"), "--key", str(tmp_path / "key")
    )

    assert (plain.exit_code, read.exit_code) == (0, 0)
    assert "is whole: compared with its digests; --identity reads it" in plain.output
    assert "Compare this key with the one you were given" in plain.output
    assert "is whole: decrypted and read" in read.output
    assert "Compare this key" not in read.output


def test_a_damaged_backup_ends_with_exit_code_3_and_the_reason(hospital: Renkei, place: Path) -> None:
    segment = next(place.glob("2*/000001.age"))
    segment.write_bytes(segment.read_bytes()[:-1])

    refused = hospital("backup", "verify", str(place))

    assert refused.exit_code == 3
    assert "Error: 000001.age was altered or cut off" in refused.output


def test_a_backup_is_restored_on_an_empty_machine(
    hospital: Renkei, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENKEI_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("RENKEI_DATABASE", "")
    chosen.cache_clear()
    arguments = ("backup", "restore", str(place), "--identity", str(tmp_path / "identity"))

    restored = hospital(*arguments)
    again = hospital(*arguments)

    assert restored.exit_code == 0
    assert "Restored the state of 20" in restored.output
    assert again.exit_code == 1
    assert "Error: The database is not empty" in again.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("run", "backups", "--recipient", "age1x"), "age1x is not a public key"),
        (("verify", "nowhere"), "There is no folder nowhere"),
        (("identity", "."), "File exists"),
    ],
    ids=["recipient", "folder", "file"],
)
def test_what_cannot_be_done_is_said(
    renkei: Renkei, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)

    refused = renkei("backup", *arguments)

    assert refused.exit_code in {1, 3}
    assert reason in refused.output


def test_a_restore_needs_an_identity(renkei: Renkei, tmp_path: Path) -> None:
    refused = renkei("backup", "restore", str(tmp_path))

    assert refused.exit_code == 2
    assert "Missing option '--identity'" in refused.output
