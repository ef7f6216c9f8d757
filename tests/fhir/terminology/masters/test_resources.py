"""CodeSystems and ConceptMaps are written in pieces, and are what R4 says."""

import json

import pytest

from fhir.profiles.structure import check
from fhir.terminology.masters.concept import concept
from fhir.terminology.masters.resources import BATCH, Edition, Map, NotR4, System, code_system, concept_map

EDITION = Edition("publisher", "20260930", "2026-09-30")
SYSTEM = System("http://example.org/s", "S", "A system", oid="1.2.3")
MAP = Map("a-b", "From a to b", "http://example.org/a", "http://example.org/b")


def an_element(number):
    return {"code": str(number), "target": [{"code": "x", "equivalence": "equivalent"}]}


def test_a_system_larger_than_a_piece_is_one_resource():
    made = code_system(SYSTEM, (concept(str(number), f"名{number}") for number in range(2 * BATCH + 1)), EDITION)

    resource = json.loads(made.body)
    assert check(resource) == []
    assert (made.members, resource["count"], len(resource["concept"])) == (2_001, 2_001, 2_001)
    assert (resource["version"], resource["date"], resource["content"]) == ("20260930", "2026-09-30", "complete")
    assert resource["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}]


def test_concepts_below_concepts_are_counted():
    nested = concept("a", "A") | {"concept": [concept("b", "B") | {"concept": [concept("c", "C")]}]}

    made = code_system(SYSTEM, [nested, concept("d", "D")], EDITION)

    assert made.members == 4


def test_a_map_larger_than_a_piece_has_one_group():
    made = concept_map(MAP, (an_element(number) for number in range(BATCH + 1)), EDITION)

    resource = json.loads(made.body)
    assert check(resource) == []
    assert made.url == "http://renkei.example/fhir/ConceptMap/a-b"
    assert [len(group["element"]) for group in resource["group"]] == [BATCH + 1]


def test_a_map_of_nothing_is_none():
    assert concept_map(MAP, [], EDITION) is None


def test_a_system_of_nothing_is_a_system():
    assert check(json.loads(code_system(SYSTEM, [], EDITION).body)) == []


@pytest.mark.parametrize("code", [" a", "a  b", ""], ids=["a space before", "two spaces", "empty"])
def test_what_r4_forbids_is_not_written(code):
    with pytest.raises(NotR4, match=r"CodeSystem\.concept\[0\]\.code"):
        code_system(SYSTEM, [concept(code, "A")], EDITION)


def test_an_edition_without_a_date_says_none():
    resource = json.loads(code_system(SYSTEM, [concept("a", "A")], Edition("publisher", "5.17", "")).body)

    assert "date" not in resource
