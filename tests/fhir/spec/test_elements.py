import json
import subprocess
import sys
from pathlib import Path

import pytest

import fhir.spec.elements
from fhir.spec.elements import (
    COMPLEX_TYPES,
    CONCRETE_TYPES,
    PRIMITIVE_TYPES,
    RESOURCE_TYPES,
    codes,
    elements,
    properties,
    regex,
)

TABLES = Path(fhir.spec.elements.__file__).parent


def test_r4_has_146_resource_types_and_all_but_parameters_have_an_endpoint():
    assert len(CONCRETE_TYPES) == 146
    assert CONCRETE_TYPES - {"Parameters"} == RESOURCE_TYPES
    assert {"Patient", "Bundle", "Binary", "OperationOutcome", "CatalogEntry"} <= RESOURCE_TYPES
    assert not {"Resource", "DomainResource", "SubscriptionStatus", "Bot"} & CONCRETE_TYPES


def test_r4_has_20_primitive_and_39_complex_types():
    assert len(PRIMITIVE_TYPES) == 20
    assert len(COMPLEX_TYPES) == 39
    assert {"Extension", "Dosage", "Age"} <= COMPLEX_TYPES


def test_each_line_of_the_tables_is_one_member_of_a_json_object():
    for name in ("elements.json", "codes.json"):
        text = (TABLES / name).read_text(encoding="utf-8")

        assert len(json.loads(text)) == len(text.splitlines()) - 2


def test_every_type_target_and_value_set_in_the_tables_is_known():
    known = CONCRETE_TYPES | COMPLEX_TYPES | PRIMITIVE_TYPES | {"BackboneElement", "Element", "Resource"}
    table = json.loads((TABLES / "elements.json").read_bytes())

    for name, definition in table.items():
        for path, facts in definition["elements"].items():
            assert set(facts.get("types", [])) <= known, (name, path)
            assert set(facts.get("refs", [])) <= CONCRETE_TYPES, (name, path)
            if "codes" in facts:
                assert codes(facts["codes"])
            if "same" in facts:
                assert elements(facts["same"])


def test_observation_status_is_a_required_modifier_bound_to_eight_codes():
    status = elements("Observation")["status"]

    assert (status.min, status.max, status.types) == (1, 1, ("code",))
    assert (status.modifier, status.summary) == (True, True)
    assert status.value_set == "http://hl7.org/fhir/ValueSet/observation-status"
    assert status.codes == {
        "registered",
        "preliminary",
        "final",
        "amended",
        "corrected",
        "cancelled",
        "entered-in-error",
        "unknown",
    }


def test_a_choice_is_one_element_and_several_properties():
    value = elements("Observation")["value[x]"]

    assert len(value.types) == 11
    assert properties("Observation")["valueQuantity"] == (value, "Quantity")
    assert properties("Observation")["valueDateTime"] == (value, "dateTime")
    assert "value[x]" not in properties("Observation")


def test_a_backbone_has_its_own_elements():
    assert list(elements("Patient.contact")) == [
        "id",
        "extension",
        "modifierExtension",
        "relationship",
        "name",
        "telecom",
        "address",
        "gender",
        "organization",
        "period",
    ]
    assert elements("Bundle.entry.search")["mode"].codes == {"match", "include", "outcome"}


def test_a_content_reference_names_the_path_it_repeats():
    repeated = elements("Observation.component")["referenceRange"]

    assert (repeated.types, repeated.content_reference) == ((), "Observation.referenceRange")
    assert properties("Observation.component")["referenceRange"] == (repeated, "")


@pytest.mark.parametrize(
    ("type_name", "element", "targets"),
    [
        ("Observation", "subject", ("Device", "Group", "Location", "Patient")),
        ("Observation", "focus", ()),
        (
            "AuditEvent.source",
            "observer",
            ("Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"),
        ),
        ("ResearchStudy", "site", ("Location",)),
    ],
)
def test_reference_targets_are_those_of_r4(type_name, element, targets):
    assert elements(type_name)[element].targets == targets


def test_canonical_targets_stand_apart_from_reference_targets():
    subject = elements("PlanDefinition")["subject[x]"]
    definition = elements("EvidenceVariable.characteristic")["definition[x]"]

    assert (subject.targets, subject.canonical_targets) == (("Group",), ())
    assert (definition.targets, definition.canonical_targets) == (("Group",), ("ActivityDefinition",))


@pytest.mark.parametrize(
    ("type_name", "element"),
    [
        ("Meta", "project"),
        ("Binary", "url"),
        ("ResearchStudy", "recruitment"),
        ("DeviceDefinition", "classification"),
        ("EvidenceVariable.characteristic", "linkId"),
    ],
)
def test_what_the_definitions_package_adds_to_r4_is_left_out(type_name, element):
    assert element not in elements(type_name)


def test_the_published_form_is_kept_where_the_package_differs():
    assert elements("Bundle.entry.response")["outcome"].types == ("Resource",)
    assert elements("DetectedIssue")["status"].value_set == "http://hl7.org/fhir/ValueSet/observation-status"
    assert elements("EvidenceVariable")["characteristic"].min == 1
    assert list(elements("EvidenceVariable.characteristic"))[3:] == [
        "description",
        "definition[x]",
        "usageContext",
        "exclude",
        "participantEffective[x]",
        "timeFromStart",
        "groupMeasure",
    ]


def test_ids_of_resources_and_of_elements_have_different_types():
    assert elements("Patient")["id"].types == ("id",)
    assert elements("HumanName")["id"].types == ("string",)


def test_an_abstract_code_may_not_be_used():
    assert "question" not in codes("http://hl7.org/fhir/ValueSet/item-type")


def test_a_simple_quantity_is_marked():
    assert elements("Observation.referenceRange")["low"].simple
    assert not elements("Observation")["value[x]"].simple


def test_a_binding_to_a_grammar_has_no_codes():
    assert elements("Attachment")["contentType"].codes is None
    assert elements("Money")["currency"].codes is None


def test_primitives_have_their_published_regex():
    assert regex("id") == r"[A-Za-z0-9\-\.]{1,64}"
    assert regex("xhtml") is None


@pytest.mark.parametrize("name", ["Nothing", "Observation.nothing", "Observation.status"])
def test_an_unknown_type_is_a_key_error(name):
    with pytest.raises(KeyError):
        elements(name)


def test_the_tables_cannot_be_changed_by_their_readers():
    with pytest.raises(TypeError):
        elements("Patient")["name"] = None


def test_importing_the_module_parses_no_type():
    code = "import fhir.spec.elements as e; print(*(f.cache_info().currsize for f in (e._type, e._code_lines)))"

    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TABLES.parents[1]
    )

    assert run.stdout.split() == ["0", "0"]
