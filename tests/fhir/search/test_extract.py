import datetime as dt
import itertools

import pytest

from fhir.search.date import interval
from fhir.search.extract import NOT_INDEXED, SLOTS, Index, _extractors, extract
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import _rows, by_id, parameters

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"

OBSERVATION = {
    "resourceType": "Observation",
    "id": "f001",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "15074-8"}]},
    "subject": {"reference": "Patient/f001"},
    "effectiveDateTime": "2013-04-02T09:30:10+01:00",
    "valueQuantity": {"value": 6.3, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"},
}


def of(resource, code, **how):
    """Return the rows of one parameter, without its number."""
    parameter = parameters(resource["resourceType"])[code]
    return [row[1:] for row in getattr(extract(resource, **how), parameter.type) if row[0] == parameter.id]


def test_an_observation_is_found_by_everything_it_says():
    found = {by_id(id_).code for id_ in extract(OBSERVATION).parameters}

    assert found == {
        "_id",
        "status",
        "code",
        "combo-code",
        "patient",
        "subject",
        "date",
        "value-quantity",
        "combo-value-quantity",
    }
    assert of(OBSERVATION, "code") == of(OBSERVATION, "combo-code") == [(hash64("15074-8"), hash64(LOINC))]
    assert of(OBSERVATION, "patient") == of(OBSERVATION, "subject") == [(hash64("Patient/f001"),)]
    assert of(OBSERVATION, "date") == [interval("2013-04-02T09:30:10+01:00")]
    assert of(OBSERVATION, "value-quantity") == [
        (0, 6.3, 6.3),
        (hash64(f"{UCUM}|mmol/L"), 6.3, 6.3),
        (hash64("|mmol/L"), 6.3, 6.3),
    ]


def test_patient_is_only_a_subject_that_is_a_patient():
    group = {**OBSERVATION, "subject": {"reference": "Group/1"}}

    assert of(group, "patient") == []
    assert of(group, "subject") == [(hash64("Group/1"),)]


@pytest.mark.parametrize(
    ("deceased", "token"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2024"}, "true"),
    ],
)
def test_every_patient_is_deceased_or_not(deceased, token):
    assert of({"resourceType": "Patient", **deceased}, "deceased") == [(hash64(token), 0)]


def test_an_email_is_a_telecom_but_a_phone_is_no_email():
    patient = {
        "resourceType": "Patient",
        "telecom": [{"system": "phone", "value": "011-1"}, {"system": "email", "value": "a@example.jp"}],
    }

    assert of(patient, "telecom") == [(hash64("011-1"), 0), (hash64("a@example.jp"), 0)]
    assert of(patient, "email") == [(hash64("a@example.jp"), 0)]
    assert of(patient, "phone") == [(hash64("011-1"), 0)]


def test_a_value_that_is_there_twice_has_one_row():
    patient = {"resourceType": "Patient", "name": [{"family": "山田"}, {"family": "山田", "given": ["花子"]}]}

    assert [text for text, _ in of(patient, "family")] == ["山田"]
    assert [text for text, _ in of(patient, "name")] == [
        "山田",
        "花子",
        "山田 花子",
        "山田花子",
        "花子 山田",
        "花子山田",
    ]


def test_the_region_says_what_a_date_and_a_reference_mean():
    condition = {
        "resourceType": "Condition",
        "onsetDateTime": "2024-05-06",
        "subject": {"reference": "https://hub.example.jp/fhir/Patient/1"},
    }

    assert of(condition, "onset-date", zone=dt.UTC) == [interval("2024-05-06", dt.UTC)]
    assert of(condition, "onset-date") == [interval("2024-05-06")]
    assert of(condition, "patient", base_url="https://hub.example.jp/fhir") == [(hash64("Patient/1"),)]
    assert of(condition, "patient") == [(hash64("https://hub.example.jp/fhir/Patient/1"),)]


def test_uris_numbers_and_canonicals_are_indexed_too():
    risk = {
        "resourceType": "RiskAssessment",
        "prediction": [
            {"probabilityDecimal": 0.2},
            {"probabilityRange": {"low": {"value": 1}, "high": {"value": 2}}},
        ],
    }
    value_set = {"resourceType": "ValueSet", "url": "http://example.org/vs"}
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q|2"}

    assert of(risk, "probability") == [(0.2, 0.2), (1.0, 2.0)]
    assert of(value_set, "url") == [(hash64("http://example.org/vs"), "http://example.org/vs")]
    assert of(response, "questionnaire") == [
        (hash64("http://example.org/q|2"),),
        (hash64("http://example.org/q"),),
    ]


def test_a_document_is_found_by_its_composition():
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Composition", "id": "c"}},
            {"resource": {"resourceType": "Composition", "id": "d"}},
        ],
    }

    assert of(bundle, "composition") == [(hash64("Composition/c"),)]


@pytest.mark.parametrize("resource", [{}, {"resourceType": "Patients"}, {"resourceType": ["Patient"]}])
def test_what_is_of_no_r4_type_has_no_rows(resource):
    assert extract(resource) == Index([], [], [], [], [], [], [], [])


def test_every_pair_of_parameter_type_and_fhir_type_is_extracted_or_left_out_for_a_reason():
    extractors = _extractors(dt.UTC, "", False)
    pairs = {
        (parameter.type, element_type)
        for base in _rows()
        for parameter in parameters(base).values()
        for element_type in parameter.element_types
        if parameter.type in SLOTS
    }

    assert {pair for pair in pairs if pair[1] not in extractors[pair[0]]} == set(NOT_INDEXED)


WRONG = [
    None,
    True,
    7,
    1.5,
    "x",
    [],
    {},
    [[]],
    [None, 3],
    {"coding": 3, "code": 3, "system": [], "value": {}, "unit": 1},
    {"coding": [None, 3], "start": 3, "end": [], "event": 3, "repeat": 3, "low": 3, "high": []},
    {"event": [None, "x"], "repeat": {"boundsPeriod": 3}, "low": {"value": "x"}, "high": {"value": None}},
    {"reference": 3, "type": [], "family": 3, "given": [3, None], "line": 3, "text": []},
    {"value": 1, "comparator": [], "currency": 3, "low": {}, "high": {"value": 1}},
]


def test_values_of_a_wrong_type_are_left_out_without_an_error():
    every = [parameter for base in _rows() for parameter in parameters(base).values()]
    paths = {(p.base, path) for p in every for path in p.paths if p.type in SLOTS and path[0] not in "!:"}

    for (base, path), value in itertools.product(sorted(paths), WRONG):
        nested = value
        for key in reversed([step for step in path.split(" ") if step[0] not in "?-#:"]):
            nested = {key: nested}
        index = extract({**nested, "resourceType": base})
        assert all(type(row) is tuple for slot in SLOTS for row in getattr(index, slot))


def test_a_filter_sees_what_is_not_an_object():
    patient = {"resourceType": "Patient", "telecom": ["x", None, {"system": "email", "value": "a"}]}

    assert of(patient, "email") == [(hash64("a"), 0)]
