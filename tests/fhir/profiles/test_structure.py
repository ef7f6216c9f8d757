"""Each defect is found with its code, at its path, and nothing else is."""

from copy import deepcopy

import pytest

from fhir.profiles.structure import check

ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}

OBSERVATION = {
    "resourceType": "Observation",
    "id": "k",
    "meta": {"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_LabResult"]},
    "status": "final",
    "code": {"coding": [{"system": "urn:oid:1.2.392.200119.4.504", "code": "3H015000002326101"}]},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2024-05-01T09:30:00+09:00",
    "valueQuantity": {
        "value": 4.1,
        "unit": "mmol/L",
        "system": "http://unitsofmeasure.org",
        "code": "mmol/L",
    },
}

PATIENT = {
    "resourceType": "Patient",
    "active": True,
    "name": [{"family": "山田", "given": ["太郎"]}],
    "gender": "male",
    "birthDate": "1944-02-29",
}


def changed(resource, **changes):
    """Return the resource with members set, or left out where None; `_` in front stays a sibling."""
    merged = deepcopy(resource) | changes
    return {name: value for name, value in merged.items() if value is not None}


def found(resource, **options):
    return [(issue.code, issue.expression) for issue in check(resource, **options)]


@pytest.mark.parametrize("resource", [OBSERVATION, PATIENT], ids=["Observation", "Patient"])
def test_a_proper_resource_has_no_issues(resource):
    assert check(resource) == []


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"colour": "red"}, ("structure", "Patient.colour")),
        ({"name": {"family": "山田"}}, ("structure", "Patient.name")),
        ({"name": ["山田"]}, ("structure", "Patient.name[0]")),
        ({"maritalStatus": [{"text": "M"}]}, ("structure", "Patient.maritalStatus")),
        ({"active": "true"}, ("structure", "Patient.active")),
        ({"active": 1}, ("structure", "Patient.active")),
        ({"birthDate": 1944}, ("structure", "Patient.birthDate")),
        ({"multipleBirthInteger": "2"}, ("structure", "Patient.multipleBirthInteger")),
        ({"multipleBirthInteger": True}, ("structure", "Patient.multipleBirthInteger")),
        ({"name": [{"given": "太郎"}]}, ("structure", "Patient.name[0].given")),
        ({"gender": ["male"]}, ("structure", "Patient.gender")),
        ({"birthDate": ""}, ("value", "Patient.birthDate")),
        ({"name": [{"family": ""}]}, ("value", "Patient.name[0].family")),
        ({"name": []}, ("structure", "Patient.name")),
        ({"name": [{"given": []}]}, ("structure", "Patient.name[0].given")),
        ({"name": [{}]}, ("structure", "Patient.name[0]")),
        ({"maritalStatus": {}}, ("structure", "Patient.maritalStatus")),
        ({"name": [None]}, ("structure", "Patient.name[0]")),
        ({"name": [{"given": ["太郎", None]}]}, ("structure", "Patient.name[0].given[1]")),
        ({"link": [{"type": "seealso"}]}, ("required", "Patient.link[0].other")),
        ({"deceasedBoolean": False, "deceasedDateTime": "2024"}, ("structure", "Patient.deceasedDateTime")),
        ({"birthDate": "1944-02-30"}, ("value", "Patient.birthDate")),
        ({"gender": "man"}, ("code-invalid", "Patient.gender")),
        ({"gender": " male"}, ("value", "Patient.gender")),
        ({"id": "a_b"}, ("value", "Patient.id")),
        ({"contact": [{"gender": "male"}]}, ("invariant", "Patient.contact[0]")),
        ({"name": [{"id": "n"}]}, ("invariant", "Patient.name[0]")),
        ({"_id": {"extension": []}}, ("structure", "Patient._id")),
        (
            {"managingOrganization": {"reference": "Patient/p"}},
            ("value", "Patient.managingOrganization.reference"),
        ),
    ],
)
def test_a_defect_is_found_at_its_path(change, issue):
    assert found(changed(PATIENT, **change)) == [issue]


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"status": None}, ("required", "Observation.status")),
        ({"code": None}, ("required", "Observation.code")),
        ({"status": "done"}, ("code-invalid", "Observation.status")),
        ({"valueString": "4.1"}, ("structure", "Observation.valueString")),
        ({"_valueString": {"extension": [ABSENT]}}, ("structure", "Observation._valueString")),
        ({"component": [{"valueInteger": 1}]}, ("required", "Observation.component[0].code")),
        ({"issued": "2024-05-01T09:30:00"}, ("value", "Observation.issued")),
        ({"subject": {"reference": "Practitioner/p"}}, ("value", "Observation.subject.reference")),
        ({"dataAbsentReason": {"text": "lost"}}, ("invariant", "Observation")),
        (
            {"referenceRange": [{"age": {"low": {"value": 1}}}]},
            ("invariant", "Observation.referenceRange[0]"),
        ),
        (
            {"component": [{"code": {"text": "a"}, "referenceRange": [{"lows": 1}]}]},
            ("structure", "Observation.component[0].referenceRange[0].lows"),
        ),
        (
            {"component": [{"code": {"coding": [{"system": ""}]}}]},
            ("value", "Observation.component[0].code.coding[0].system"),
        ),
    ],
)
def test_a_defect_of_an_observation_is_found_at_its_path(change, issue):
    assert found(changed(OBSERVATION, **change)) == [issue]


