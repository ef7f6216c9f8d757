from pathlib import Path

import pytest

from app.backup.restore import restore
from app.backup.run import run
from app.settings import Settings
from tests.app.backup.conftest import KeyPair
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def test_a_backup_restores_on_either_database(
    world: World, keys: KeyPair, empty: Settings, tmp_path: Path
) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_patient())
    taken = await run(world.hub, tmp_path / "backups", [keys.recipient])

    restored = await restore(empty, tmp_path / "backups", [keys.identity])

    assert restored.manifest.audit == taken.audit
