from time import monotonic

import orjson
import pytest
from sqlalchemy import select

from app.audit.desk import kinds, watch
from app.audit.desk.flags import Wanted, flags
from app.audit.desk.noticed import forget
from app.audit.desk.tables import audit_failure, audit_flag, audit_noticed
from app.audit.desk.watch import look, look_through, looked_until, place
from app.audit.keys import UnknownKey
from app.audit.record import Event, UnknownVersion
from app.audit.review import Reviewer
from app.audit.tables import audit_record, audit_salt, audit_stage
from app.clock import DAY, row_at, row_time
from app.settings import Settings
from fhir.store.labels import ACT_CODE
from tests.desk import Known, a_grown_log, a_known, a_look, at, canonical, kinds_after, looked
from tests.portal import an_account
from tests.world import World, running

pytestmark = pytest.mark.anyio

OTHER = {"name": [{"family": "佐々木", "given": ["次郎"]}]}


async def test_an_ordinary_access_is_not_flagged_but_for_its_being_the_first(world: World) -> None:
    patient = await a_known(world)

    found = await looked(world, a_look(world, patient), a_look(world, patient))

    assert [(one.kind, one.reason) for one in found] == [("first-access", {})]
    assert found[0].event is not None
    assert (found[0].event.user, found[0].event.patient) == ("tanaka", patient.reference)


async def test_the_own_sites_records_are_no_first_access(world: World) -> None:
    patient = await a_known(world, "clinic-c")

    assert await looked(world, a_look(world, patient)) == []


async def test_a_colleagues_record_is_flagged(world: World) -> None:
    await an_account(world, "clinic-c", "nurse", name="sasaki")
    async with world.hub.database.write() as connection:
        from app.access.tables import account

        await connection.execute(account.update().values(title="佐々木 次郎"), {})
    colleague, other = await a_known(world, **OTHER), await a_known(world)
    elsewhere = a_look(world, colleague, "suzuki", organisation="Organization/clinic-d")

    found = await kinds_after(world, a_look(world, colleague), a_look(world, other), elsewhere)

    assert found == [("colleague", "tanaka")]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("佐々木 次郎", ["colleague", "family-name"]),
        ("佐々木 三郎", ["family-name"]),
        ("佐藤 次郎", []),
    ],
)
async def test_the_own_name_and_the_own_family_name_are_flagged(world: World, name: str, found: list[str]) -> None:
    patient = await a_known(world, **OTHER)

    flagged = await kinds_after(world, a_look(world, patient, user_name=name))

    assert [kind for kind, _ in flagged] == found


async def test_an_employee_by_label_is_a_colleague_at_the_own_site(world: World) -> None:
    employee = await a_known(world, "clinic-c", meta={"security": [{"system": ACT_CODE, "code": "EMP"}]})
    elsewhere = a_look(world, employee, "suzuki", organisation="Organization/clinic-d")

    assert await kinds_after(world, a_look(world, employee), elsewhere) == [("colleague", "tanaka")]


async def test_somebody_important_is_flagged_once_for_each_person_and_day(world: World) -> None:
    star = await a_known(world, meta={"security": [{"system": ACT_CODE, "code": "CEL"}]})
    yesterday = a_look(world, star, recorded=at(world, 12, days_ago=1))

    found = await kinds_after(world, yesterday, a_look(world, star), a_look(world, star), a_look(world, star, "suzuki"))

    assert found == [("vip", "tanaka"), ("vip", "tanaka"), ("vip", "suzuki")]


async def test_out_of_hours_is_flagged_once_for_each_person_and_day(world: World) -> None:
    patient = await a_known(world)
    night = [a_look(world, patient, recorded=at(world, hour)) for hour in (2.25, 3, 21.9, 22)]

    found = [one for one in await looked(world, *night) if one.kind == "out-of-hours"]

    assert [one.reason for one in found] == [{"at": "02:15", "usual": "06:00-22:00"}]


async def _patients(world: World, count: int) -> list[Known]:
    return [await a_known(world, birthDate=f"19{number + 10}-01-01") for number in range(count)]


async def test_many_patients_by_one_person_are_flagged_once_a_day(settings: Settings) -> None:
    async with running(settings.model_copy(update={"flag_patients_per_day": 2})) as world:
        patients = await _patients(world, 5)
        looks = [a_look(world, one) for one in patients[:2]]

        assert await kinds_after(world, *looks, *looks) == []
        assert await kinds_after(world, *(a_look(world, one) for one in patients)) == [("many-patients", "tanaka")]
        reason = [one.reason for one in await looked(world) if one.kind == "many-patients"]
        assert reason == [{"by": "day", "usual": 2}]