def test_a_simple_quantity_has_no_comparator():
    low, high = {"value": 3.5, "comparator": "<"}, {"value": 5.0}

    assert found(changed(OBSERVATION, referenceRange=[{"low": low, "high": high}])) == [
        ("invariant", "Observation.referenceRange[0].low.comparator")
    ]
    assert found(changed(OBSERVATION, referenceRange=[{"low": "3.5"}])) == [
        ("structure", "Observation.referenceRange[0].low")
    ]
    assert check(changed(OBSERVATION, valueQuantity=low)) == []


def test_a_required_choice_is_missed_by_its_name():
    request = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
    }

    issues = check(request)

    assert [(i.code, i.expression) for i in issues] == [("required", "MedicationRequest.medication")]
    assert issues[0].diagnostics == "The element medication[x] is required."


@pytest.mark.parametrize(
    ("body", "expression"),
    [
        ({"resourceType": "Bot"}, "Bot.resourceType"),
        ({"resourceType": "DomainResource"}, "DomainResource.resourceType"),
        ({"id": "a"}, "Resource.resourceType"),
        ({"resourceType": ["Patient"]}, "Resource.resourceType"),
        ([PATIENT], "Resource"),
        (None, "Resource"),
    ],
)
def test_what_is_no_resource_of_r4_is_refused(body, expression):
    assert found(body) == [("structure", expression)]


@pytest.mark.parametrize(
    "name",
    [
        {"given": ["太郎", None], "_given": [None, {"extension": [ABSENT]}]},
        {"given": ["太郎"], "_given": [{"id": "g"}]},
        {"_given": [{"extension": [ABSENT]}, {"extension": [ABSENT]}]},
        {"_family": {"extension": [ABSENT]}},
        {"family": "山田", "_family": {"id": "f"}},
    ],
)
def test_extensions_of_primitives_stand_beside_their_values(name):
    assert check(changed(PATIENT, name=[name])) == []


