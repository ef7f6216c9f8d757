"""Whatever a sender writes, the check answers; it neither raises nor runs away."""

from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir.profiles.structure import check
from fhir.spec.elements import CONCRETE_TYPES, properties

REFERENCE = {"reference": "#o"}
DOCUMENT = {
    "resourceType": "Bundle",
    "type": "document",
    "identifier": {"system": "urn:a", "value": "1"},
    "timestamp": "2024-05-01T00:00:00Z",
    "entry": [
        {
            "fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
            "resource": {
                "resourceType": "Composition",
                "status": "final",
                "type": {"text": "a"},
                "date": "2024",
                "author": [REFERENCE],
                "title": "a",
                "contained": [{"resourceType": "Organization", "id": "o", "name": "a", "_name": {"id": "n"}}],
            },
        },
        {
            "fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e1",
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "urn:a", "code": "a"}]},
                "valueQuantity": {"value": 1.5, "code": "g", "system": "urn:a"},
                "effectivePeriod": {"start": "2024-05-01T00:00:00Z", "end": "2024-05-01"},
                "component": [{"code": {"coding": [{"code": "b"}]}, "valueString": "a"}],
                "extension": [{"url": "urn:a", "valueDecimal": 1}],
            },
        },
    ],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["#o", "#", "2024-02-30"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["id", "url", "resourceType", "extension"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def holders(value):
    """Return every object and array in a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, (dict, list)) and value else []
    return own + [holder for member in inside for holder in holders(member)]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_document_with_anything_anywhere_is_answered(data):
    document = deepcopy(DOCUMENT)
    for _ in range(data.draw(st.integers(1, 3))):
        holder = data.draw(st.sampled_from(holders(document)))
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        holder[key] = data.draw(json_values)

    issues = check(document, entries=True)

    assert len(issues) <= 100
    assert all(issue.diagnostics and issue.expression for issue in issues)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_resource_of_any_type_with_anything_in_its_elements_is_answered(data):
    name = data.draw(st.sampled_from(sorted(CONCRETE_TYPES)))
    members = data.draw(st.dictionaries(st.sampled_from(sorted(properties(name))), json_values, max_size=4))

    issues = check({"resourceType": name, **members}, entries=True)

    assert all(issue.severity == "error" for issue in issues)


def test_the_document_itself_is_valid():
    assert check(DOCUMENT, entries=True) == []
