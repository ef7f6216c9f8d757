"""Is a code in a value set, as far as can be told?"""

from typing import Any

import pytest

from fhir.profiles.value_sets import members
from fhir.terminology.members import contains
from tests.profiles import HERE, a_value_set, loaded

SYSTEM = "http://example.org/codes"
CODES: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": SYSTEM,
    "version": "1",
    "status": "active",
    "content": "complete",
    "concept": [
        {"code": "a", "concept": [{"code": "a1", "concept": [{"code": "a11"}]}]},
        {"code": "b", "property": [{"code": "kind", "valueCode": "rare"}, {"code": "parent", "valueCode": "a"}]},
    ],
}


def a_set(*includes: dict[str, Any], exclude: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    made = a_value_set("V", SYSTEM)
    made["compose"] = {"include": list(includes), **({"exclude": exclude} if exclude else {})}
    return made


def a_filter(name: str, operation: str, value: str) -> dict[str, Any]:
    return {"system": SYSTEM, "filter": [{"property": name, "op": operation, "value": value}]}


@pytest.mark.parametrize(
    ("value_set", "inside"),
    [
        (a_set({"system": SYSTEM}), {"a", "a1", "a11", "b"}),
        (a_set({"system": SYSTEM, "concept": [{"code": "z"}]}), {"z"}),
        (a_set({"system": SYSTEM}, exclude=[{"system": SYSTEM, "concept": [{"code": "a"}]}]), {"a1", "a11", "b"}),
        (a_set(a_filter("concept", "is-a", "a")), {"a", "a1", "a11", "b"}),
        (a_set(a_filter("concept", "descendent-of", "a1")), {"a11"}),
        (a_set(a_filter("concept", "is-not-a", "a1")), {"a", "b"}),
        (a_set(a_filter("kind", "=", "rare")), {"b"}),
        (a_set(a_filter("code", "in", "a, b")), {"a", "b"}),
        (a_set({"valueSet": [HERE + "W"]}), {"a", "y"}),
        (a_set({"system": SYSTEM, "valueSet": [HERE + "W"]}), {"a"}),
    ],
    ids=["whole", "listed", "excluded", "is-a", "descendent", "is-not-a", "property", "in", "another", "both"],
)
def test_codes_of_a_loaded_system(value_set: dict[str, Any], inside: set[str]) -> None:
    found = members(HERE + "V", loaded(value_set, CODES, a_value_set("W", SYSTEM, "a", "y")))

    assert {code for code in ("a", "a1", "a11", "b", "z", "y") if contains(found, SYSTEM, code)} == inside
    assert contains(found, SYSTEM, "other") is False
    assert contains(found, "urn:other", "a") is False


@pytest.mark.parametrize(
    "value_set",
    [
        a_set({"system": "urn:not-loaded"}),
        a_set({"system": "urn:not-loaded", "filter": [{"property": "concept", "op": "is-a", "value": "x"}]}),
        a_set({"valueSet": [HERE + "not-loaded"]}),
        a_set({"valueSet": [HERE + "V"]}),
        {**a_set(), "compose": {}},
    ],
    ids=["whole system", "filtered system", "value set", "itself", "nothing"],
)
def test_what_is_not_loaded_is_not_decided(value_set: dict[str, Any]) -> None:
    found = members(HERE + "V", loaded(value_set))

    assert contains(found, "urn:not-loaded", "x") is None


def test_a_filter_that_is_not_known_is_not_decided() -> None:
    found = members(HERE + "V", loaded(a_set(a_filter("concept", "resembles", "a")), CODES))

    assert contains(found, SYSTEM, "zzz") is None


def test_an_expansion_stands_for_what_cannot_be_composed() -> None:
    published = a_set({"system": "urn:not-loaded"})
    published["expansion"] = {
        "contains": [{"system": "urn:not-loaded", "code": "x", "contains": [{"system": "urn:not-loaded", "code": "y"}]}]
    }

    found = members(HERE + "V", loaded(published))

    assert [contains(found, "urn:not-loaded", code) for code in ("x", "y", "z")] == [True, True, False]


def test_a_part_of_an_expansion_decides_nothing() -> None:
    published = a_set({"system": "urn:not-loaded"})
    published["expansion"] = {"total": 2, "contains": [{"system": "urn:not-loaded", "code": "x"}]}

    assert contains(members(HERE + "V", loaded(published)), "urn:not-loaded", "z") is None
