import asyncio
from typing import Any

import pytest
from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, update

from app.access import epoch
from app.consent.compile import compile_consents
from app.consent.tables import SAID, consent_grant
from app.lifecycle import warn_of_reindexing
from app.records import reindex
from app.records.reindex import BEGUN, EXTRACTED, Progress, note_version, reindex_types
from fhir.resource import parse
from fhir.search.extract import VERSION, extract
from fhir.search.internal import DESCRIBES
from fhir.spec.search_parameters import FIRST_OWN, parameters
from fhir.store.facts import facts
from fhir.store.labels import UNDELIVERED, UNKNOWN, bit
from fhir.store.reindex import replace_facts, replace_index
from fhir.store.tables import INDEX_TABLES, index_reference, index_token, patient_chart, resource
from fhir.store.types import NUMBERS
from tests.app.imaging.images import CT, a_file, stored
from tests.app.records.test_inheritance import PSYCHIATRY, an_attachment
from tests.search_parameters import own_parameter
from tests.world import ADDRESS, World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PSY = bit(PSYCHIATRY["system"], PSYCHIATRY["code"])
COLUMNS = (resource.c.category, resource.c.labels, resource.c.clinical_date, resource.c.by_subject)
WRONG: dict[str, Any] = {"category": 16, "clinical_date": 0, "by_subject": 0}

CODE = parameters("Observation")["code"].id

_OTHER_CODES = (
    update(index_token)
    .where(index_token.c.parameter == bindparam("n_parameter", type_=Integer))
    .values(code_hash=index_token.c.code_hash - 1)
)
_FIXED = select(*COLUMNS).where(resource.c.id == bindparam("id"))
_KEYS = select(resource.c.patient_key, resource.c.row).where(resource.c.id == bindparam("id"))


async def fixed(world: World, id_: str) -> dict[str, int]:
    (row,) = await world.hub.database.reader.fetch(_FIXED, {"id": id_})
    return dict(zip([column.name for column in COLUMNS], row, strict=True))


async def spoil(world: World, id_: str, **values: int) -> None:
    """Give columns other values, as a release would that read them off otherwise."""
    columns = {name: bindparam(f"n_{name}", type_=BigInteger) for name in values}
    statement = update(resource).where(resource.c.id == bindparam("k_id", type_=Text)).values(columns)
    async with world.hub.database.write() as connection:
        assert await connection.execute(statement, {"k_id": id_} | {f"n_{n}": v for n, v in values.items()}) == 1


async def run(world: World, *types: str) -> list[Progress]:
    return [batch async for batch in reindex_types(world.hub, types, again=True)]


async def patient_of(world: World, hospital: dict[str, str]) -> str:
    return str((await world.post(hospital, a_patient()))["id"])


async def index(world: World) -> list[set[tuple[Any, ...]]]:
    """Return every row of every index table."""
    return [{tuple(row) for row in await world.hub.database.reader.fetch(select(table), {})} for table in INDEX_TABLES]


async def charts(world: World) -> set[tuple[int, ...]]:
    return {tuple(row) for row in await world.hub.database.reader.fetch(select(patient_chart), {})}


async def test_wrong_index_rows_are_replaced_and_right_ones_left(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await patient_of(world, hospital)
    for value in (6, 6.3, -1e-7):
        quantity = {"value": value, "unit": "%"}
        await world.post(hospital, an_observation(patient, valueQuantity=quantity, note=[{"text": "x"}]))
    right = await index(world)
    async with world.hub.database.write() as connection:
        await connection.execute(_OTHER_CODES, {"n_parameter": CODE})
    assert await world.total(hospital, "Observation?code=4548-4") == 0

    await run(world, "Observation")

    assert await index(world) == right
    assert await world.total(hospital, "Observation?code=4548-4") == 3


async def test_rows_that_an_older_release_did_not_make_are_made_and_strange_ones_removed(world: World) -> None:
    hospital = await world.client("hospital-a")
    kind = {"coding": [{"system": "urn:kinds", "code": "MR"}], "text": "診療録番号"}
    identifier = {"system": "urn:x", "value": "1", "type": kind}
    patient = (await world.post(hospital, a_patient(identifier=[identifier])))["id"]
    code = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}], "text": "収縮期血圧"}
    component = {"code": code, "valueQuantity": {"value": 142, "unit": "mmHg"}}
    await world.post(
        hospital, an_observation(patient, component=[component, component], performer=[{"identifier": identifier}])
    )
    position = {"latitude": 43.07, "longitude": 141.35}
    await world.post(hospital, {"resourceType": "Location", "name": "station", "position": position})
    right = await index(world)
    types = ("Patient", "Observation", "Location")
    async with world.hub.database.write() as connection:
        for table in INDEX_TABLES:
            await connection.execute(delete(table), {})
    await run(world, *types)
    made = await index(world)
    async with world.hub.database.write() as connection:
        for table, rows in zip(INDEX_TABLES, right, strict=True):
            # What ends in a value gets another one; rows of a newer version would rightly stay.
            if table.primary_key.columns.keys()[-1] != "version":
                await connection.insert(table, [(*row[:-1], row[-1] + 1) for row in rows])

    await run(world, *types)

    assert made == right
    assert await index(world) == right


