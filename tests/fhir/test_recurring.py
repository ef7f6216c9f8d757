from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.profiles.structure import _FAULTLESS, check
from fhir.recurring import LONGEST, MOST, Recurring, written
from fhir.search.extract import _FOUND, extract

CODE = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "HbA1c"}]}
UNIT = {"value": 6.3, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}


def observation(**changes):
    return {"resourceType": "Observation", "status": "final", "code": CODE, "valueQuantity": UNIT, **changes}


def nested(levels):
    extension = {"url": "http://example.org/a", "valueString": "x"}
    for _ in range(levels):
        extension = {"url": "u", "extension": [extension]}
    return {"text": "a", "extension": [extension]}


def test_an_element_without_a_fault_has_none_the_second_time():
    assert check(observation()) == check(observation()) == []


def test_a_fault_is_found_each_time():
    wrong = observation(code={"coding": [{"code": 1}]})

    assert check(wrong) == check(wrong) != []


def test_a_local_reference_is_judged_by_the_resource_around_it():
    held = {"resourceType": "Patient", "id": "p"}

    assert check(observation(subject={"reference": "#p"}, contained=[held])) == []
    assert [one.expression for one in check(observation(subject={"reference": "#p"}))] == [
        "Observation.subject.reference"
    ]


def test_what_may_nest_at_one_place_may_be_too_deep_at_another():
    resource, deep = observation(method=nested(3)), {"url": "u", "valueCodeableConcept": nested(3)}

    assert check(resource, depth=11) == []
    assert [one.code for one in check(observation(extension=[deep]), depth=11)] == ["too-costly"]


def test_the_same_json_at_another_element_is_another_thing():
    first = extract(observation(category=[CODE]))
    second = extract(observation())

    assert len(first.token) > len(second.token)


def test_what_recurs_inside_a_component_belongs_to_the_component_it_is_in():
    one, other = {"code": CODE, "valueQuantity": UNIT}, {"code": CODE, "valueQuantity": {**UNIT, "value": 7}}

    first, second = extract(observation(component=[one, other])), extract(observation(component=[other, one, one]))

    assert {row[1] for row in first.composite} == {1, 2}
    by_value = {row[4]: row[1] for row in first.composite if row[4]}
    assert by_value == {6.3: 1, 7.0: 2}
    assert [row[1] for row in second.composite if row[4] == 6.3 and row[2]] == [2, 2, 3, 3]
    assert {row for row in first.quantity if row[2] == 7} == {row for row in second.quantity if row[2] == 7} != set()


def test_an_exact_reading_is_checked_without_being_known():
    assert check(observation(valueQuantity={**UNIT, "value": Decimal("6.30")})) == []
    assert written({"value": Decimal("6.30")}) is None
    assert written({"value": "\ud800"}) is None


def test_so_much_is_known_at_a_time():
    known: Recurring[int] = Recurring()

    for number in range(MOST + 1):
        known.keep((number, 0, b"{}"), number)
    known.keep((0, 0, b"x" * (LONGEST + 1)), 0)

    assert known.known == {(MOST, 0, b"{}"): MOST}


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.sampled_from(["a", "", "#x", "%"])
)
ELEMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["coding", "code", "system", "value", "unit", "extension", "url"]), inner),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", ["code", "category", "valueQuantity", "subject", "referenceRange", "component"])
@given(element=ELEMENTS)
def test_to_know_an_element_changes_nothing(name, element):
    resource = observation(**{name: element})
    _FAULTLESS.known.clear()
    _FOUND.known.clear()

    first, rows = check(resource), extract(resource)

    assert (check(resource), extract(resource)) == (first, rows)
