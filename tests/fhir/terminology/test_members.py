"""What is in a value set: yes, no, or that it cannot be told; without end it is not looked for."""

import json
from typing import Any

import pytest

from fhir.errors import TooCostly
from fhir.profiles.definitions import Definition, Definitions
from fhir.terminology import members as members_module
from fhir.terminology import value_set as value_set_module
from fhir.terminology.members import Members, Unlisted, contains, distinct
from fhir.terminology.sources import Terminology, Versions
from fhir.terminology.value_set import compiled, value_set
from tests.terminology import DISEASE, a_code_system, a_filter, a_value_set

NS = "http://example.org/ValueSet/"


def known(*resources: dict[str, Any], versions: Versions | None = None) -> Terminology:
    definitions = [
        Definition(one["resourceType"], one["url"], one.get("version", ""), json.dumps(one).encode().__bytes__)
        for one in resources
    ]
    return Terminology((Definitions(definitions),), versions)


def members_of(*include: dict[str, Any], exclude: list[dict[str, Any]] | None = None) -> Members:
    return compiled(known(a_code_system()), a_value_set(NS + "v", *include, exclude=exclude))


def codes_of(members: Members) -> list[str]:
    return [one.code for one in distinct(members)]


def listed(system: str, *codes: str) -> dict[str, Any]:
    return {"system": system, "concept": [{"code": code} for code in codes]}


def test_a_code_that_comes_twice_is_listed_once_where_it_came_first() -> None:
    found = members_of(listed(DISEASE, "N18", "E10"), listed("urn:o", "E10"), a_filter("concept", "is-a", "E11"))
    again = members_of(listed(DISEASE, "N18", "E10"), listed(DISEASE, "E10", "N08"))

    assert codes_of(found) == ["N18", "E10", "E10", "E11", "E11.2"]
    assert codes_of(again) == ["N18", "E10", "N08"]


UNKNOWN = {"system": "urn:unknown"}


@pytest.mark.parametrize(
    ("members", "answers"),
    [
        (members_of(listed(DISEASE, "E10"), UNKNOWN), (True, False, None)),
        (members_of(listed(DISEASE, "E10"), exclude=[UNKNOWN]), (True, False, False)),
        (members_of(listed("urn:unknown", "E10"), exclude=[UNKNOWN]), (False, False, None)),
        (members_of({"system": DISEASE}, exclude=[listed(DISEASE, "E10")]), (False, True, False)),
        (members_of({**listed(DISEASE, "E10"), "valueSet": [NS + "none"]}), (None, False, False)),
        (members_of({"valueSet": [NS + "none"]}), (None, None, None)),
        (members_of(a_filter("concept", "is-a", "none")), (None, None, False)),
    ],
    ids=["beside", "without", "of", "excluded", "in common", "nothing known", "an unknown filter"],
)
def test_what_is_not_known_decides_nothing_and_the_rest_is_decided(
    members: Members, answers: tuple[bool | None, ...]
) -> None:
    asked = [(DISEASE, "E10"), (DISEASE, "N18"), ("urn:unknown", "E10")]

    assert tuple(contains(members, *one) for one in asked) == answers


def test_what_cannot_be_listed_says_why() -> None:
    members = members_of(listed(DISEASE, "E10"), UNKNOWN)

    assert members.unlisted == "The code system urn:unknown is not known here"
    with pytest.raises(Unlisted, match="urn:unknown"):
        codes_of(members)


def test_a_circle_is_told_and_what_is_in_none_of_it_is_known_afterwards() -> None:
    one = a_value_set(NS + "one", {"valueSet": [NS + "two"]})
    two = a_value_set(NS + "two", listed(DISEASE, "E10"), {"valueSet": [NS + "one", NS + "three"]})
    three = a_value_set(NS + "three", listed(DISEASE, "N18"))
    terminology = known(one, two, three)

    assert "includes itself" in value_set(terminology, NS + "one").unlisted
    assert "includes itself" in value_set(terminology, NS + "two").unlisted
    assert codes_of(value_set(terminology, NS + "three")) == ["N18"]


def test_value_sets_that_multiply_each_other_end() -> None:
    """Each of 16 includes the next one ten times over: 10^16 ways, if each was gone."""
    levels = [
        a_value_set(f"{NS}{level}-{copy}", *({"valueSet": [f"{NS}{level + 1}-{n}"]} for n in range(10)))
        for level in range(14)
        for copy in range(10)
    ]
    leaves = [a_value_set(f"{NS}14-{copy}", {"valueSet": [f"{NS}0-0"]}) for copy in range(10)]

    circle = value_set(known(*levels, *leaves), NS + "0-0")
    tree = value_set(
        known(*levels, *(a_value_set(f"{NS}14-{n}", listed("urn:s", str(n))) for n in range(10))), NS + "0-0"
    )

    assert circle.unlisted
    assert "too long" in tree.unlisted


def test_filters_of_large_systems_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_set_module, "MOST_STEPS", 1_030)

    assert members_of(*[a_filter("code", "regex", "E.*")] * 4).unlisted == ""
    assert "too long" in members_of(*[a_filter("code", "regex", "E.*")] * 5).unlisted


def test_a_list_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members_module, "MOST_STEPS", 10)
    members = members_of({"system": DISEASE}, exclude=[listed("urn:o", "a"), listed("urn:o", "b")])

    with pytest.raises(TooCostly):
        codes_of(members)


def test_a_version_that_is_not_known_is_replaced_and_one_that_is_forced_wins() -> None:
    resources = (
        a_code_system(version="1", concept=[{"code": "one"}]),
        a_code_system(version="2", concept=[{"code": "two"}]),
    )
    own = a_value_set(NS + "v", {"system": DISEASE, "version": "1"})
    other = a_value_set(NS + "v", {"system": DISEASE, "version": "9"})

    assert codes_of(compiled(known(*resources), own)) == ["one"]
    assert codes_of(compiled(known(*resources), other)) == ["two"]
    assert codes_of(compiled(known(*resources, versions=Versions(forced={DISEASE: "2"})), own)) == ["two"]
    assert codes_of(
        compiled(known(*resources, versions=Versions({DISEASE: "1"})), a_value_set(NS + "v", {"system": DISEASE}))
    ) == ["one"]


@pytest.mark.parametrize(
    "broken",
    [
        {"compose": {"include": [{"system": DISEASE, "concept": [{}]}]}},
        {"compose": {"include": 1}},
        {"compose": {"include": [{"system": DISEASE, "filter": [1]}]}},
        {"compose": [], "expansion": []},
    ],
)
def test_a_value_set_that_is_malformed_is_not_known(broken: dict[str, Any]) -> None:
    made = compiled(known(a_code_system()), {"resourceType": "ValueSet", "url": NS + "v", **broken})

    assert contains(made, DISEASE, "E10") is None
    assert made.unlisted


def test_an_excerpt_of_loinc_that_calls_itself_complete_is_a_fragment() -> None:
    loinc = a_code_system("http://loinc.org", concept=[{"code": "4548-4"}])

    found = compiled(known(loinc), a_value_set(NS + "v", {"system": "http://loinc.org"}))

    assert (contains(found, "http://loinc.org", "4548-4"), contains(found, "http://loinc.org", "1-1")) == (True, None)
