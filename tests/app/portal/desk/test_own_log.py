import io
import zipfile

import pytest

from tests.desk import Known, a_known, a_look, looked
from tests.portal import Browser, recorded, signed_in
from tests.world import World, an_observation

pytestmark = pytest.mark.anyio


async def a_linked_account(world: World, patient: Known) -> Browser:
    """Return the browser of a patient whose account the secretariat has linked."""
    person, office = await signed_in(world, "clinic-c", "patient"), await signed_in(world, "secretariat", "secretariat")
    linked = await office.post(f"/own-log/{patient.id}", {"account": "patient-clinic-c", "act": "link"})
    assert linked.status_code == 303, linked.text
    return person


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
