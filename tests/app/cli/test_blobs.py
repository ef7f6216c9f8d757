import asyncio
import os
from pathlib import Path

import pytest

from app.blobs import collect as collecting
from app.lifecycle import open_hub
from app.settings import Settings
from app.settings import settings as chosen
from tests.app.cli.conftest import Renkei
from tests.backups import keep_blob


@pytest.fixture
def kept(hospital: Renkei) -> Path:
    """The folder of blobs, with one that is referred to and one that was left three days ago."""
    settings = chosen()
    asyncio.run(_keep(settings))
    return Path(settings.blobs_place)


async def _keep(settings: Settings) -> None:
    hub = await open_hub(settings)
    await keep_blob(hub, 1, b"kept")
    incoming = hub.blobs.incoming()
    incoming.write(b"left")
    digest = await hub.blobs.keep(1, incoming)
    os.utime(Path(settings.blobs_place) / "1" / digest[:2] / digest, (0, 0))
    await hub.close()


def test_blobs_are_listed_by_site(hospital: Renkei, kept: Path) -> None:
    listed = hospital("blobs", "list")

    assert listed.output == "hospital-a\t1\t4\n"


def test_blobs_are_collected(hospital: Renkei, kept: Path) -> None:
    dry = hospital("blobs", "collect", "--dry-run")
    collected = hospital("blobs", "collect")
    again = hospital("blobs", "collect")

    assert (dry.exit_code, collected.exit_code, again.exit_code) == (0, 0, 0)
    assert "would be set aside\t1 blobs, 4 bytes\n" in dry.stdout
    assert collected.stdout == (
        "seen\t2 blobs, 8 bytes\nset aside\t1 blobs, 4 bytes\nwaiting\t0 blobs, 0 bytes\nremoved\t0 blobs, 0 bytes\n"
    )
    assert "waiting\t1 blobs, 4 bytes\n" in again.stdout
    assert len([path for path in (kept / "aside").rglob("*") if path.is_file()]) == 1


def test_blobs_of_no_organisation_are_named_and_left(hospital: Renkei, kept: Path) -> None:
    (kept / "1").rename(kept / "99")

    refused = hospital("blobs", "collect")

    assert refused.exit_code == 1
    assert "the database knows no organisation 99" in refused.stderr
    assert not (kept / "aside").exists()


def test_a_database_that_lacks_most_of_a_sites_blobs_is_doubted(
    hospital: Renkei, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "FEW", 0)
    _leave(kept / "1" / "ab" / ("ab" * 32))

    refused = hospital("blobs", "collect")
    asked = hospital("blobs", "collect", "--even-most")

    assert (refused.exit_code, asked.exit_code) == (1, 0)
    assert "refers to less than half of the blobs of hospital-a" in refused.stderr
    assert "set aside\t2 blobs, 12 bytes\n" in asked.stdout


def test_what_was_sent_again_and_what_uploads_left_is_told(hospital: Renkei, kept: Path) -> None:
    (kept / "aside").mkdir()
    (kept / "1").rename(kept / "aside" / "1")
    _leave(kept / "incoming" / "incoming-x")

    collected = hospital("blobs", "collect")

    assert "brought back\t1 blobs, 4 bytes\n" in collected.stdout
    assert "left by interrupted uploads, removed\t8 bytes\n" in collected.stdout


def _leave(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"long ago")
    os.utime(path, (0, 0))


def test_a_store_that_cannot_be_read_is_said(hospital: Renkei, kept: Path) -> None:
    incoming = kept / "incoming"
    incoming.rmdir()
    incoming.write_bytes(b"")

    refused = hospital("blobs", "collect")

    assert refused.exit_code == 1
    assert "Error: " in refused.stderr
