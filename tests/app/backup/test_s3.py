from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backup.restore import restore
from app.backup.run import run
from app.backup.verify import verify
from app.blobs.tables import blob
from app.settings import Settings
from tests.backups import Backup, served
from tests.s3 import s3_server

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with s3_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


async def test_blobs_move_from_a_folder_to_s3_and_back_into_a_backup(
    s3: None, small_backup: Backup, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", blobs="s3://renkei/restored", cookie_secure=False)
    keys = small_backup.keys

    await restore(settings, small_backup.folder, [keys.identity])

    async with served(settings) as (hub, _):
        rows = await hub.database.reader.fetch(blob.select().order_by(blob.c.size), {})
        image = await hub.blobs.read(1, rows[0][1])
        taken = await run(hub, tmp_path / "again", [keys.recipient])
    assert image == b"an image"
    assert taken.blobs == 2
    assert verify(taken.folder, [keys.identity]).header.blobs == 2
