import pytest

from fhir.spec.search_paths import resolve

PROFILE = "http://hl7.org/fhir/StructureDefinition/"

ELEMENTS = {
    "Observation.id": {"type": [{"code": "http://hl7.org/fhirpath/System.String"}]},
    "Observation.extension": {"type": [{"code": "Extension"}]},
    "Observation.subject": {"type": [{"code": "Reference", "targetProfile": [f"{PROFILE}Patient", f"{PROFILE}Group"]}]},
    "Observation.focus": {"type": [{"code": "Reference"}]},
    "Observation.value[x]": {"type": [{"code": "Quantity"}, {"code": "CodeableConcept"}, {"code": "dateTime"}]},
    "Observation.component": {"type": [{"code": "BackboneElement"}]},
    "Observation.component.code": {"type": [{"code": "CodeableConcept"}]},
    "Observation.referenceRange": {"type": [{"code": "BackboneElement"}]},
    "Observation.referenceRange.text": {"type": [{"code": "string"}]},
    "Observation.component.referenceRange": {"contentReference": "#Observation.referenceRange"},
    "CodeableConcept.text": {"type": [{"code": "string"}]},
    "Extension.value[x]": {"type": [{"code": "boolean"}]},
    "Patient.id": {"type": [{"code": "http://hl7.org/fhirpath/System.String"}]},
}


def steps_and_type(expression, context="Observation"):
    return [(place.steps, place.type) for place in resolve(expression, context, ELEMENTS)]


@pytest.mark.parametrize(
    ("expression", "places"),
    [
        ("Resource.id", [(("id",), "id")]),
        ("DomainResource.id", [(("id",), "id")]),
        (
            "Observation.value",
            [
                (("valueQuantity",), "Quantity"),
                (("valueCodeableConcept",), "CodeableConcept"),
                (("valueDateTime",), "dateTime"),
            ],
        ),
        ("(Observation.value as Quantity)", [(("valueQuantity",), "Quantity")]),
        ("(Observation.value as CodeableConcept).text", [(("valueCodeableConcept", "text"), "string")]),
        ("Observation.component.code", [(("component", "code"), "CodeableConcept")]),
        (
            "Observation.component.referenceRange.text",
            [(("component", "referenceRange", "text"), "string")],
        ),
        ("Observation.component[0].code", [(("component", "#0", "code"), "CodeableConcept")]),
        ("Observation.component.where(a='b')", [(("component", "?a=b"), "BackboneElement")]),
        (
            "Observation.extension('http://x.y').value",
            [(("extension", "?url=http://x.y", "valueBoolean"), "boolean")],
        ),
        ("Observation.subject.where(resolve() is Patient)", [(("subject", "->Patient"), "Reference")]),
        (
            "Observation.value.exists() and Observation.value != false",
            [(("!valueQuantity,valueCodeableConcept,valueDateTime",), "boolean")],
        ),
        ("Observation", [((), "Observation")]),
    ],
)
def test_an_expression_becomes_the_keys_it_walks_and_the_type_it_ends_in(expression, places):
    assert steps_and_type(expression) == places


def test_branches_of_other_types_are_left_out():
    assert steps_and_type("Patient.id | Observation.id | Unheard.of") == [(("id",), "id")]


def test_a_component_is_relative_to_its_composite_or_to_the_resource():
    assert steps_and_type("code", "Observation.component") == [(("code",), "CodeableConcept")]
    assert steps_and_type("value.as(DateTime)") == [(("valueDateTime",), "dateTime")]
    assert steps_and_type("%resource.id", "Observation.component") == [(("%resource", "id"), "id")]


@pytest.mark.parametrize(
    ("expression", "targets"),
    [
        ("Observation.subject", ("Patient", "Group")),
        ("Observation.subject.where(resolve() is Patient)", ("Patient",)),
        ("Observation.focus", ("Resource",)),
        ("Observation.component.code", ()),
    ],
)
def test_a_place_knows_what_it_may_refer_to(expression, targets):
    (place,) = resolve(expression, "Observation", ELEMENTS)

    assert place.targets == targets


def test_only_an_element_of_the_resource_itself_can_be_asked_for_being_there():
    nested = "Observation.component.code.exists() and Observation.component.code != false"

    with pytest.raises(ValueError, match="of the resource itself"):
        resolve(nested, "Observation", ELEMENTS)


@pytest.mark.parametrize(
    "expression", ["Observation.status", "(Observation.value as Age)", "Observation.id | Observation.nothing"]
)
def test_an_expression_that_leads_nowhere_is_an_error(expression):
    with pytest.raises(ValueError, match="leads nowhere in Observation"):
        resolve(expression, "Observation", ELEMENTS)
