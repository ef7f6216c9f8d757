import orjson

from benchmarks.region import OBSERVATIONS, consent, pushes, search
from fhir.envelope import read_bundle
from fhir.profiles.structure import check
from fhir.search.query import parse


def test_the_same_patients_are_made_every_time():
    assert [push.body for push in pushes(2)] == [push.body for push in pushes(2)]


def test_a_push_is_a_patient_with_results_that_r4_accepts():
    (push,) = pushes(1)

    entries = read_bundle(push.body).entries

    assert [entry.type for entry in entries] == ["Patient"] + ["Observation"] * OBSERVATIONS
    assert tuple(entry.resource for entry in entries) == push.resources
    assert [check(orjson.loads(resource)) for resource in push.resources] == [[]] * (OBSERVATIONS + 1)


def test_a_consent_is_a_resource_that_r4_accepts():
    assert check(consent("Patient/a", "clinic")) == []


def test_the_search_asks_for_one_patient_one_code_and_a_time():
    pairs = [("patient", "Patient/a"), ("code", "http://loinc.org|4548-4"), ("date", "ge2022-06-01")]

    address = search("a")

    assert address.startswith("/fhir/Observation?patient=Patient/a&code=http%3A%2F%2Floinc.org%7C4548-4&date=ge")
    assert len(parse("Observation", pairs, lenient=False).criteria) == 3
