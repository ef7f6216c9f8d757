from collections import Counter
from datetime import date

import orjson
import pytest

from benchmarks import charts
from fhir.envelope import read_bundle
from fhir.profiles.structure import check

TYPES = {
    *("Patient", "Observation", "Encounter", "Condition", "MedicationRequest", "DiagnosticReport"),
    *("DocumentReference", "AllergyIntolerance", "Consent"),
}


def _resources(numbers: range) -> list[dict]:
    return [orjson.loads(one) for number in numbers for one in charts.chart(number).resources]


def test_a_person_of_a_number_is_the_same_every_time():
    assert charts.chart(7).body == charts.chart(7).body
    assert charts.chart(7).body != charts.chart(9).body


def test_a_chart_is_a_transaction_of_resources_that_r4_accepts():
    push = charts.chart(0)

    assert tuple(entry.resource for entry in read_bundle(push.body).entries) == push.resources
    assert [check(one) for one in _resources(range(20))] == [[]] * len(_resources(range(20)))


def test_the_directory_goes_to_ids_of_the_hospitals_own():
    entries = read_bundle(charts.directory()).entries

    assert {entry.request.method for entry in entries if entry.request} == {"PUT"}
    assert all(check(orjson.loads(entry.resource or b"")) == [] for entry in entries)
    assert "Practitioner/hospital-p59" in [entry.request.url for entry in entries if entry.request]


def test_the_population_has_many_kinds_of_entries_over_decades_and_some_fifty_a_person():
    made = _resources(range(500))
    years = {one["period"]["start"][:4] for one in made if one["resourceType"] == "Encounter"}

    assert {one["resourceType"] for one in made} == TYPES
    assert any("component" in one for one in made)
    assert len(years) > 25
    assert len(made) / 500 == pytest.approx(charts.EACH, rel=0.2)
    assert date.fromisoformat(min(f"{year}-01-01" for year in years)) < date(1998, 1, 1)


def test_a_few_persons_have_much():
    sizes = [len(charts.chart(number).resources) for number in range(1, 500, 2)]

    assert sizes[charts.LARGE_AT // 2] == charts.LARGE
    assert sorted(sizes)[len(sizes) // 2] < 20
    assert sum(size > 100 for size in sizes) > 2


def test_family_names_are_of_different_frequency():
    names = Counter(orjson.loads(charts.chart(number).resources[0])["name"][0]["family"] for number in range(600))

    assert len(names) > 50
    assert names.most_common(1)[0][1] > 10 * min(names.values())
