import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.audit.record import unseal
from app.audit.tables import audit_record
from app.backup import restore as restoring
from app.backup.export import pages
from app.backup.failures import Damaged, NotEmpty, OtherHub, OtherRelease, WrongIdentity
from app.backup.manifest import Manifest
from app.backup.restore import restore
from app.backup.run import run
from app.db import migrate, version
from app.db.migrate import upgrade
from app.settings import Settings
from fhir.store.tables import resource
from tests.backups import Backup, KeyPair, a_key_pair, keep_blob, served
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio


class Writers:
    """Clients that go on writing, and what the hub acknowledged to them, and when."""

    def __init__(self, world: World, caller: dict[str, str]) -> None:
        self.acknowledged: dict[str, tuple[int, bytes]] = {}
        self.caller = caller
        self._world = world
        self._stopping = False
        self._written = asyncio.Semaphore(0)

    async def _write(self) -> None:
        patient = await self._world.post(self.caller, a_patient())
        number = 0
        while not self._stopping:
            number += 1
            value = {"value": number, "unit": "%"}
            body = an_observation(patient["id"], valueQuantity=value)
            response = await self._world.http.post("/fhir/Observation", headers=self.caller, json=body)
            assert response.status_code == 201
            address = f"/fhir/Observation/{response.json()['id']}"
            self.acknowledged[address] = (self._world.hub.clock(), response.content)
            self._written.release()

    async def _more(self, count: int) -> None:
        """Wait until `count` more writes are acknowledged."""
        for _ in range(count):
            await self._written.acquire()

    async def during(self, folder: Path, keys: KeyPair) -> Manifest:
        """Take a backup while three clients write; return its manifest."""
        tasks = [asyncio.create_task(self._write()) for _ in range(3)]
        await self._more(20)
        taken = await run(self._world.hub, folder, [keys.recipient])
        self._written = asyncio.Semaphore(0)
        await self._more(5)
        self._stopping = True
        await asyncio.gather(*tasks)
        return restoring.open_backup(taken.folder, [keys.identity]).manifest


async def test_what_was_acknowledged_before_a_backup_under_load_comes_back_byte_for_byte(
    world: World, keys: KeyPair, empty: Settings, tmp_path: Path
) -> None:
    writers = Writers(world, await world.client("hospital-a"))
    image = await keep_blob(world.hub, 1, b"an image")
    manifest = await writers.during(tmp_path / "backups", keys)

    await restore(empty, tmp_path / "backups", [keys.identity])

    before = {address: body for address, (at, body) in writers.acknowledged.items() if at < manifest.taken}
    async with served(empty) as (hub, http):
        found = {address: (await http.get(address, headers=writers.caller)).content for address in before}
        patients = (await http.get("/fhir/Patient?_summary=count", headers=writers.caller)).json()["total"]
        octets = await hub.blobs.read(1, image)
    assert 20 <= len(before) < len(writers.acknowledged)
    assert found == before
    assert patients == 3
    assert octets == b"an image"


async def test_the_restored_log_goes_on_and_says_that_it_was_restored(
    world: World, keys: KeyPair, empty: Settings, tmp_path: Path
) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_patient())
    taken = await run(world.hub, tmp_path / "backups", [keys.recipient])

    await restore(empty, tmp_path / "backups", [keys.identity])

    async with served(empty) as (hub, http):
        assert (await http.get("/fhir/Patient", headers=hospital)).json()["total"] == 1
        again = await run(hub, tmp_path / "again", [keys.recipient])
        async with hub.database.snapshot() as snapshot:
            records = [bytes(row[1]) async for page in pages(snapshot, audit_record) for row in page]
        # Only the restored keys open the restored records.
        events = [unseal(record, hub.audit.keys) for record in records]
    (restored,) = [one for one in events if one.interaction == "restore"]
    assert restored.description is not None
    assert taken.folder.name in restored.description
    assert again.key == taken.key
    assert again.audit.size > taken.audit.size


@pytest.fixture
def target(tmp_path: Path) -> Settings:
    """Settings of a machine on which nothing was installed yet, with SQLite."""
    return Settings(home=tmp_path / "target", cookie_secure=False)


def _tables(settings: Settings) -> dict[str, int]:
    with closing(sqlite3.connect(settings.sqlite_path)) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


async def test_a_database_that_holds_something_is_left_alone(world: World, small_backup: Backup) -> None:
    await world.post(await world.client("hospital-a"), a_patient())

    with pytest.raises(NotEmpty, match="The database is not empty"):
        await restore(world.hub.settings, small_backup.folder, [small_backup.keys.identity])

    rows = await world.hub.database.reader.fetch(resource.select(), {})
    assert len(rows) == 1


async def test_a_database_that_was_only_migrated_is_filled(settings: Settings, small_backup: Backup) -> None:
    restored = await restore(settings, small_backup.folder, [small_backup.keys.identity])

    assert restored.manifest.blobs == 2


async def test_a_database_of_another_release_or_program_is_left_alone(target: Settings, small_backup: Backup) -> None:
    target.home.mkdir()
    with closing(sqlite3.connect(target.sqlite_path)) as raw:
        raw.execute("CREATE TABLE somebody_elses (value)")

    with pytest.raises(NotEmpty, match="but not those of migration"):
        await restore(target, small_backup.folder, [small_backup.keys.identity])


