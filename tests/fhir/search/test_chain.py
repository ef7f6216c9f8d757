import pytest

from fhir.errors import InvalidValue, NotSupported, TooCostly, UnknownParameter
from fhir.search.asked import Chain, Has, criteria, steps
from fhir.search.criterion import Region, parse
from fhir.search.query import parse as parse_query
from fhir.spec.search_parameters import parameters


def asked(type_name, name, text="a"):
    return parse(type_name, name, text, Region())


def test_a_chain_is_a_reference_and_what_is_asked_of_its_target():
    chain = asked("Observation", "subject:Patient.name:exact")

    assert chain == Chain(parameters("Observation")["subject"], (("Patient", asked("Patient", "name:exact")),))


def test_a_chain_over_a_reference_to_several_types_asks_those_that_have_the_parameter():
    chain = asked("Observation", "subject.identifier")

    assert [target for target, _ in chain.branches] == ["Device", "Group", "Location", "Patient"]
    assert [target for target, _ in asked("Observation", "subject.address").branches] == ["Location", "Patient"]


def test_has_is_a_reference_backwards_and_what_is_asked_of_its_source():
    has = asked("Patient", "_has:Observation:patient:performer:Practitioner.name")

    inner = asked("Observation", "performer:Practitioner.name")
    assert has == Has(parameters("Observation")["patient"], inner)


def test_what_is_inside_is_counted():
    chain = asked("Observation", "subject._has:Observation:subject:code", "a,b")

    assert steps(chain) == 8
    assert sum(len(one.values) for one in criteria(chain)) == 8


@pytest.mark.parametrize(
    ("type_name", "name", "error", "text"),
    [
        ("Observation", "colour.name", UnknownParameter, "Observation has no search parameter 'colour'"),
        ("Observation", "subject.colour", UnknownParameter, "has no search parameter 'colour'"),
        ("Observation", "status.name", InvalidValue, "status of Observation is no reference"),
        ("Observation", "patient:Group.name", InvalidValue, "refers to no 'Group'"),
        ("Observation", "subject:Patient.name:not", NotSupported, "modifier :not is not supported on name"),
        ("Measure", "depends-on:Library.name", NotSupported, "canonical"),
        ("Patient", "_has:Observation:patient", InvalidValue, "not _has:"),
        ("Patient", "_has:Observation:patient:", InvalidValue, "not _has:"),
        ("Patient", "_has:Nothing:patient:code", InvalidValue, "'Nothing' is no resource type"),
        ("Patient", "_has:Observation:encounter:code", InvalidValue, "refers to no Patient"),
        ("Patient", "_has:Observation:colour:code", UnknownParameter, "colour"),
        ("Observation", "has-member:Observation." * 6 + "code", TooCostly, "at most 4 references"),
    ],
)
def test_a_chain_that_cannot_be_followed_is_refused_by_name(type_name, name, error, text):
    with pytest.raises(error, match=text) as refusal:
        asked(type_name, name)

    assert refusal.value.expression == name


def test_a_search_follows_a_bounded_number_of_references():
    with pytest.raises(TooCostly, match="at most 30 references"):
        parse_query("Observation", [("subject.identifier", str(number)) for number in range(8)], lenient=True)