async def test_one_patient_seen_by_many_is_flagged_once_a_day(settings: Settings) -> None:
    async with running(settings.model_copy(update={"flag_people_per_day": 2})) as world:
        patient = await a_known(world)
        looks = [a_look(world, patient, user) for user in ("a", "b", "a", "c", "d")]

        assert await kinds_after(world, *looks) == [("many-people", "c")]


async def test_break_glass_is_flagged_once_for_each_case(world: World) -> None:
    one, other = await a_known(world), await a_known(world, "hospital-b")
    case = [a_look(world, patient, interaction="break-glass", action="E") for patient in (one, other)]
    again = a_look(world, one, interaction="break-glass", action="E", recorded=at(world, 13))

    assert await kinds_after(world, *case, again) == [("break-glass", "tanaka")] * 2


async def test_what_the_hub_itself_has_warned_of_is_flagged(world: World) -> None:
    warning = Event(world.hub.clock(), "E", "many-persons", outcome="4", user="tanaka")

    found = await looked(world, warning)

    assert [(one.kind, one.reason) for one in found] == [("many-patients", {"by": "hour"})]


async def test_kinds_that_the_setting_does_not_name_are_not_flagged(settings: Settings) -> None:
    async with running(settings.model_copy(update={"flag_kinds": "vip"})) as world:
        patient = await a_known(world, **OTHER)

        assert await looked(world, a_look(world, patient, user_name="佐々木 三郎", recorded=at(world, 3))) == []


async def test_old_records_are_remembered_and_raise_no_flags(world: World) -> None:
    patient = await a_known(world)
    old = a_look(world, patient, recorded=at(world, 3, days_ago=40))

    assert await looked(world, old) == []
    assert await looked(world, a_look(world, patient)) == []


async def test_it_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PORTION", 3)
    patient = await a_known(world)
    await world.hub.audit.append([a_look(world, patient, f"user{number}") for number in range(5)])
    await world.hub.leader.integrate_all()
    hub = world.hub

    first = await look(hub, Reviewer(hub.audit.keys))
    between = await place(hub.database.reader)
    # As after a start: nothing is remembered but what the database has.
    rest = await look_through(hub, Reviewer(hub.audit.keys))

    assert (first, between) == (3, 3)
    assert first + rest == await place(hub.database.reader)
    assert len(await looked(world)) == 5
    assert await look_through(hub, Reviewer(hub.audit.keys)) == 0


async def test_of_two_that_look_at_once_one_does_the_work(world: World) -> None:
    patient = await a_known(world)
    await world.hub.audit.append([a_look(world, patient)])
    await world.hub.leader.integrate_all()

    class Slow(Reviewer):
        async def open(self, connection, records):  # type: ignore[no-untyped-def]
            await look_through(world.hub, Reviewer(world.hub.audit.keys))
            return await super().open(connection, records)

    assert await look(world.hub, Slow(world.hub.audit.keys)) == 0
    assert len(await looked(world)) == 1


async def test_what_failed_is_found_by_the_index(world: World) -> None:
    patient = await a_known(world)

    await looked(world, a_look(world, patient, outcome="4"), a_look(world, patient))

    ((row,),) = await world.hub.database.reader.fetch(select(audit_failure.c.row), {})
    ((record,),) = await world.hub.database.reader.fetch(
        select(audit_record.c.record).where(audit_record.c.row == row), {}
    )
    assert b'"o":"4"' in bytes(record)


async def test_the_tables_say_neither_who_nor_whose(world: World) -> None:
    patient = await a_known(world, **OTHER)

    await looked(world, a_look(world, patient, user_name="佐々木 三郎"))

    reader = world.hub.database.reader
    stored = repr([list(row) for table in (audit_flag, audit_noticed) for row in await reader.fetch(select(table), {})])
    for secret in ("tanaka", "佐々木", patient.id, str(patient.key)):
        assert secret not in stored


async def test_a_flag_says_no_more_once_the_details_are_erased(world: World) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient))
    async with world.hub.database.write() as connection:
        await connection.execute(audit_salt.delete(), {})

    (flag,), _ = await flags(
        world.hub.database.reader, Reviewer(world.hub.audit.keys), Wanted(patients=[patient.reference]), limit=5
    )

    assert flag.event is not None
    assert flag.event.erased
    assert flag.event.user_name is None


async def _days(world: World) -> set[int]:
    return {day for (day,) in await world.hub.database.reader.fetch(select(audit_noticed.c.day), {})}