async def test_other_keys_are_not_overwritten(target: Settings, small_backup: Backup) -> None:
    target.keys_folder.mkdir(parents=True)
    (target.keys_folder / "audit-master").write_text("another hub's")

    with pytest.raises(NotEmpty, match="audit-master is another key than the backup's"):
        await restore(target, small_backup.folder, [small_backup.keys.identity])

    assert (target.keys_folder / "audit-master").read_text() == "another hub's"


async def test_another_identity_restores_nothing(target: Settings, small_backup: Backup) -> None:
    with pytest.raises(WrongIdentity):
        await restore(target, small_backup.folder, [a_key_pair().identity])

    assert not target.home.exists()


async def test_a_damaged_backup_restores_nothing(target: Settings, backup_copy: Backup) -> None:
    (backup_copy.folder / "000001.age").unlink()

    with pytest.raises(Damaged, match=r"000001\.age is missing"):
        await restore(target, backup_copy.folder, [backup_copy.keys.identity])

    assert not target.home.exists()


async def test_a_backup_of_a_later_release_is_refused(
    target: Settings, small_backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "revisions", lambda: frozenset({"0000"}))

    with pytest.raises(OtherRelease, match="which this release lacks"):
        await restore(target, small_backup.folder, [small_backup.keys.identity])


async def test_a_hub_of_another_name_is_not_restored_to(target: Settings, small_backup: Backup) -> None:
    other = target.model_copy(update={"audit_origin": "other.example/audit"})

    with pytest.raises(OtherHub, match=r"The audit log is renkei.example/audit, RENKEI_AUDIT_ORIGIN is other.example"):
        await restore(other, small_backup.folder, [small_backup.keys.identity])

    assert not target.home.exists()


@pytest.fixture
def later_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A release that has one migration more than the backup knows."""
    migrations = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, migrations)
    (migrations / "versions" / "later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f'revision = "later"\ndown_revision = "{version.head()}"\n\n'
        "def upgrade() -> None:\n"
        "    op.add_column('organisation', sa.Column('region', sa.Text, nullable=False, server_default='here'))\n"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", migrations)
    monkeypatch.setattr(version, "VERSIONS", migrations / "versions")
    for cached in (version.head, version.revisions):
        cached.cache_clear()
    yield
    for cached in (version.head, version.revisions):
        cached.cache_clear()


async def test_an_older_backup_is_restored_and_brought_to_this_release(
    later_release: None, target: Settings, small_backup: Backup
) -> None:
    restored = await restore(target, small_backup.folder, [small_backup.keys.identity])

    with closing(sqlite3.connect(target.sqlite_path)) as raw:
        regions = raw.execute("SELECT DISTINCT region FROM organisation").fetchall()
        revision = raw.execute("SELECT version_num FROM alembic_version").fetchall()
    assert restored.manifest.revision != "later"
    assert (regions, revision) == ([("here",)], [("later",)])


async def test_a_restore_that_was_interrupted_is_run_again(
    target: Settings, small_backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(what: str, done: int) -> None:
        if what == "resource_version":
            raise KeyError("the power is gone")

    with pytest.raises(KeyError, match="the power is gone"):
        await restore(target, small_backup.folder, [small_backup.keys.identity], progress=interrupted)
    left = _tables(target)

    await restore(target, small_backup.folder, [small_backup.keys.identity])

    assert (left["resource"], left["audit_record"], left["epoch"]) == (0, 0, 1)
    assert _tables(target)["resource"] == 2


async def test_a_row_that_does_not_arrive_is_noticed(target: Settings, small_backup: Backup) -> None:
    await asyncio.to_thread(upgrade, target)
    with closing(sqlite3.connect(target.sqlite_path)) as raw:
        raw.execute("CREATE TRIGGER swallow BEFORE INSERT ON resource BEGIN SELECT RAISE(IGNORE); END")

    with pytest.raises(Damaged, match="resource has 0 rows after loading, the backup has 2"):
        await restore(target, small_backup.folder, [small_backup.keys.identity])

    assert _tables(target)["resource_version"] == 0


async def test_an_audit_record_that_arrives_altered_is_named(target: Settings, small_backup: Backup) -> None:
    await asyncio.to_thread(upgrade, target)
    with closing(sqlite3.connect(target.sqlite_path)) as raw:
        raw.execute("DROP TRIGGER audit_record_no_update")
        raw.execute(
            "CREATE TRIGGER alter_one AFTER INSERT ON audit_record"
            " WHEN (SELECT count(*) FROM audit_record) = 3"
            " BEGIN UPDATE audit_record SET record = x'00' WHERE row = NEW.row; END"
        )

    with pytest.raises(Damaged, match="record 2 was altered"):
        await restore(target, small_backup.folder, [small_backup.keys.identity])

    assert _tables(target)["resource"] == 0


async def test_a_blob_that_does_not_decrypt_leaves_nothing_half_written(
    target: Settings, backup_copy: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = restoring.check(backup_copy.folder, None, lambda *_: None)
    monkeypatch.setattr(restoring, "check", lambda *_: header)  # the blob is damaged after it was checked
    for path in (backup_copy.folder.parent / "blobs").rglob("*.age"):
        path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(Damaged, match="does not decrypt"):
        await restore(target, backup_copy.folder, [backup_copy.keys.identity])

    assert [path for path in (target.home / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../x", "clients/../../x"])
async def test_a_backup_cannot_write_outside_the_keys_folder(tmp_path: Path, keys: KeyPair, name: str) -> None:
    with pytest.raises(Damaged, match="outside the keys folder"):
        restoring._inside(tmp_path, name)
