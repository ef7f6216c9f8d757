"""The end of keeping: what the rules say is over, what stays, and that what went is on record."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.access.directory import organisations
from app.consent.visibility import EVERYTHING_VISIBLE
from app.identity.tables import person_patient
from app.portal.dates import to_microseconds
from app.records.retention.due import due
from app.records.retention.remove import remove_due
from app.records.retention.rules import Rule, WrongRule, rule_of, rules
from app.records.retention.seen import Due, code
from app.records.superseded import reader
from app.subject_rights.held import waiting_patients
from fhir.errors import Conflict
from fhir.search.hashing import hash64
from fhir.store.categories import Category
from fhir.store.expunge import remove_deleted
from fhir.store.read import read
from fhir.store.tables import resource, resource_version
from tests.identity import key_of
from tests.portal import recorded, signed_in
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

YEAR = 366 * 86_400_000_000
TAG = {"system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": "LTS"}


def a_condition(patient: str, **fields: object) -> dict[str, object]:
    return {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "E11"}]},
        **fields,
    }


async def made_long_ago(world: World, years: float, *ids: str) -> None:
    """Let resources have been written so many years ago."""
    then = world.hub.clock() - int(years * YEAR)
    async with world.hub.database.write() as connection:
        for id_ in ids:
            rows = await connection.fetch(select(resource.c.row).where(resource.c.id == id_), {})
            change = update(resource_version).where(resource_version.c.row == rows[0][0]).values(last_updated=then)
            await connection.execute(change, {})
            when = update(resource).where(resource.c.row == rows[0][0], resource.c.clinical_date > then)
            await connection.execute(when.values(clinical_date=then), {})


async def ids_over(world: World, text: str) -> list[str]:
    return sorted(one.id for one in await over(world, text))


async def over(world: World, text: str, held: frozenset[int] = frozenset()) -> list[Due]:
    found = []
    async for some in due(world.hub.database.reader, rules(text), now=world.hub.clock(), held=held):
        found += some
    return found


async def gone(world: World, some: list[Due]) -> int:
    sites = {one.key: one for one in await organisations(world.hub.database.reader)}
    return sum([await remove_due(world.hub, sites[one.custodian], [one]) for one in some])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("problem=5y", {"problem": Rule("problem", 60, 0)}),
        (
            "Condition=60m, laboratory=1y+3",
            {"Condition": Rule("Condition", 60, 0), "laboratory": Rule("laboratory", 12, 3)},
        ),
    ],
)
def test_rules_are_read(text: str, found: dict[str, Rule]) -> None:
    assert rules(text) == found


@pytest.mark.parametrize(
    "text",
    ["problem", "problem=5", "problem=0y", "Patient=5y", "consent=1y", "Consent=1y", "audit=1y", "Nothing=1y",
     "DocumentReference=1y", "imaging=1y", "problem=1y, problem=2y", "laboratory=1y+0"],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(WrongRule):
        rules(text)


def test_the_rule_of_a_type_goes_before_that_of_its_kind() -> None:
    known = rules("problem=5y, Condition=10y")

    assert rule_of(known, "Condition", Category.PROBLEM) == Rule("Condition", 120, 0)
    assert rule_of(known, "Flag", Category.PROBLEM) == Rule("problem", 60, 0)
    assert rule_of(known, "Patient", Category.IDENTITY) is None


def test_a_period_ends_on_the_same_day_of_the_calendar() -> None:
    leap_day = to_microseconds(date(2028, 2, 29))

    assert Rule("problem", 12, 0).ends(leap_day) == to_microseconds(date(2027, 2, 28))
    assert Rule("problem", 60, 0).ends(to_microseconds(date(2026, 4, 1))) == to_microseconds(date(2021, 4, 1))


async def test_a_disease_is_over_five_years_after_it_was_written(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    old, new, marked = [
        (await world.post(owner, a_condition(patient, **fields)))["id"] for fields in ({}, {}, {"meta": {"tag": [TAG]}})
    ]
    await made_long_ago(world, 6, old, marked)

    found = await over(world, "problem=5y")

    assert [(one.type, one.id, one.deleted) for one in found] == [("Condition", old, False)]
    assert await over(world, "allergy=5y") == []
    assert await over(world, "problem=5y", held=frozenset({await key_of(world, patient)})) == []
    assert new not in {one.id for one in found}


async def test_the_last_three_results_of_each_code_stay(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    other = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    results = [
        (await world.post(owner, an_observation(patient, effectiveDateTime=f"201{year}-05-01")))["id"]
        for year in range(5)
    ]
    rare = (await world.post(owner, an_observation(patient, code=other, effectiveDateTime="2010-05-01")))["id"]
    for years, id_ in zip((15, 14, 13, 12, 11), results, strict=True):
        await made_long_ago(world, years, id_)
    await made_long_ago(world, 15, rare)

    found = await over(world, "laboratory=1y+3")

    assert sorted(one.id for one in found) == sorted(results[:2])


async def test_what_is_over_goes_with_all_versions_and_is_on_record(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    id_ = (await world.post(owner, a_condition(patient)))["id"]
    await made_long_ago(world, 6, id_)

    reader = world.hub.database.reader
    (row,) = (await reader.fetch(select(resource.c.row).where(resource.c.id == id_), {}))[0]

    assert await gone(world, await over(world, "problem=5y")) == 1

    assert (await world.http.get(f"/fhir/Condition/{id_}", headers=owner)).status_code == 404
    left = select(func.count()).select_from(resource_version).where(resource_version.c.row == row)
    assert (await reader.fetch(left, {}))[0][0] == 0
    told = [one for one in await recorded(world) if one.interaction == "retention"]
    assert [(one.action, one.patient, one.custodian) for one in told] == [
        ("D", f"Patient/{patient}", "Organization/hospital-a")
    ]
    assert told[0].entities == (f"Condition/{id_}/_history/2",)
    assert await over(world, "problem=5y") == []


async def test_an_interrupted_removal_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    id_ = (await world.post(owner, a_condition(patient)))["id"]
    await made_long_ago(world, 6, id_)
    found = await over(world, "problem=5y")
    with monkeypatch.context() as patched:
        patched.setattr("app.records.retention.remove.remove", None)
        with pytest.raises(TypeError):
            await gone(world, found)
    assert (await world.http.get(f"/fhir/Condition/{id_}", headers=owner)).status_code == 410

    again = await over(world, "problem=5y")

    assert [(one.id, one.deleted) for one in again] == [(id_, True)]
    assert await gone(world, again) == 1
    assert (await world.http.get(f"/fhir/Condition/{id_}", headers=owner)).status_code == 404


async def test_what_is_written_anew_meanwhile_stays(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    made = await world.post(owner, a_condition(patient))
    await made_long_ago(world, 6, made["id"])
    (one,) = await over(world, "problem=5y")
    await world.http.delete(f"/fhir/Condition/{made['id']}", headers=owner)
    await world.http.put(f"/fhir/Condition/{made['id']}", headers=owner, json=made)

    assert await gone(world, [one]) == 0
    assert await gone(world, [one._replace(deleted=True, version=2)]) == 0

    assert (await world.http.get(f"/fhir/Condition/{made['id']}", headers=owner)).status_code == 200


async def test_what_is_changed_between_looking_and_removing_stays(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    changed, marked, other = [await world.post(owner, a_condition(patient)) for _ in range(3)]
    await made_long_ago(world, 6, *(one["id"] for one in (changed, marked, other)))
    found = await over(world, "problem=5y")
    await world.http.put(
        f"/fhir/Condition/{changed['id']}", headers=owner, json={**changed, "note": [{"text": "再発"}]}
    )
    meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [TAG]}}]}
    await world.http.post(f"/fhir/Condition/{marked['id']}/$meta-add", headers=owner, json=meta)

    assert await gone(world, found) == 1

    left = [await world.http.get(f"/fhir/Condition/{one['id']}", headers=owner) for one in (changed, marked, other)]
    assert [one.status_code for one in left] == [200, 200, 404]
    assert left[0].json()["note"] == [{"text": "再発"}]
    assert left[1].json()["meta"]["tag"] == [TAG]


async def test_what_was_removed_meanwhile_does_not_end_the_run(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    ids = [(await world.post(owner, a_condition(patient)))["id"] for _ in range(2)]
    await made_long_ago(world, 6, *ids)
    found = await over(world, "problem=5y")
    assert await gone(world, found[:1]) == 1

    sites = {one.key: one for one in await organisations(world.hub.database.reader)}
    assert await remove_due(world.hub, sites[found[0].custodian], found) == 1


async def test_a_deletion_that_is_no_longer_the_last_version_is_not_removed(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    made = await world.post(owner, a_condition(patient))
    await world.http.delete(f"/fhir/Condition/{made['id']}", headers=owner)
    deleted = await read(world.hub.database.reader, EVERYTHING_VISIBLE, "Condition", made["id"])
    assert deleted is not None
    await world.http.put(f"/fhir/Condition/{made['id']}", headers=owner, json=made)

    with pytest.raises(Conflict):
        async with world.hub.database.write() as connection:
            await remove_deleted(connection, deleted, hash64(f"Condition/{made['id']}"), reader(world.hub))

    assert (await world.http.get(f"/fhir/Condition/{made['id']}", headers=owner)).json()["code"] == made["code"]


async def test_the_last_three_are_the_last_results_not_the_last_written(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    newest_first = [
        (await world.post(owner, an_observation(patient, effectiveDateTime=f"20{year}-05-01")))["id"]
        for year in range(19, 14, -1)
    ]
    for years, id_ in zip((5, 4, 3.5, 3, 2.5), newest_first, strict=True):
        await made_long_ago(world, years, id_)

    assert await ids_over(world, "laboratory=1y+3") == sorted(newest_first[3:])


MEDICINE = {"coding": [{"system": "urn:oid:1.2.392.200119.4.403.1", "code": "2149032F1021"}]}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"code": {"coding": [{"display": "?"}, {"system": "s", "code": "1"}], "text": "t"}}, "s|1"),
        ({"code": {"coding": [{"display": "?"}], "text": "t"}}, "t"),
        ({"vaccineCode": {"coding": [{"system": "s", "code": "1"}]}}, "s|1"),
        ({"medicationCodeableConcept": MEDICINE}, "urn:oid:1.2.392.200119.4.403.1|2149032F1021"),
        ({"type": [{"coding": [{"system": "s", "code": "1"}]}]}, "s|1"),
        ({"medicationReference": {"reference": "Medication/1"}}, "Medication/1"),
        (
            {"medicationReference": {"reference": "#m"}, "contained": [{"id": "m", "code": MEDICINE}]},
            "urn:oid:1.2.392.200119.4.403.1|2149032F1021",
        ),
        ({"medicationReference": {"reference": "#m"}}, ""),
        ({"status": "final"}, ""),
    ],
)
def test_the_last_ones_are_told_apart_by_what_they_are_of(body: dict[str, Any], found: str) -> None:
    assert code(body) == found


async def test_the_last_ones_of_each_medicine_stay_and_all_that_cannot_be_told_apart(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    common = {"resourceType": "Immunization", "status": "completed", "patient": {"reference": f"Patient/{patient}"}}
    bodies = [
        {"vaccineCode": {"coding": [{"system": "s", "code": "flu"}]}, "occurrenceDateTime": "2010-01-01"},
        {"vaccineCode": {"coding": [{"system": "s", "code": "flu"}]}, "occurrenceDateTime": "2011-01-01"},
        {"vaccineCode": {"coding": [{"system": "s", "code": "bcg"}]}, "occurrenceDateTime": "2009-01-01"},
        *[{"vaccineCode": {"extension": [{"url": "urn:x", "valueString": "?"}]}, "occurrenceDateTime": "2008-01-01"}]
        * 2,
    ]
    ids = [(await world.post(owner, common | body))["id"] for body in bodies]
    await made_long_ago(world, 8, *ids)

    assert await ids_over(world, "immunization=5y+1") == ids[:1]


@pytest.mark.parametrize("state", ["entered-in-error", "cancelled"])
async def test_what_never_was_is_none_of_the_last_ones_and_goes_when_it_is_over(world: World, state: str) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    wrong, right, old = [
        (await world.post(owner, an_observation(patient, status=status, effectiveDateTime=f"{year}-05-01")))["id"]
        for status, year in ((state, 2012), ("final", 2011), ("final", 2010))
    ]
    await made_long_ago(world, 8, wrong, right, old)

    assert await ids_over(world, "laboratory=1y+1") == sorted([wrong, old])
    assert await ids_over(world, "laboratory=1y+2") == [wrong]


async def test_a_diagnosis_that_was_entered_in_error_is_none_of_the_last_ones(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    error = {"coding": [{"system": system, "code": "entered-in-error"}]}
    right = (await world.post(owner, a_condition(patient, recordedDate="2010-01-01")))["id"]
    wrong = (await world.post(owner, a_condition(patient, recordedDate="2012-01-01", verificationStatus=error)))["id"]
    await made_long_ago(world, 8, right, wrong)

    assert await ids_over(world, "problem=5y+1") == [wrong]


def a_report(patient: str, **fields: object) -> dict[str, object]:
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "11502-2"}]},
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


async def test_what_a_kept_resource_names_stays_and_what_that_names(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    specimen = {"resourceType": "Specimen", "type": {"text": "血清"}, "subject": {"reference": f"Patient/{patient}"}}
    taken = (await world.post(owner, specimen))["id"]
    named, alone = [
        (await world.post(owner, an_observation(patient, **fields)))["id"]
        for fields in ({"specimen": {"reference": f"Specimen/{taken}"}}, {})
    ]
    report = (await world.post(owner, a_report(patient, result=[{"reference": f"Observation/{named}"}])))["id"]
    provenance = {
        "resourceType": "Provenance",
        "recorded": "2016-05-01T10:00:00Z",
        "agent": [{"who": {"display": "x"}}],
    }
    await world.post(owner, {**provenance, "target": [{"reference": f"Observation/{alone}"}]})
    await made_long_ago(world, 8, taken, named, alone, report)

    assert await ids_over(world, "laboratory=1y, DiagnosticReport=20y") == [alone]
    assert await ids_over(world, "laboratory=1y") == sorted([taken, named, alone, report])


async def test_what_a_resource_without_a_rule_names_stays(world: World) -> None:
    owner = await world.client("hospital-a")
    patient = (await world.post(owner, a_patient()))["id"]
    named = (await world.post(owner, a_condition(patient)))["id"]
    subject = {"subject": {"reference": f"Patient/{patient}"}}
    reason = {"reasonReference": [{"reference": f"Condition/{named}"}]}
    await world.post(owner, {"resourceType": "Procedure", "status": "completed", **subject, **reason})
    await made_long_ago(world, 8, named)

    assert await ids_over(world, "problem=5y") == []


async def test_a_waiting_request_holds_what_every_site_has_of_the_person(world: World) -> None:
    patients, conditions = [], []
    for site in ("hospital-a", "hospital-b"):
        owner = await world.client(site)
        patients.append((await world.post(owner, a_patient()))["id"])
        conditions.append((await world.post(owner, a_condition(patients[-1])))["id"])
    await made_long_ago(world, 6, *conditions)
    keys = [await key_of(world, id_) for id_ in patients]
    async with world.hub.database.write() as connection:
        await connection.execute(update(person_patient).values(person=keys[0]), {})
    found = await over(world, "problem=5y")
    assert len(found) == 2

    desk = await signed_in(world, "secretariat", "secretariat")
    form = {"kind": "disclosure", "requester": "山田", "relation": "self", "text": "x", "received": "2020-01-01"}
    assert (await desk.post("/rights-requests", {**form, "patient": patients[0]})).status_code == 303

    held = await waiting_patients(world.hub.database.reader)
    assert held == set(keys)
    assert await over(world, "problem=5y", held=held) == []
    # The request has come after the run has looked.
    assert await gone(world, found) == 0
    assert (await world.http.get(f"/fhir/Condition/{conditions[1]}", headers=owner)).status_code == 200