async def test_what_was_noticed_is_forgotten_but_for_the_sites(world: World) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient, recorded=at(world, 3)))

    today, left = kinds.day_of(world.hub.clock()), []
    for later in (0, 3, 4):
        async with world.hub.database.write() as connection:
            await forget(connection, today + later)
        left.append(await _days(world))

    assert left == [{0, today}, {0, today}, {0}]


async def test_the_day_that_another_process_looks_through_is_not_forgotten(world: World) -> None:
    patient, today = await a_known(world), kinds.day_of(world.hub.clock())
    await world.hub.audit.append([a_look(world, patient, recorded=at(world, 3, days_ago=9))])
    await world.hub.leader.integrate_all()
    async with world.hub.database.write() as connection:
        await connection.insert(audit_stage, [(row_at(at(world, 1, days_ago=9)),)])

    assert await look_through(world.hub, Reviewer(world.hub.audit.keys)) > 0

    assert await _days(world) == {0, today - 9}


async def _two_records(world: World) -> list[bytes]:
    """Put a warning and an access in the tree, and return their records."""
    warning = Event(world.hub.clock(), "E", "many-persons", outcome="4", user="tanaka")
    await world.hub.audit.append([warning, a_look(world, await a_known(world), "suzuki")])
    await world.hub.leader.integrate_all()
    rows = await world.hub.database.reader.fetch(select(audit_record.c.record).order_by(audit_record.c.row), {})
    return [bytes(record) for (record,) in rows if b'"u":' in bytes(record)]


async def test_a_record_that_cannot_be_read_is_stepped_over(world: World, caplog: pytest.LogCaptureFixture) -> None:
    one, other = await _two_records(world)
    members = orjson.loads(one)
    altered, of_no_key = canonical(members | {"o": "8"}), canonical(members | {"k": 0})
    size = await a_grown_log(world, altered, b"\xff", b"[]", of_no_key, other)

    await look_through(world.hub, Reviewer(world.hub.audit.keys))

    reader = world.hub.database.reader
    assert await place(reader) == size
    found, _ = await flags(reader, Reviewer(world.hub.audit.keys), Wanted(state="all"), limit=9)
    assert [one.event and one.event.user for one in found] == ["suzuki", "tanaka"]
    assert caplog.text.count("is not looked through") == 2
    assert len(await reader.fetch(select(audit_failure.c.row), {})) == 5


@pytest.mark.parametrize(("of_later", "error"), [({"v": 2}, UnknownVersion), ({"k": 9}, UnknownKey)])
async def test_what_a_later_process_wrote_waits_for_one_that_reads_it(
    world: World, of_later: dict[str, int], error: type[Exception]
) -> None:
    one, _ = await _two_records(world)
    await a_grown_log(world, canonical(orjson.loads(one) | of_later))

    with pytest.raises(error):
        await look_through(world.hub, Reviewer(world.hub.audit.keys))

    assert await place(world.hub.database.reader) is None


@pytest.mark.parametrize("of_later", [{"v": 2}, {"k": 9}])
async def test_what_nobody_reads_within_an_hour_is_stepped_over(world: World, of_later: dict[str, int]) -> None:
    one, _ = await _two_records(world)
    an_hour_ago = row_at(world.hub.clock() - 3_700_000_000)
    size = await a_grown_log(world, canonical(orjson.loads(one) | of_later), row=an_hour_ago)

    await look_through(world.hub, Reviewer(world.hub.audit.keys))

    assert await place(world.hub.database.reader) == size


async def test_requests_have_time_between_full_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PORTION", 1)
    monkeypatch.setattr(watch, "REST_SECONDS", 0.05)
    await _two_records(world)
    began = monotonic()

    done = await look_through(world.hub, Reviewer(world.hub.audit.keys))

    assert monotonic() - began >= done * 0.05 >= 0.1


async def test_the_log_is_looked_through_until_what_waits_for_the_tree(world: World) -> None:
    patient, reader = await a_known(world), world.hub.database.reader
    await looked(world)
    now = world.hub.clock()
    assert await looked_until(reader, now) == now

    await world.hub.audit.append([a_look(world, patient)])
    ((row,),) = await reader.fetch(select(audit_stage.c.row), {})

    assert await looked_until(reader, now + DAY) == row_time(row)
    await world.hub.leader.integrate_all()
    assert await looked_until(reader, now + DAY) == row_time(row)
    await looked(world)
    assert await looked_until(reader, now + DAY) == now + DAY
