import io
import zipfile

import pytest
from sqlalchemy import select

from app.access.tables import account
from app.audit.desk.tables import account_patient, watched_patient
from app.audit.desk.watched import watched
from app.audit.tables import audit_salt
from app.identity.tables import person_patient
from app.portal.dates import moment
from app.portal.desk.own_log import what_of
from fhir.store.labels import DISCLOSURE
from tests.desk import Known, a_known, a_look, looked
from tests.portal import Browser, recorded, signed_in
from tests.world import World, an_observation

pytestmark = pytest.mark.anyio


async def a_linked_account(world: World, patient: Known) -> Browser:
    """Return the browser of a patient whose account the secretariat has linked."""
    return (await linked_by_office(world, patient))[0]


async def linked_by_office(world: World, patient: Known) -> tuple[Browser, Browser]:
    """Return the browser of a patient, and that of the secretariat which has linked the account."""
    person, office = await signed_in(world, "clinic-c", "patient"), await signed_in(world, "secretariat", "secretariat")
    linked = await office.post(f"/own-log/{patient.id}", {"account": "patient-clinic-c", "act": "link"})
    assert linked.status_code == 303, linked.text
    return person, office


async def of_one_person(world: World, one: Known, other: Known) -> None:
    """Say that two Patients are of one person."""
    async with world.hub.database.write() as connection:
        update = person_patient.update().where(person_patient.c.patient_key == other.key).values(person=one.key)
        await connection.execute(update, {})


def japan(world: World) -> str:
    """Return the day in Japan."""
    return f"{moment(world.hub.clock()):%Y-%m-%d}"


async def test_a_patient_sees_who_has_looked_and_not_what(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)
    entities = ("Observation/untold/_history/1",)
    await looked(world, a_look(world, patient, path="/fhir/Observation/untold", query="code=x", entities=entities))

    page = await person.get("/own-log")

    assert page.status_code == 200
    assert "田中 花子" in page.text
    assert "clinic-c" in page.text
    assert "診療" in page.text
    assert "untold" not in page.text
    assert (await person.get("/")).headers["location"] == "/own-log"


async def test_what_was_done_is_said_in_words_for_the_patient(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)
    pages = ("/patients/x", "/patients")
    await looked(world, *(a_look(world, patient, interaction="search-type", path=path) for path in pages))

    page = (await person.get("/own-log")).text

    assert page.count("<td>記録の閲覧</td>") == 1
    assert page.count("<td>検索結果への表示</td>") == 1


async def test_a_search_by_name_that_brings_records_along_is_more_than_a_name(world: World) -> None:
    search = a_look(world, await a_known(world), interaction="search-type", path="/fhir/Patient", query="_id=1")

    assert what_of(search) == "own_log.found"
    assert what_of(search._replace(query="_id=1&_revinclude=*")) == "interaction.search-type"


async def test_the_use_of_the_own_log_is_in_the_own_log(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)

    await person.get("/own-log")

    event = (await recorded(world))[-1]
    assert (event.interaction, event.user, event.patient) == ("audit-log-used", "patient-clinic-c", patient.reference)


async def test_an_account_that_nobody_has_linked_sees_nobodys_log(world: World) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient))
    person = await signed_in(world, "clinic-c", "patient")

    page = await person.get("/own-log")

    assert "まだ記録と結び付いていません" in page.text
    assert "田中" not in page.text
    assert (await person.get(f"/own-log/{patient.id}")).status_code == 403
    assert (await person.get(f"/patients/{patient.id}")).status_code == 403


async def test_the_secretariat_prints_the_sheet_at_the_counter(world: World) -> None:
    patient, office = await a_known(world), await signed_in(world, "secretariat", "secretariat")
    await looked(world, a_look(world, patient))

    found = await office.get("/own-log?q=山田")
    sheet = await office.get(f"/own-log/{patient.id}?proofs=1")

    assert f"/own-log/{patient.id}" in found.text
    for words in ("山田 太郎", "田中 花子", "c2sp.org/tlog-proof@v1", world.hub.settings.audit_origin):
        assert words in sheet.text
    event = (await recorded(world))[-1]
    assert (event.interaction, event.patient) == ("audit-log-used", patient.reference)
    await office.post("/printed", {"page": f"/own-log/{patient.id}?proofs=1"})
    event = (await recorded(world))[-1]
    assert (event.interaction, event.patient) == ("print", patient.reference)


