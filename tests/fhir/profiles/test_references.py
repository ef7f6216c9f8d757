"""References to other resources, and to contained ones."""

import pytest

from fhir.profiles.structure import check

ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "県立病院"}


def found(resource, **options):
    return [(issue.code, issue.expression) for issue in check(resource, **options)]


def patient(**members):
    return {"resourceType": "Patient", **members}


@pytest.mark.parametrize(
    "reference",
    [
        "Organization/o",
        "Organization/o/_history/2",
        "Organization?identifier=urn:a|b",
        "https://example.org/fhir/Practitioner/p",
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        "no literal at all",
    ],
)
def test_a_reference_to_an_allowed_type_or_elsewhere_is_proper(reference):
    assert check(patient(managingOrganization={"reference": reference})) == []


@pytest.mark.parametrize(
    ("reference", "diagnostics"),
    [
        ("Practitioner/p", "A reference to Practitioner is not allowed here, only to: Organization."),
        (
            "Practitioner/p/_history/1",
            "A reference to Practitioner is not allowed here, only to: Organization.",
        ),
        ("Practitioner?name=a", "A reference to Practitioner is not allowed here, only to: Organization."),
        ("Hospital/h", "The reference names a resource type that FHIR R4 does not have."),
    ],
)
def test_a_reference_to_another_type_is_found(reference, diagnostics):
    issues = check(patient(managingOrganization={"reference": reference}))

    assert [(i.code, i.expression, i.diagnostics) for i in issues] == [
        ("value", "Patient.managingOrganization.reference", diagnostics)
    ]


def test_a_reference_to_any_type_must_still_be_a_type():
    resource = {
        "resourceType": "Basic",
        "code": {"text": "a"},
        "subject": {"reference": "Anything/a"},
    }

    assert found(resource) == [("value", "Basic.subject.reference")]


def test_a_broken_reference_is_found_once():
    assert found(patient(managingOrganization="Organization/o")) == [("structure", "Patient.managingOrganization")]
    assert found(patient(managingOrganization={"reference": 1})) == [
        ("structure", "Patient.managingOrganization.reference")
    ]


def test_a_contained_resource_that_is_referred_to_is_proper():
    assert check(patient(contained=[ORGANIZATION], managingOrganization={"reference": "#o"})) == []


def test_a_contained_resource_may_refer_to_its_container_instead():
    contained = {"resourceType": "Provenance", "id": "p", "recorded": "2024-05-01T00:00:00Z"}
    contained |= {"target": [{"reference": "#"}], "agent": [{"who": {"reference": "Organization/o"}}]}

    assert check(patient(contained=[contained])) == []


def test_a_contained_resource_may_be_named_by_a_canonical():
    questionnaire = {"resourceType": "Questionnaire", "id": "q", "status": "active"}
    answers = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "#q"}

    assert check({**answers, "contained": [questionnaire]}) == []


@pytest.mark.parametrize(
    ("contained", "issue"),
    [
        ({**ORGANIZATION, "id": None}, ("required", "Patient.contained[0].id")),
        ({**ORGANIZATION, "id": "o", "colour": 1}, ("structure", "Patient.contained[0].colour")),
        ({**ORGANIZATION, "meta": {"versionId": "1"}}, ("invariant", "Patient.contained[0].meta.versionId")),
        (
            {**ORGANIZATION, "meta": {"lastUpdated": "2024-05-01T00:00:00Z"}},
            ("invariant", "Patient.contained[0].meta.lastUpdated"),
        ),
        (
            {**ORGANIZATION, "meta": {"security": [{"code": "R"}]}},
            ("invariant", "Patient.contained[0].meta.security"),
        ),
        ({"resourceType": "Hospital", "id": "o"}, ("structure", "Patient.contained[0].resourceType")),
        ("Organization/o", ("structure", "Patient.contained[0]")),
    ],
)
def test_a_contained_resource_is_checked_by_its_own_type_and_rules(contained, issue):
    if isinstance(contained, dict):
        contained = {name: value for name, value in contained.items() if value is not None}

    assert issue in found(patient(contained=[contained], managingOrganization={"reference": "#o"}))


def test_contained_resources_do_not_nest():
    inner = {"resourceType": "Endpoint", "id": "e"}
    outer = {**ORGANIZATION, "contained": [inner], "endpoint": [{"reference": "#e"}]}

    issues = found(patient(contained=[outer], managingOrganization={"reference": "#o"}))

    assert issues[0] == ("invariant", "Patient.contained[0].contained")


def test_contained_ids_are_unique():
    issues = found(patient(contained=[ORGANIZATION, ORGANIZATION], managingOrganization={"reference": "#o"}))

    assert issues == [("value", "Patient.contained[1].id")]


def test_a_local_reference_must_lead_to_a_contained_resource():
    assert found(patient(managingOrganization={"reference": "#o"})) == [
        ("invariant", "Patient.managingOrganization.reference")
    ]


def test_a_local_reference_must_lead_to_an_allowed_type():
    contained = {"resourceType": "Practitioner", "id": "o"}

    assert found(patient(contained=[contained], managingOrganization={"reference": "#o"})) == [
        ("value", "Patient.managingOrganization.reference")
    ]


def test_a_contained_resource_that_nothing_leads_to_is_found():
    other = {"resourceType": "Practitioner", "id": "p"}

    assert found(patient(contained=[ORGANIZATION, other], managingOrganization={"reference": "#o"})) == [
        ("invariant", "Patient.contained[1]")
    ]


def test_entries_of_a_bundle_are_checked_when_asked():
    entry = {"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "resource": patient(active="true")}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}

    assert check(bundle) == []
    assert found(bundle, entries=True) == [("structure", "Bundle.entry[0].resource.active")]


@pytest.mark.parametrize("resource", ["Patient/p", {"active": True}, {"resourceType": 1}])
def test_an_entry_is_an_object_with_a_type_even_when_not_checked(resource):
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}

    assert found(bundle) == [("structure", "Bundle.entry[0].resource")]


def test_local_references_stay_inside_their_entry():
    first = patient(contained=[ORGANIZATION], managingOrganization={"reference": "#o"})
    second = patient(managingOrganization={"reference": "#o"})
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": first}, {"resource": second}],
    }

    assert found(bundle, entries=True) == [("invariant", "Bundle.entry[1].resource.managingOrganization.reference")]


def test_resources_in_parameters_are_always_checked():
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": patient(active=1)}],
    }

    assert found(parameters) == [("structure", "Parameters.parameter[0].resource.active")]


def test_many_contained_resources_named_by_canonicals_take_one_look():
    contained = [{"resourceType": "Basic", "id": f"b{n}", "code": {"text": "a"}} for n in range(3000)]
    extension = [{"url": "urn:a", "valueUri": f"#b{n}"} for n in range(3000)]

    assert check(patient(contained=contained, extension=extension)) == []
