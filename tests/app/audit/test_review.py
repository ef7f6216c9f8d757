import re

import orjson
import pytest
from sqlalchemy import select

from app.audit.desk.tables import audit_failure
from app.audit.keys import Keys
from app.audit.pointer import follow
from app.audit.record import Event, search_keys, year_of
from app.audit.review import Question, Reviewer, failures_of, state
from app.audit.tables import audit_index, audit_pointer, audit_record, audit_salt
from app.clock import row_at, row_time
from app.db.postgresql import PostgresqlDatabase
from tests.desk import a_grown_log, canonical
from tests.fhir.search.test_plans import explained
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def ask(
    world: World, *, reviewer: Reviewer | None = None, limit: int = 100, before: int | None = None, **asked: object
):
    await world.hub.leader.integrate_all()
    used = reviewer or Reviewer(world.hub.audit.keys)
    question = Question(**asked)
    return await used.ask(world.hub.database.reader, question, now=world.hub.clock(), limit=limit, before=before)


def an_event(world: World, **fields: object) -> Event:
    return Event(**{"recorded": world.hub.clock(), "action": "R", "interaction": "read", **fields})


async def test_records_come_newest_first_with_their_details(world: World) -> None:
    await world.hub.audit.append([an_event(world, user="a", description="one")])
    await world.hub.audit.append([an_event(world, user="b", description="two")])

    answer = await ask(world)

    assert [one.event.description for one in answer.entries] == ["two", "one"]
    assert answer.before is None


async def test_a_patients_record_opens_without_being_told_whose_it_is(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_patient())

    answer = await ask(world, patient=f"Patient/{patient}")

    assert [(one.event.interaction, one.event.patient) for one in answer.entries] == [("create", f"Patient/{patient}")]


async def test_an_erased_patients_record_shows_hmacs(world: World) -> None:
    await world.post(await world.client("hospital-a"), a_patient())
    async with world.hub.database.write() as connection:
        await connection.execute(audit_salt.delete(), {})

    (entry,) = (await ask(world)).entries

    assert entry.event.erased
    assert str(entry.event.patient).startswith("hmac:")


async def test_a_record_of_a_patient_nobody_has_shows_hmacs(world: World) -> None:
    await world.hub.audit.append([an_event(world, patient="Patient/gone", patient_key=77)])
    async with world.hub.database.write() as connection:
        await connection.execute(audit_pointer.delete(), {})
    reviewer = Reviewer(world.hub.audit.keys)

    for _ in range(2):
        (entry,) = (await ask(world, reviewer=reviewer)).entries

        assert entry.event.erased