async def test_the_proofs_are_a_file(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)
    await looked(world, a_look(world, patient))

    answer = await person.get("/own-log?format=zip")

    file = zipfile.ZipFile(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == "application/zip"
    assert "田中 花子" in file.read("own-log.csv").decode("utf-8-sig")
    assert any(name.startswith("proof-") for name in file.namelist())


async def test_the_sheet_says_of_which_time_it_is_and_that_it_is_a_part(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.portal.desk.own_log.ENTRIES", 2)
    monkeypatch.setattr("app.portal.desk.own_log.SHEET", 4)
    patient = await a_known(world)
    person, counter = await linked_by_office(world, patient)
    await looked(world, *(a_look(world, patient, f"u{number}") for number in range(2)))
    part, period = "この用紙は一覧の一部です。ほかのページがあります。", f"期間：2026-04-01 から {japan(world)}"

    page = (await person.get("/own-log?from=2026-04-01")).text
    sheet = (await counter.get(f"/own-log/{patient.id}?from=2026-04-01")).text
    with_proofs = (await counter.get(f"/own-log/{patient.id}?from=2026-04-01&proofs=1")).text
    nobody = (await person.get("/own-log?to=2026-04-01")).text
    file = zipfile.ZipFile(io.BytesIO((await person.get("/own-log?from=2026-04-01&format=zip")).content))

    for one in (page, sheet, with_proofs):
        assert period in one
    assert [part in one for one in (page, sheet, with_proofs, nobody)] == [True, False, True, False]
    assert "期間：記録の始め から 2026-04-01 まで" in nobody
    assert "この期間に見た人はいません。" in nobody
    how = file.read("HOW-TO-CHECK.txt").decode()
    assert (period in how, part in how) == (True, True)


async def test_the_file_is_in_japans_time_and_says_nothing_in_hmacs(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)
    await looked(world, a_look(world, patient))
    async with world.hub.database.write() as connection:
        await connection.execute(audit_salt.delete(), {})

    answer = await person.get("/own-log?format=zip")

    sheet = zipfile.ZipFile(io.BytesIO(answer.content)).read("own-log.csv").decode("utf-8-sig")
    assert len(sheet.splitlines()) > 1
    assert sheet.count("T12:00:00+09:00") == 1
    assert "hmac:" not in sheet


async def test_that_a_patient_has_printed_the_own_log_is_in_it(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)

    assert (await person.post("/printed", {"page": "/own-log?from=2026-04-01"})).status_code == 204

    event = (await recorded(world))[-1]
    assert (event.interaction, event.user, event.patient) == ("print", "patient-clinic-c", patient.reference)
    assert await looked(world) == []


async def test_what_is_withheld_from_the_person_is_on_no_sheet(world: World) -> None:
    security = {"security": [{"system": DISCLOSURE, "code": "UNINFORMED"}]}
    here, there = await a_known(world), await a_known(world, "hospital-b", meta=security)
    await of_one_person(world, here, there)
    person, counter = await linked_by_office(world, here)
    await looked(world, a_look(world, here), a_look(world, there, user_name="精神 一郎"))

    own, sheet = (await person.get("/own-log")).text, (await counter.get(f"/own-log/{here.id}")).text

    for page in (own, sheet):
        assert ("田中 花子" in page, "精神 一郎" in page, "hospital-b" in page) == (True, False, False)


async def test_a_sheet_of_which_all_is_withheld_does_not_say_that_nobody_looked(world: World) -> None:
    security = {"security": [{"system": DISCLOSURE, "code": "UNDELIVERED"}]}
    patient = await a_known(world, meta=security)
    person, counter = await linked_by_office(world, patient)
    await looked(world, a_look(world, patient))

    own, sheet = (await person.get("/own-log")).text, (await counter.get(f"/own-log/{patient.id}")).text

    assert "まだ記録と結び付いていません" in own
    assert ("本人に示さない" in sheet, "見た人はいません" in sheet, "田中 花子" in sheet) == (True, False, False)


async def test_a_patient_that_is_removed_leaves_the_account_to_the_persons_others(world: World) -> None:
    first, second = await a_known(world), await a_known(world)
    await of_one_person(world, first, second)
    person, counter = await linked_by_office(world, first)
    await counter.post("/watched", {"patient": first.id, "why": "a", "act": "watch"})
    await looked(world, a_look(world, second))
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")

    async def remove(patient: Known) -> None:
        path = f"/fhir/{patient.reference}"
        assert (await world.http.delete(path, headers=hospital)).status_code == 204
        gone = await world.http.post(f"{path}/$expunge?expungeDeletedResources=true", headers=office)
        assert gone.status_code == 200, gone.text

    await remove(first)
    between = (await person.get("/own-log")).text
    listed = [one.patient_key for one in await watched(world.hub.database.reader)]
    await remove(second)
    after = (await person.get("/own-log")).text

    assert "田中 花子" in between
    assert listed == [second.key]
    assert "まだ記録と結び付いていません" in after
    for table in (account_patient, watched_patient):
        assert list(await world.hub.database.reader.fetch(select(table), {})) == []


async def test_an_account_goes_over_to_another_person_with_a_word_on_both(world: World) -> None:
    one, other = await a_known(world), await a_known(world)
    _, counter = await linked_by_office(world, one)

    moved = await counter.post(f"/own-log/{other.id}", {"account": "patient-clinic-c", "act": "link"})

    assert moved.status_code == 303
    said = [event for event in await recorded(world) if "The account patient" in str(event.description)]
    assert [(event.patient, "no longer" in str(event.description)) for event in said] == [
        (one.reference, False),
        (one.reference, True),
        (other.reference, False),
    ]


async def test_a_link_is_taken_back_on_any_page_of_the_person_and_on_no_other(world: World) -> None:
    here, there, other = await a_known(world), await a_known(world, "hospital-b"), await a_known(world)
    await of_one_person(world, here, there)
    _, counter = await linked_by_office(world, here)
    async with world.hub.database.write() as connection:
        await connection.execute(account.update().where(account.c.role == "patient").values(disabled=1), {})
    form = {"account": "patient-clinic-c", "act": "unlink"}

    wrong = await counter.post(f"/own-log/{other.id}", form)
    listed = [(await counter.get(f"/own-log/{one.id}")).text for one in (there, other)]
    again = await counter.post(f"/own-log/{there.id}", form | {"act": "link"})
    taken = await counter.post(f"/own-log/{there.id}", form)

    assert (wrong.status_code, again.status_code, taken.status_code) == (400, 400, 303)
    assert "この方の利用者ではありません" in wrong.text
    assert [">patient-clinic-c<" in page or "patient-clinic-c</b>" in page for page in listed] == [True, False]
    assert list(await world.hub.database.reader.fetch(select(account_patient), {})) == []


async def test_a_link_is_taken_back_and_is_of_patients_alone(world: World) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)
    office = await signed_in(world, "clinic-d", "secretariat")

    wrong = await office.post(f"/own-log/{patient.id}", {"account": "secretariat-clinic-d", "act": "link"})
    taken = await office.post(f"/own-log/{patient.id}", {"account": "patient-clinic-c", "act": "unlink"})

    assert (wrong.status_code, taken.status_code) == (400, 303)
    assert "まだ記録と結び付いていません" in (await person.get("/own-log")).text
    said = [one for one in await recorded(world) if "The account patient" in str(one.description)]
    assert [one.patient for one in said] == [patient.reference] * 2


async def test_a_record_that_is_no_patient_has_no_log(world: World) -> None:
    patient, office = await a_known(world), await signed_in(world, "secretariat", "secretariat")
    other = (await world.post(await world.client("hospital-a"), an_observation(patient.id)))["id"]

    assert (await office.get(f"/own-log/{other}")).status_code == 404
    assert (await office.get("/own-log/nobody")).status_code == 404


@pytest.mark.parametrize(
    "asked", ["to=2020-12-31", "from=2999-01-01", "from=2999-01-01&to=2999-12-31", "to=1969-01-01"]
)
async def test_a_time_without_records_is_an_empty_page(world: World, asked: str) -> None:
    patient = await a_known(world)
    person = await a_linked_account(world, patient)
    await looked(world, a_look(world, patient))

    page = await person.get(f"/own-log?{asked}")

    assert page.status_code == 200
    assert "田中" not in page.text
