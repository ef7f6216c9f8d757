"""The second log: what happens in an emergency is on another disk before its answer, and nothing of it is lost."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.audit.batch import AuditUnavailable
from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.record import Event, parse
from app.audit.second import take_up
from app.audit.second.compare import compare, compare_export
from app.audit.second.entries import ACCESS, ACT, Entry, MalformedEntry, entries, files, line
from app.audit.second.take_up import FAILING
from app.audit.second.write import SecondLog
from app.audit.tree import leaf_hash
from app.clock import now, row_at
from app.lifecycle import audit_keys
from app.settings import Settings
from tests.app.audit.test_at_work import query, recorded, unwritable
from tests.asgi import call
from tests.glass import Known, a_known_person, break_glass, reads
from tests.portal import Browser, signed_in
from tests.world import World, running

pytestmark = pytest.mark.anyio


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return tmp_path / "other-disk"


@pytest.fixture
async def world(settings: Settings, second: Path) -> AsyncIterator[World]:
    chosen = settings.model_copy(update={"break_glass_log": second, "audit_wait_seconds": 1.0})
    async with running(chosen) as made:
        yield made


@pytest.fixture
async def known(world: World) -> Known:
    return await a_known_person(world)


@pytest.fixture
async def doctor(world: World, known: Known) -> Browser:
    """A doctor who has broken the glass."""
    browser = await signed_in(world, "clinic-c")
    assert (await break_glass(browser, known.here)).status_code == 303
    return browser


async def records(settings: Settings) -> list[bytes]:
    return [bytes(one) for (one,) in await query(settings, "SELECT record FROM audit_record ORDER BY row")]


async def take_up_all(world: World) -> int:
    """Take up every line, however young."""
    assert world.hub.taking_up is not None
    world.hub.taking_up._patience = -1_000_000
    return await world.hub.taking_up.run()


async def test_what_happens_in_an_emergency_is_in_both_logs_before_the_answer(
    settings: Settings, world: World, known: Known, doctor: Browser, second: Path
) -> None:
    begun = list(entries(second))
    at_first_byte: list[Entry] = []

    async def look() -> None:
        at_first_byte.extend(entries(second))

    cookie = "; ".join(f"{name}={value}" for name, value in doctor.http.cookies.items())
    address = f"/fhir/Observation/{known.ordinary}"
    answer = await call(world.app, "GET", address, {"Cookie": cookie}, before_first_byte=look)
    others = await world.http.get(address, headers=await world.client("hospital-a"))

    assert (answer.status, others.status_code) == (200, 200)
    assert [(entry.kind, parse(entry.record)["i"]) for entry in begun] == [(ACT, "break-glass")] * 2
    assert [(entry.kind, parse(entry.record)["i"]) for entry in at_first_byte[2:]] == [(ACCESS, "read")]
    assert list(entries(second)) == at_first_byte
    assert {entry.record for entry in at_first_byte} <= set(await records(settings))
    assert [path.stat().st_mode & 0o777 for path in files(second)] == [0o600]
    assert "山田".encode() not in b"".join(entry.record for entry in at_first_byte)


async def test_an_emergency_goes_on_while_the_log_cannot_be_written_and_is_taken_up(
    settings: Settings, world: World, known: Known, doctor: Browser, second: Path, tmp_path: Path
) -> None:
    hospital = await world.client("hospital-a")
    async with unwritable(settings):
        answers = await reads(doctor, known.ordinary)
        other = await world.http.get(f"/fhir/Observation/{known.ordinary}", headers=hospital)
    before = await records(settings)
    only = list(entries(second))[-1]
    taken = await take_up_all(world)
    again = await take_up_all(world)
    await world.hub.leader.integrate_all()

    assert (answers, other.status_code) == ([200], 503)
    assert only.record not in before
    assert only.record in await records(settings)
    assert (taken, again) == (1, 0)
    told = [event for event in await recorded(settings) if event.interaction == "audit-taken-up"]
    assert [(one.patient, one.outcome, one.entities) for one in told] == [
        (f"Patient/{known.there}", "4", (f"AuditEvent/{only.row}",))
    ]
    assert told[0].user is not None
    assert f"GET /fhir/Observation/{known.ordinary}" in str(told[0].description)
    await _both_agree(world, tmp_path / "export", second, 3)


async def _both_agree(world: World, folder: Path, second: Path, both: int) -> None:
    _, signer = audit_keys(world.hub.settings)
    await export(world.hub.database, folder, signer.verifier)
    assert verify_export(folder, signer.verifier).ok
    found = compare_export(folder, second)
    assert (found.ok, found.both, found.lacking) == (True, both, [])


async def test_what_was_tried_and_not_done_is_told_and_not_recorded_as_done(
    settings: Settings, world: World, known: Known, doctor: Browser, second: Path
) -> None:
    hub = world.hub
    key = (await query(settings, "SELECT patient_key FROM break_glass"))[0][0]
    about = Event(now(), "E", "break-glass-ended", patient=f"Patient/{known.here}", patient_key=key, description="x")
    with pytest.raises(ZeroDivisionError):
        async with hub.database.write() as connection:
            await hub.audit.stage(connection, [about])
            raise ZeroDivisionError
    tried = list(entries(second))[-1]

    taken = [await take_up_all(world), await take_up_all(world)]

    assert taken == [1, 0]
    assert tried.record not in await records(settings)
    told = [event for event in await recorded(settings) if event.interaction == "audit-taken-up"]
    assert [(one.patient, one.outcome) for one in told] == [(f"Patient/{known.here}", "8")]
    assert str(told[0].description).endswith("was not done: x")
    assert await query(settings, "SELECT row, how FROM audit_taken_up") == [(tried.row, "not-done")]
    assert [event.interaction for event in await recorded(settings)].count("break-glass-ended") == 0


async def test_a_second_log_that_cannot_be_written_holds_no_emergency_up_and_is_caught_up(
    settings: Settings, world: World, known: Known, doctor: Browser, second: Path
) -> None:
    log = world.hub.audit.second
    assert log is not None
    # The disk is gone: the file that is open is another one's, and none can be made.
    assert log._descriptor is not None
    log._descriptor = None
    kept = second.rename(second.with_name("kept"))
    second.write_bytes(b"")

    answers = await reads(doctor, known.ordinary)
    health = (await world.http.get("/health")).json()
    second.unlink()
    kept.rename(second)
    log._again = 0.0
    await world.hub.audit.renew()

    assert answers == [200]
    assert health["notes"] == [FAILING]
    assert (await world.http.get("/health")).json() == {"status": "pass"}
    assert [entry.kind for entry in entries(second)] == [ACT, ACT, ACCESS]
    assert len(files(second)) == 2


async def test_without_either_log_an_emergency_is_refused(
    settings: Settings, world: World, known: Known, doctor: Browser, second: Path
) -> None:
    log = world.hub.audit.second
    assert log is not None
    log._descriptor = None
    second.rename(second.with_name("kept"))
    second.write_bytes(b"")

    async with unwritable(settings):
        answers = await reads(doctor, known.ordinary)

    assert answers == [503]


class Stuck(SecondLog):
    """A disk that answers nothing until it is let."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.let = threading.Event()

    def _append(self, octets: bytes, number: int) -> None:
        self.let.wait(30)
        super()._append(octets, number)


