import pytest

from fhir.errors import InvalidValue
from fhir.search import reference
from fhir.search.hashing import hash64
from fhir.search.values import ReferenceValue

BASE = "https://hub.example.jp/fhir"


def rows(value, type_name="Reference"):
    return reference.extractors(BASE)[type_name](value)


@pytest.mark.parametrize(
    ("text", "indexed"),
    [
        ("Patient/f001", "Patient/f001"),
        ("Patient/f001/_history/2", "Patient/f001"),
        (f"{BASE}/Patient/f001", "Patient/f001"),
        (f"{BASE}/Patient/f001/_history/2", "Patient/f001"),
        ("https://other.example.jp/fhir/Patient/f001", "https://other.example.jp/fhir/Patient/f001"),
        (f"{BASE}2/Patient/f001", f"{BASE}2/Patient/f001"),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
    ],
)
def test_a_reference_is_found_by_what_it_points_to(text, indexed):
    assert rows({"reference": text}) == [(hash64(indexed),)]


@pytest.mark.parametrize(
    "value", [{"reference": "#p1"}, {"identifier": {"value": "1"}}, {"display": "山田"}, {"reference": ""}]
)
def test_a_contained_or_logical_reference_has_no_row(value):
    assert rows(value) == []


def test_a_canonical_is_found_with_and_without_its_version():
    url = "http://example.org/Questionnaire/q"

    assert rows(f"{url}|2.0", "canonical") == [(hash64(f"{url}|2.0"),), (hash64(url),)]
    assert rows(url, "canonical") == rows(url, "uri") == [(hash64(url),)]


def test_a_resource_in_the_place_of_a_reference_is_found_by_its_id():
    assert rows({"resourceType": "Composition", "id": "c1"}, "Resource") == [(hash64("Composition/c1"),)]
    assert rows({"resourceType": "Composition"}, "Resource") == []


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ({"reference": "Patient/1"}, True),
        ({"reference": "Group/1"}, False),
        ({"reference": "Patient/1/_history/2"}, True),
        ({"reference": "https://x.example/fhir/Patient/1"}, True),
        ({"reference": "https://x.example/Patient/Group/1"}, False),
        ({"reference": "urn:uuid:1", "type": "Patient"}, True),
        ({"reference": "urn:uuid:1", "type": "Group"}, False),
        ({"reference": "urn:uuid:1"}, True),
        ({"reference": "#p"}, True),
        ({"identifier": {"value": "1"}, "type": "Group"}, False),
        ({"display": "someone"}, True),
        ("Patient/1", False),
    ],
)
def test_the_text_of_a_reference_tells_its_type_or_else_its_type_element(value, holds):
    assert reference.resolves_to(value, "Patient") is holds


@pytest.mark.parametrize(
    ("text", "targets", "texts"),
    [
        ("f001", ("Patient",), ["Patient/f001"]),
        ("f001", ("Group", "Patient"), ["Group/f001", "Patient/f001"]),
        ("Patient/f001", ("Group", "Patient"), ["Patient/f001"]),
        (f"{BASE}/Patient/f001", ("Patient",), ["Patient/f001"]),
        ("http://x.example/Patient/f001", ("Patient",), ["http://x.example/Patient/f001"]),
        (r"http://example.org/q\|2.0", ("Questionnaire",), ["http://example.org/q|2.0"]),
        ("http://example.org/q|2.0", ("Questionnaire",), ["http://example.org/q|2.0"]),
        ("urn:oid:1.2.3", ("Patient",), ["urn:oid:1.2.3"]),
    ],
    ids=["id", "id of several types", "type and id", "own url", "url", "canonical", "bare bar", "urn"],
)
def test_a_query_means_every_target_its_text_can_mean(text, targets, texts):
    found = reference.parse(text, targets, BASE)

    assert found == ReferenceValue(tuple(map(hash64, texts)), elsewhere=":" in texts[0])


def test_nothing_is_not_a_reference():
    with pytest.raises(InvalidValue, match="not a reference"):
        reference.parse("", ("Patient",))