@pytest.mark.parametrize(
    ("name", "issue"),
    [
        ({"given": ["a", "b"], "_given": [{"id": "g"}]}, ("structure", "Patient.name[0]._given")),
        ({"given": [None], "_given": [None]}, ("structure", "Patient.name[0].given[0]")),
        ({"_given": [None, {"extension": [ABSENT]}]}, ("structure", "Patient.name[0]._given[0]")),
        ({"given": ["a"], "_given": {"id": "g"}}, ("structure", "Patient.name[0]._given")),
        ({"given": ["a"], "_given": []}, ("structure", "Patient.name[0]._given")),
        ({"given": ["a"], "_given": [{}]}, ("structure", "Patient.name[0].given[0]")),
        ({"given": ["a"], "_given": [{"value": "b"}]}, ("structure", "Patient.name[0].given[0].value")),
        ({"_given": [{"id": "g"}]}, ("invariant", "Patient.name[0].given[0]")),
        ({"_family": {"id": "g"}}, ("invariant", "Patient.name[0].family")),
        ({"family": "山田", "_family": [{"id": "f"}]}, ("structure", "Patient.name[0].family")),
        ({"family": "山田", "_family": {"extension": [{"url": "urn:a"}]}}, None),
        ({"family": None, "_family": {"extension": [ABSENT]}}, ("structure", "Patient.name[0].family")),
        ({"_period": {"id": "p"}, "text": "a"}, ("structure", "Patient.name[0]._period")),
    ],
)
def test_extensions_of_primitives_have_their_shape(name, issue):
    expected = issue or ("invariant", "Patient.name[0].family.extension[0]")

    assert found(changed(PATIENT, name=[name])) == [expected]


def test_a_required_primitive_may_be_only_an_extension():
    assert check(changed(OBSERVATION, status=None, _status={"extension": [ABSENT]})) == []


@pytest.mark.parametrize(
    ("extension", "issue"),
    [
        ({"valueString": "a"}, ("required", "Patient.extension[0].url")),
        ({"url": "urn:a"}, ("invariant", "Patient.extension[0]")),
        ({"url": "urn:a", "_url": {"id": "u"}, "valueCode": "c"}, ("structure", "Patient.extension[0]._url")),
        ({"url": "urn:a", "valueString": "a", "extension": [ABSENT]}, ("invariant", "Patient.extension[0]")),
        (
            {"url": "urn:a", "valueString": "a", "valueCode": "a"},
            ("structure", "Patient.extension[0].valueCode"),
        ),
        ({"url": "urn:a", "extension": [{"url": "b"}]}, ("invariant", "Patient.extension[0].extension[0]")),
        (
            {"url": "urn:a", "valueHumanName": {"given": 1}},
            ("structure", "Patient.extension[0].valueHumanName.given"),
        ),
    ],
)
def test_an_extension_has_a_url_and_either_a_value_or_extensions(extension, issue):
    assert found(changed(PATIENT, extension=[extension])) == [issue]


def nested(levels):
    extension = ABSENT
    for _ in range(levels):
        extension = {"url": "urn:a", "extension": [extension]}
    return changed(PATIENT, extension=[extension])


def test_content_may_nest_to_the_limit():
    # The resource is level 1; each extension adds its array and itself.
    assert check(nested(30), depth=63) == []


def test_deeper_content_ends_the_check_with_one_issue():
    issues = check(nested(31), depth=64)

    assert [issue.code for issue in issues] == ["too-costly"]
    assert issues[0].expression == "Patient.extension[0]" + ".extension[0]" * 31
    assert issues[0].diagnostics == "The content is nested deeper than 64 levels."


def test_very_deep_content_is_no_recursion_error():
    assert [issue.code for issue in check(nested(100_000))] == ["too-costly"]


def test_a_hundred_issues_are_enough():
    issues = check(changed(PATIENT, name=[{"given": 1}] * 500))

    assert len(issues) == 100
    assert issues[99].expression == "Patient.name[99].given"


def test_a_long_unknown_name_is_cut_in_the_path():
    assert found(changed(PATIENT, **{"a" * 1000: 1})) == [("structure", "Patient." + "a" * 64 + "…")]


def test_diagnostics_do_not_repeat_what_the_sender_wrote():
    issues = check(changed(PATIENT, birthDate="山田太郎", gender="山田太郎", active="山田太郎"))

    assert len(issues) == 3
    assert "山田" not in str(issues)


def test_an_example_scenario_has_an_element_named_like_the_type():
    scenario = {
        "resourceType": "ExampleScenario",
        "status": "draft",
        "instance": [{"resourceId": "a", "resourceType": "Patient"}],
    }

    assert check(scenario) == []
