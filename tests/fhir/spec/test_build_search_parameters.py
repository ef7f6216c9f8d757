import json

import pytest

from fhir.spec.build_search_parameters import main

PROFILE = "http://hl7.org/fhir/StructureDefinition/"


def a_structure(name, *elements, **more):
    return {
        "resourceType": "StructureDefinition",
        "name": name,
        "kind": "resource",
        "fhirVersion": "4.0.1",
        "abstract": False,
        "derivation": "specialization",
        "snapshot": {"element": [{"path": f"{name}.{path}", "type": type_} for path, type_ in elements]},
        **more,
    }


def a_parameter(id_, base, code, type_, **more):
    return {
        "resourceType": "SearchParameter",
        "id": id_,
        "url": f"http://hl7.org/fhir/SearchParameter/{id_}",
        "base": base,
        "code": code,
        "type": type_,
        **more,
    }


ID = ("id", [{"code": "http://hl7.org/fhirpath/System.String"}])
TEXT = ("text", [{"code": "Narrative"}])
REFERENCE = {"code": "Reference", "targetProfile": [f"{PROFILE}Patient", f"{PROFILE}Group"]}

STRUCTURES = [
    a_structure("Resource", ID, abstract=True),
    a_structure("Bundle", ID),
    a_structure("Flag", ID, TEXT, ("subject", [REFERENCE]), ("code", [{"code": "CodeableConcept"}])),
    a_structure("Media", ID, TEXT, ("item", [{"code": "Reference"}]), ("code", [{"code": "CodeableConcept"}])),
    a_structure("Vitals", derivation="constraint"),
    a_structure("SubscriptionStatus", ID, fhirVersion="4.3.0"),
]

PARAMETERS = [
    a_parameter("Resource-id", ["Resource"], "_id", "token", expression="Resource.id"),
    a_parameter("Resource-content", ["Resource"], "_content", "string"),
    a_parameter("DomainResource-text", ["DomainResource"], "_text", "string"),
    a_parameter("clinical-code", ["Flag", "Media"], "code", "token", expression="Flag.code | Media.code"),
    a_parameter(
        "clinical-subject",
        ["Flag", "Media"],
        "subject",
        "reference",
        expression="Flag.subject | Media.item",
        target=["Group", "Location", "Patient"],
    ),
    a_parameter(
        "Flag-both",
        ["Flag"],
        "both",
        "composite",
        expression="Flag",
        component=[
            {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code"},
            {"definition": "http://hl7.org/fhir/SearchParameter/clinical-subject", "expression": "subject"},
        ],
    ),
]


@pytest.fixture
def definitions(tmp_path):
    folder = tmp_path / "definitions"
    folder.mkdir()
    compartment = {"resource": [{"code": "Bundle"}, {"code": "Flag", "param": ["subject"]}]}
    for name in ("patient", "relatedperson", "practitioner", "device"):
        (folder / f"compartmentdefinition-{name}.json").write_text(json.dumps(compartment))
    own = {"resource": [{"code": "Encounter", "param": ["{def}"]}]}
    (folder / "compartmentdefinition-encounter.json").write_text(json.dumps(own))
    (folder / "profiles-types.json").write_text(json.dumps({"entry": []}))
    capability = {"resource": {"resourceType": "CapabilityStatement"}}
    entries = [{"resource": structure} for structure in STRUCTURES]
    (folder / "profiles-resources.json").write_text(json.dumps({"entry": [capability, *entries]}))
    write_parameters(folder, PARAMETERS)
    return folder


def write_parameters(folder, parameters):
    entries = [{"resource": parameter} for parameter in parameters]
    (folder / "search-parameters.json").write_text(json.dumps({"entry": entries}))


def built(definitions, spec):
    main(definitions, spec)
    rows = json.loads((spec / "search-parameters.json").read_text())
    return {(row["base"], row["code"]): row for row in rows}


def test_every_concrete_type_gets_its_own_and_the_common_parameters(definitions, tmp_path):
    rows = built(definitions, tmp_path)

    assert list(rows) == [
        ("Bundle", "_content"),
        ("Bundle", "_id"),
        ("Flag", "_content"),
        ("Flag", "_id"),
        ("Flag", "_text"),
        ("Flag", "both"),
        ("Flag", "code"),
        ("Flag", "subject"),
        ("Media", "_content"),
        ("Media", "_id"),
        ("Media", "_text"),
        ("Media", "code"),
        ("Media", "subject"),
    ]
    assert [row["id"] for row in rows.values()] == list(range(1, 14))


def test_a_row_holds_what_its_own_type_needs(definitions, tmp_path):
    rows = built(definitions, tmp_path)

    assert rows["Flag", "subject"] == {
        "base": "Flag",
        "code": "subject",
        "id": 8,
        "type": "reference",
        "expression": "Flag.subject",
        "paths": ["subject :Reference"],
        "target": ["Group", "Patient"],
    }
    assert rows["Media", "subject"]["target"] == ["Group", "Location", "Patient"]
    assert rows["Flag", "_content"] == {"base": "Flag", "code": "_content", "id": 3, "type": "string"}
    assert rows["Flag", "both"]["component"] == [
        {"code": "code", "paths": ["code :CodeableConcept"]},
        {"code": "subject", "paths": ["subject :Reference"]},
    ]


def test_a_compartment_leaves_out_types_that_are_not_in_it_and_knows_its_own_resource(definitions, tmp_path):
    main(definitions, tmp_path)

    assert json.loads((tmp_path / "compartments.json").read_text()) == {
        **{name: {"Flag": ["subject"]} for name in ("Patient", "RelatedPerson", "Practitioner", "Device")},
        "Encounter": {"Encounter": ["_id"]},
    }


def test_ids_stay_and_new_parameters_get_new_ones(definitions, tmp_path):
    before = built(definitions, tmp_path)
    added = a_parameter("Flag-a", ["Flag"], "a-first", "token", expression="Flag.code")
    write_parameters(definitions, [added, *PARAMETERS])

    after = built(definitions, tmp_path)

    assert after["Flag", "a-first"]["id"] == 14
    assert all(after[key]["id"] == row["id"] for key, row in before.items())


def test_a_reference_to_nearly_all_types_is_to_any(definitions, tmp_path):
    anything = a_parameter(
        "List-item",
        ["Media"],
        "item",
        "reference",
        expression="Media.item",
        target=[f"T{n}" for n in range(145)],
    )
    write_parameters(definitions, [anything])

    assert built(definitions, tmp_path)["Media", "item"]["target"] == ["*"]


def test_a_reference_whose_published_targets_are_wrong_goes_where_its_element_goes(definitions, tmp_path):
    wrong = a_parameter("Flag-s", ["Flag"], "s", "reference", expression="Flag.subject", target=["Medication"])
    write_parameters(definitions, [wrong])

    assert built(definitions, tmp_path)["Flag", "s"]["target"] == ["Group", "Patient"]


def test_an_expression_that_does_not_compile_stops_the_build(definitions, tmp_path):
    write_parameters(definitions, [a_parameter("Flag-x", ["Flag"], "x", "token", expression="Flag.code.first()")])

    with pytest.raises(ValueError, match=r"Flag\.code\.first\(\)"):
        main(definitions, tmp_path)