async def test_a_pointer_that_was_erased_leads_to_nobody_and_needs_no_search(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.hub.audit.append([an_event(world, patient="Patient/gone", patient_key=77)])
    async with world.hub.database.write() as connection:
        await connection.execute(audit_pointer.update().values(pointer=b""), {})
    monkeypatch.delattr(Reviewer, "_learn")

    (entry,) = (await ask(world)).entries

    assert entry.event.erased


async def test_records_of_patients_open_without_a_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    patients = [(await world.post(hospital, a_patient()))["id"] for _ in range(3)]
    await world.hub.audit.append([an_event(world)])
    monkeypatch.delattr(Reviewer, "_learn")

    answer = await ask(world)

    assert {one.event.patient for one in answer.entries} == {*(f"Patient/{id_}" for id_ in patients), None}


async def test_records_of_an_earlier_release_are_opened_by_a_search(world: World) -> None:
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    await world.hub.audit.append([an_event(world)])
    async with world.hub.database.write() as connection:
        await connection.execute(audit_pointer.delete(), {})

    answer = await ask(world, patient=f"Patient/{patient}")

    assert [one.event.patient for one in answer.entries] == [f"Patient/{patient}"]


async def test_a_record_that_cannot_be_read_is_shown_as_one_and_hides_no_other(world: World) -> None:
    await world.hub.audit.append([an_event(world, user="a")])
    await world.hub.leader.integrate_all()
    ((record,),) = await world.hub.database.reader.fetch(select(audit_record.c.record), {})
    members = orjson.loads(bytes(record))
    await a_grown_log(world, canonical(members | {"o": "8"}), canonical(members | {"k": 0}), b"{}")

    entries = (await ask(world)).entries

    assert [one.event.user for one in entries] == [None, None, None, "a"]
    assert {one.event.interaction for one in entries[:3]} == {"unreadable-record"}
    assert [one.event.entities for one in entries[:3]] == [(f"AuditEvent/{one.row}",) for one in entries[:3]]


async def test_a_pointer_tells_nothing_without_the_master_key(world: World) -> None:
    await world.hub.audit.append([an_event(world, patient="Patient/1", patient_key=77)])
    ((hash_, pointer),) = await world.hub.database.reader.fetch(select(audit_pointer), {})
    keys, year = world.hub.audit.keys, year_of(world.hub.clock())

    assert follow(keys, hash_, bytes(pointer), year, 1) == 77
    assert follow(keys, hash_ ^ 1, bytes(pointer), year, 1) is None
    assert follow(Keys({1: b"x" * 32}), hash_, bytes(pointer), year, 1) is None
    assert follow(keys, hash_, b"", year, 1) is None


async def test_many_pointers_of_writes_alone_are_written_by_a_flush_of_their_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.audit.log.MOST_POINTERS", 2)
    log = world.hub.audit
    for number in (1, 2):
        async with world.hub.database.write() as connection:
            await log.stage(connection, [an_event(world, patient=f"Patient/{number}", patient_key=number)])
    await world.hub.audit.append([])

    assert len(await world.hub.database.reader.fetch(select(audit_pointer.c.hash), {})) == 2
    assert log.sealer.pointers == {}


async def test_a_site_is_found_as_the_one_that_asked_and_as_the_one_that_answered(world: World) -> None:
    here, there = "Organization/clinic-c", "Organization/hospital-a"
    await world.hub.audit.append(
        [
            an_event(world, organisation=here, custodian=there),
            an_event(world, organisation=there),
            an_event(world, user="x"),
        ]
    )

    assert len((await ask(world, site=there)).entries) == 2
    assert len((await ask(world, site=here)).entries) == 1
    assert len((await ask(world, site=here, user="x")).entries) == 0


async def test_time_is_half_open(world: World) -> None:
    await world.hub.audit.append([an_event(world)])
    (entry,) = (await ask(world)).entries
    made = row_time(entry.row)

    assert len((await ask(world, begins=made, ends=made + 1_000)).entries) == 1
    assert len((await ask(world, begins=made + 1_000)).entries) == 0
    assert len((await ask(world, ends=made)).entries) == 0


async def test_pages_go_on_where_the_last_one_ended(world: World) -> None:
    await world.hub.audit.append([an_event(world, description=str(number)) for number in range(5)])

    first = await ask(world, limit=2)
    second = await ask(world, limit=2, before=first.before)
    third = await ask(world, limit=2, before=second.before)

    pages = [[one.event.description for one in page.entries] for page in (first, second, third)]
    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    assert third.before is None


async def test_a_reviewer_forgets_when_it_knows_too_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audit.review.MOST_KNOWN", 0)
    monkeypatch.setattr("app.audit.review.BATCH", 1)
    reviewer = Reviewer(world.hub.audit.keys)
    hospital = await world.client("hospital-a")
    for _ in range(3):
        await world.post(hospital, a_patient())

    for _ in range(2):
        answer = await ask(world, reviewer=reviewer)
        assert [one.event.erased for one in answer.entries] == [False, False, False]


async def test_an_empty_log_has_an_empty_state(world: World) -> None:
    found = await state(world.hub.database.reader)

    assert (found.size, found.checkpoint_size, found.signed, found.note) == (0, 0, 0, "")
    assert (await ask(world, user="x")).entries == []


async def test_the_state_is_that_of_the_last_checkpoint(world: World) -> None:
    await world.hub.audit.append([an_event(world), an_event(world)])
    await world.hub.leader.integrate_all()

    found = await state(world.hub.database.reader)

    assert (found.size, found.checkpoint_size) == (2, 2)
    assert found.note.startswith(f"{world.hub.settings.audit_origin}\n2\n")


def test_search_keys_cover_every_year_and_key() -> None:
    keys = Keys({1: b"a" * 32, 2: b"b" * 32})

    assert len(set(search_keys("patient", "Patient/1", keys, range(2025, 2028)))) == 6


def test_a_row_number_says_when_it_was_given() -> None:
    assert row_time(row_at(1_800_000_000_123_456)) == 1_800_000_000_123_000
    assert row_at(0) == 0
    assert row_at(2**62) < 2**63


YEAR = 366 * 86_400_000_000


@pytest.mark.parametrize("field", [{}, {"patient": "Patient/1"}, {"user": "a"}, {"site": "Organization/x"}])
@pytest.mark.parametrize("failures", [False, True])
async def test_a_time_without_any_record_has_an_empty_answer(
    world: World, field: dict[str, str], failures: bool
) -> None:
    await world.hub.audit.append([an_event(world, user="a")])
    now = world.hub.clock()

    for times in ({"ends": now - 6 * YEAR}, {"begins": now + YEAR}, {"begins": now + YEAR, "ends": now + 2 * YEAR}):
        answer = await ask(world, failures=failures, **times, **field)

        assert (list(answer.entries), answer.before) == ([], None)


async def test_a_question_that_begins_long_ago_names_only_years_that_have_records(world: World) -> None:
    await world.hub.audit.append([an_event(world, user="a")])
    reviewer = Reviewer(world.hub.audit.keys)
    reader, now = world.hub.database.reader, world.hub.clock()

    assert len(await reviewer._years(reader, Question(user="a", begins=1), now)) == 1
    assert len((await ask(world, agent="a", begins=1)).entries) == 1


async def test_failures_of_somebody_are_found_from_what_failed(world: World) -> None:
    """A site has millions of records, and few of them failed: none of the site's own is read one by one."""
    async with world.hub.database.write() as connection:
        rows = range(1, 4_001)
        await connection.insert(audit_index, [(kind, row % 7, row) for kind in (1, 3, 5) for row in rows])
        await connection.insert(audit_failure, [(row,) for row in rows if row % 4 == 0])
    if isinstance(world.hub.database, PostgresqlDatabase):
        async with world.hub.database._pool.acquire() as raw:
            await raw.execute("ANALYZE audit_index, audit_failure")

    plan = "\n".join(await explained(world.hub, failures_of((("patient", 2), ("site", 2)))))

    assert re.search(r"(SEARCH|Index Only Scan Backward using audit_failure_pkey on) audit_failure", plan), plan
    key = r"SEARCH audit_index USING PRIMARY KEY \(kind=\? AND hash=\? AND row=\?\)"
    key += r"|Index Cond: \(\(kind = .*hash = .*\"row\" = audit_failure\.\"row\""
    assert len(re.findall(key, plan)) == len(re.findall(r"(SEARCH|on) audit_index\b", plan)) == 2, plan
    assert not re.search(r"SCAN audit|Seq Scan|Hash Join|Merge|Materialize", plan), plan
