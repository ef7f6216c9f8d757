"""The end of keeping: what the rules say is over, what stays, and that what went is on record."""

from datetime import date

import pytest
from sqlalchemy import func, select, update

from app.access.directory import organisations
from app.portal.dates import to_microseconds
from app.records.retention.due import Due, due
from app.records.retention.remove import remove_due
from app.records.retention.rules import Rule, WrongRule, rule_of, rules
from fhir.store.categories import Category
from fhir.store.tables import resource, resource_version
from tests.portal import recorded
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


async def made_long_ago(world: World, years: int, *ids: str) -> None:
    """Let resources have been written so many years ago."""
    then = world.hub.clock() - years * YEAR
    async with world.hub.database.write() as connection:
        for id_ in ids:
            rows = await connection.fetch(select(resource.c.row).where(resource.c.id == id_), {})
            change = update(resource_version).where(resource_version.c.row == rows[0][0]).values(last_updated=then)
            await connection.execute(change, {})
            when = update(resource).where(resource.c.row == rows[0][0], resource.c.clinical_date > then)
            await connection.execute(when.values(clinical_date=then), {})


async def over(world: World, text: str, held: frozenset[str] = frozenset()) -> list[Due]:
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
    assert await over(world, "problem=5y", held=frozenset({patient})) == []
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

    assert await gone(world, [one._replace(deleted=True)]) == 0

    assert (await world.http.get(f"/fhir/Condition/{made['id']}", headers=owner)).status_code == 200