async def test_a_disk_that_hangs_is_waited_for_once_and_loses_nothing(tmp_path: Path) -> None:
    log = Stuck(tmp_path, wait_seconds=0.05)
    first = await log.write(ACCESS, [(1, b"{}")])
    at_once = await log.write(ACCESS, [(2, b"{}")])
    log.let.set()
    assert log._work is not None
    await log._work
    third = await log.write(ACCESS, [(3, b"{}")])
    await log.close()

    assert [type(first), type(at_once), third] == [AuditUnavailable, AuditUnavailable, None]
    # The first was written twice: nobody knew that it had been.
    assert [entry.row for entry in entries(tmp_path)] == [1, 1, 2, 3]


async def test_a_full_disk_leaves_whole_lines_only(tmp_path: Path) -> None:
    import resource

    log = SecondLog(tmp_path, wait_seconds=5)
    assert await log.write(ACCESS, [(1, b"x" * 100)]) is None
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limits[1]))
    try:
        refused = await log.write(ACCESS, [(2, b"y" * 100)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    whole = [entry.row for entry in entries(tmp_path)]
    await log.close()

    assert isinstance(refused, AuditUnavailable)
    assert whole == [1]
    assert [entry.row for entry in entries(tmp_path)] == [1, 2]
    assert len(files(tmp_path)) == 1


def a_record(at: int, interaction: str = "read") -> bytes:
    return b'{"a":"R","i":"%s","t":%d}' % (interaction.encode(), at)


def a_second_log(folder: Path, *found: tuple[int, str, bytes], torn: bytes = b"") -> None:
    folder.mkdir()
    (folder / "1-0.log").write_bytes(b"".join(line(*one) for one in found) + torn)


HOUR = 3_600_000_000


def test_an_access_that_the_log_lacks_is_a_fault_and_an_act_is_not(tmp_path: Path) -> None:
    times = [now() + number * HOUR for number in range(6)]
    a_second_log(
        tmp_path / "second",
        (row_at(times[1]), ACCESS, a_record(times[1])),
        (row_at(times[2]), ACCESS, a_record(times[2])),
        (row_at(times[3]), ACT, a_record(times[3], "break-glass")),
        (row_at(times[5]), ACCESS, a_record(times[5])),
        torn=b"12 access {",
    )
    log = [
        a_record(times[0], "break-glass"),
        a_record(times[1]),
        a_record(times[4], "break-glass-ended"),
        a_record(times[5] - 1),
    ]

    found = compare(log, tmp_path / "second")

    assert not found.ok
    assert (found.both, found.lacking, found.undone, found.younger, found.elsewhere) == (1, [row_at(times[2])], 1, 1, 1)
    assert f"the log lacks 1 accesses, first entry {row_at(times[2])}" in found.message


@pytest.mark.parametrize(
    "text",
    [b"x access {}", b"1 other {}", b"1 access", b"12345678901234567890 act {}", b"9223372036854775808 act {}", b""],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, text: bytes) -> None:
    a_second_log(tmp_path / "second", torn=text + b"\n")

    with pytest.raises(MalformedEntry):
        list(entries(tmp_path / "second"))


async def test_a_folder_that_cannot_be_read_is_told(world: World, second: Path) -> None:
    second.mkdir(exist_ok=True)
    (second / "0-0.log").write_bytes(b"nonsense\n")

    assert await take_up_all(world) == 0
    assert take_up.warnings(world.hub) == [FAILING]


def test_what_retention_has_removed_is_no_fault(tmp_path: Path) -> None:
    times = [now() + number * HOUR for number in range(4)]
    found = [(row_at(at), ACCESS, a_record(at)) for at in times[:3]]
    a_second_log(tmp_path / "second", *found)
    log = [a_record(at) for at in times[2:]]

    gone = compare(log, tmp_path / "second", [leaf_hash(a_record(at)) for at in times[:2]])
    cut = compare(log, tmp_path / "second", [leaf_hash(a_record(times[0]))])

    assert (gone.ok, gone.both) == (True, 3)
    assert (cut.ok, cut.both, cut.lacking) == (False, 2, [row_at(times[1])])


def test_a_line_that_cannot_be_read_is_counted_and_the_rest_compared(tmp_path: Path) -> None:
    first = now()
    a_second_log(tmp_path / "second", (row_at(first), ACCESS, a_record(first)), torn=b"nonsense\n")
    log = [a_record(first), a_record(first + HOUR)]

    found = compare(log, tmp_path / "second")

    assert (found.ok, found.both, found.lacking, found.damaged) == (False, 1, [], 1)
    assert "1 lines of the second log cannot be read" in found.message