async def test_wrong_fixed_columns_are_set_anew(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await patient_of(world, hospital)
    one, other = [(await world.post(hospital, an_observation(patient)))["id"] for _ in range(2)]
    right = await fixed(world, one)
    await spoil(world, one, **WRONG)
    assert await world.total(hospital, f"Observation?patient={patient}") == 1

    done = await run(world, "Observation")

    assert done == [Progress("Observation", 2, 1)]
    assert await fixed(world, one) == await fixed(world, other) == right
    assert right["by_subject"] == 1
    assert await world.total(hospital, f"Observation?patient={patient}") == 2
    assert await run(world, "Observation") == [Progress("Observation", 2, 0)]


async def test_a_category_that_was_wrong_discloses_no_longer(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await patient_of(world, hospital)
    only = {"class": [{"system": "http://renkei.example/fhir/CodeSystem/category", "code": "problem"}]}
    await world.post(hospital, a_consent(patient, "clinic-c", **only))
    observation = await world.post(hospital, an_observation(patient))
    await spoil(world, observation["id"], category=3)
    assert await world.total(clinic, "Observation") == 1

    await run(world, "Observation")

    assert await world.total(clinic, "Observation") == 0


async def test_what_a_deletion_hides_is_read_off_the_version_before(world: World) -> None:
    hospital = await world.client("hospital-a")
    observation = await world.post(hospital, an_observation(await patient_of(world, hospital)))
    await world.http.delete(f"/fhir/Observation/{observation['id']}", headers=hospital)
    right = await fixed(world, observation["id"])
    await spoil(world, observation["id"], **WRONG)

    assert await run(world, "Observation") == [Progress("Observation", 1, 1)]

    assert await fixed(world, observation["id"]) == right
    assert await world.total(hospital, "Observation") == 0


async def test_labels_are_only_added_to(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await patient_of(world, hospital)
    await world.post(hospital, a_consent(patient, "clinic-c"))
    labelled = await world.post(hospital, an_observation(patient, meta={"security": [PSYCHIATRY]}))
    extracted = await world.post(hospital, an_observation(patient))
    # The first has lost its own label; the second has one of a document, which its body does not tell.
    await spoil(world, labelled["id"], labels=UNKNOWN)
    await spoil(world, extracted["id"], labels=UNDELIVERED)

    assert await run(world, "Observation") == [Progress("Observation", 2, 1)]

    assert (await fixed(world, labelled["id"]))["labels"] == UNKNOWN | PSY
    assert (await fixed(world, extracted["id"]))["labels"] == UNDELIVERED
    assert await world.total(clinic, "Observation") == 0


async def test_labels_taken_over_stay_and_are_taken_over_again(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await patient_of(world, hospital)
    attachment = an_attachment(patient, meta={"security": [PSYCHIATRY]})
    posted = (await world.http.post("/fhir", headers=hospital, json=attachment)).json()
    binary, document = [entry["response"]["location"].split("/")[-3] for entry in posted["entry"]]
    right = await fixed(world, binary)
    assert right["labels"] == PSY

    assert await run(world, "Binary", "DocumentReference") == [
        Progress("DocumentReference", 1, 0),
        Progress("Binary", 1, 0),
    ]
    assert await fixed(world, binary) == right
    # As after a release that knows the label as one, where the one before it did not.
    await spoil(world, document, labels=0)
    await spoil(world, binary, labels=0)
    await run(world, "Binary", "DocumentReference")

    assert await fixed(world, binary) == right


async def test_images_follow_their_imaging_study(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, a_file(CT))
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    study = entry["resource"]
    await world.post(hospital, a_consent(study["subject"]["reference"].partition("/")[2], "clinic-c"))
    assert len((await world.http.get("/dicomweb/studies", headers=clinic)).json()) == 1
    study["meta"]["security"] = [PSYCHIATRY]
    with pytest.MonkeyPatch.context() as patched:
        # A release that does not know the label.
        patched.setattr("fhir.store.facts.labels", lambda _: 0)
        await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=hospital, json=study)
        assert len((await world.http.get("/dicomweb/studies", headers=clinic)).json()) == 1

    assert await run(world, "ImagingStudy") == [Progress("ImagingStudy", 1, 1)]

    assert (await world.http.get("/dicomweb/studies", headers=clinic)).json() == []
    assert await world.total(clinic, "ImagingStudy") == 0


async def test_images_of_a_site_that_describes_them_itself_follow_what_is_decided_of_that(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    image = a_file(CT)
    await stored(world, hospital, image)
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    made = entry["resource"]
    kept = {name: made[name] for name in ("resourceType", "status", "subject", "identifier")}
    patient = made["subject"]["reference"].partition("/")[2]
    study = await world.post(hospital, kept)
    data = [{"meaning": "instance", "reference": {"reference": f"ImagingStudy/{study['id']}"}}]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    await world.post(hospital, a_consent(patient, "clinic-c", type="deny", data=data))
    async with world.hub.database.write() as connection:
        # A release that did not note it.
        await connection.execute(delete(index_reference).where(index_reference.c.parameter == DESCRIBES), {})
    before = (await world.http.get("/dicomweb/studies", headers=clinic)).json()

    await run(world, "ImagingStudy")

    assert len(before) == 1
    assert (await world.http.get("/dicomweb/studies", headers=clinic)).json() == []


async def test_a_row_of_several_patients_comes_into_the_chart_of_whom_it_is_about(world: World) -> None:
    hospital = await world.client("hospital-a")
    mother, child = await patient_of(world, hospital), await patient_of(world, hospital)
    await world.post(hospital, an_observation(child, performer=[{"reference": f"Patient/{mother}"}]))
    right = await charts(world)
    (of_several,) = [row for row in right if row[1] < 0]
    wrong = (next(key for key, own in right if own > 0 and key != of_several[0]), of_several[1])
    async with world.hub.database.write() as connection:
        await connection.execute(delete(patient_chart).where(patient_chart.c.key < 0), {})
        await connection.insert(patient_chart, [wrong])
    assert await world.total(hospital, f"Observation?patient={child}") == 0

    await run(world, "Observation")

    assert await charts(world) == right
    assert await world.total(hospital, f"Observation?patient={child}") == 1


async def test_consents_are_compiled_anew(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await patient_of(world, hospital)
    await world.post(hospital, an_observation(patient))
    withdrawn = await world.post(hospital, a_consent(patient, "clinic-d", purpose=[{"code": "TREAT"}]))
    await world.http.delete(f"/fhir/Consent/{withdrawn['id']}", headers=hospital)
    await world.post(hospital, a_consent(patient, "clinic-c"))
    right = await world.hub.database.reader.fetch(select(consent_grant), {})
    # As a release would that compiles them otherwise.
    async with world.hub.database.write() as connection:
        await connection.execute(update(consent_grant).where(consent_grant.c.effect != SAID).values(receiver=-1), {})
    assert await world.total(clinic, "Observation") == 0

    await run(world, "Consent")

    assert await world.hub.database.reader.fetch(select(consent_grant), {}) == right
    assert await world.total(clinic, "Observation") == 1


async def test_a_consent_that_is_withdrawn_meanwhile_stays_withdrawn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await patient_of(world, hospital)
    await world.post(hospital, an_observation(patient))
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    withdrawal = world.http.put(
        f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"}
    )
    withdrawn = []

    async def compile_late(*how: Any, **named: Any) -> None:
        """Compile when the Consent was read, and its withdrawal has had time to come between."""
        if not withdrawn:
            withdrawn.append(asyncio.create_task(withdrawal))
            await asyncio.sleep(0.2)
        await compile_consents(*how, **named)

    monkeypatch.setattr(reindex, "compile_consents", compile_late)
    await run(world, "Consent")

    assert (await withdrawn[0]).status_code == 200
    assert await world.total(clinic, "Observation") == 0


async def test_an_interrupted_run_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "BATCH", 2)
    hospital = await world.client("hospital-a")
    patient = await patient_of(world, hospital)
    made = [(await world.post(hospital, an_observation(patient)))["id"] for _ in range(5)]
    for id_ in made:
        await spoil(world, id_, **WRONG)

    begun = reindex_types(world.hub, ["Observation"], again=False)
    first = await anext(begun)
    await begun.aclose()
    mended = [(await fixed(world, id_))["by_subject"] for id_ in made]
    rest = [batch async for batch in reindex_types(world.hub, ["Observation"], again=False)]

    assert first == Progress("Observation", 2, 2)
    assert mended == [1, 1, 0, 0, 0]
    assert rest == [Progress("Observation", 2, 2), Progress("Observation", 1, 1)]
    assert [(await fixed(world, id_))["by_subject"] for id_ in made] == [1] * 5


async def test_a_newer_version_written_meanwhile_stays_as_it_is(world: World) -> None:
    hospital = await world.client("hospital-a")
    read = await world.post(hospital, an_observation(await patient_of(world, hospital)))
    newer = {**read, "status": "amended"}
    await world.http.put(f"/fhir/Observation/{read['id']}", headers=hospital, json=newer)
    right = await fixed(world, read["id"])
    ((key, row),) = await world.hub.database.reader.fetch(_KEYS, {"id": read["id"]})
    index = extract(parse(b'{"resourceType":"Observation","status":"final"}'), base_url="")

    async with world.hub.database.write() as connection:
        await replace_index(connection, [(key, row, 1, index)], NUMBERS["Observation"])
        await replace_facts(connection, [(key, row, 1, facts({"resourceType": "Observation"}, index))])

    assert await fixed(world, read["id"]) == right
    assert await world.total(hospital, "Observation?status=amended") == 1
    assert await world.total(hospital, "Observation?status=final") == 0


class Watched:
    """A connection that reads, and notes what it is to write."""

    def __init__(self, world: World) -> None:
        self.fetch = world.hub.database.reader.fetch
        self.written: list[Any] = []

    async def execute_many(self, _: Any, rows: list[Any]) -> None:
        self.written += rows

    async def insert(self, _: Any, rows: list[Any]) -> None:
        self.written += rows

    insert_missing = insert


async def test_what_is_right_is_not_written_again(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, an_observation(await patient_of(world, hospital), note=[{"text": "食後"}]))
    ((key, row),) = await world.hub.database.reader.fetch(_KEYS, {"id": made["id"]})
    body = (await world.http.get(f"/fhir/Observation/{made['id']}", headers=hospital)).content
    values = extract(parse(body), base_url=f"{ADDRESS}/fhir")
    watched = Watched(world)

    await replace_index(watched, [(key, row, 1, values)], NUMBERS["Observation"])  # type: ignore[arg-type]
    assert watched.written == []

    await replace_index(watched, [(key, row, 2, values)], NUMBERS["Observation"])  # type: ignore[arg-type]
    assert watched.written


async def test_a_release_that_reads_otherwise_says_that_reindexing_is_due(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    own = await world.client("hospital-a")
    await world.post(own, a_patient())
    fresh = (await world.http.get("/health")).json()
    async with world.hub.database.write() as connection:
        await epoch.set_value(connection, EXTRACTED, VERSION - 1)
        await epoch.set_value(connection, BEGUN, VERSION - 1)
        # An older release was interrupted at the end of the Patients.
        await epoch.set_value(connection, "reindex Patient", 2**62)

    await note_version(world.hub.database)
    await warn_of_reindexing(world.hub)
    due = await world.http.get("/health")
    read = [one.resources async for one in reindex_types(world.hub, sorted(NUMBERS), again=False)]

    assert fresh == {"status": "pass"}
    assert "renkei reindex" in caplog.text
    assert (due.status_code, due.json()["status"]) == (200, "warn")
    assert sum(read) > 0
    assert (await world.http.get("/health")).json() == {"status": "pass"}


async def test_own_parameters_are_indexed_anew_too(world: World) -> None:
    own = await world.client("hospital-a")
    await own_parameter(world, "sex", "Patient", "token", "Patient.gender")
    made = (await world.post(own, a_patient()))["id"]
    async with world.hub.database.write() as connection:
        await connection.execute(delete(index_token).where(index_token.c.parameter >= FIRST_OWN), {})
    lost = await world.total(own, "Patient?sex=male")

    async for _ in reindex_types(world.hub, ["Patient"], again=True):
        pass

    assert lost == 0
    answer = (await world.http.get("/fhir/Patient?sex=male", headers=own)).json()
    assert [one["resource"]["id"] for one in answer["entry"]] == [made]
