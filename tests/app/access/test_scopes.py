"""Scopes: how they are read, what is left of them, and which a hub that cannot enforce them does not grant."""

import pytest

from app.access.scopes import InvalidScope, granted, parse

BOTH = frozenset({"patient", "user"})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("patient/Observation.read", "patient/Observation.rs"),
        ("user/*.write", "user/*.cud"),
        ("system/Patient.*", "system/Patient.cruds"),
        ("patient/Observation.rs?category=laboratory", "patient/Observation.rs?category=laboratory"),
        ("ITI-67", "system/DocumentReference.rs"),
    ],
)
def test_a_scope_of_either_version_is_one_value(text: str, meant: str) -> None:
    assert [str(one) for one in parse(text).resources] == [meant]


@pytest.mark.parametrize(
    "text",
    [
        *("patient/Observation", "patient/Observation.sr", "patient/Observation.x", "patient/Nothing.rs", "all"),
        *("patient/Observation.rs?", "patient/Observation.rs?category", "patient/Observation.rs?nothing=1"),
        *("patient/*.rs?category=laboratory", "patient/Observation.rs?category:not=laboratory"),
        *("patient/Observation.rs?subject.name=a", "patient/Observation.rs?_has:Provenance:target:agent=1"),
        *("patient/Observation.rs?code:in=http://example.org/vs", "patient/Observation.rs?_content=a"),
        *("patient/Observation.rs?date=ap2024", "patient/Observation.rs?code:missing=false", "ITI-0"),
        *("patient/Observation.rs?_count=1", "patient/Observation.rs?_sort=date"),
    ],
)
def test_what_cannot_be_enforced_is_no_scope(text: str) -> None:
    with pytest.raises(InvalidScope):
        parse(text)


@pytest.mark.parametrize(
    ("asked", "allowed", "given"),
    [
        ("user/Observation.rs", "user/*.rs", "user/Observation.rs"),
        ("user/Observation.cruds", "user/*.rs", "user/Observation.rs"),
        ("user/*.read", "user/Patient.rs user/Observation.r", "user/Patient.rs user/Observation.r"),
        ("patient/Observation.rs", "patient/Observation.rs?category=a", "patient/Observation.rs?category=a"),
        ("patient/Observation.rs?category=b", "patient/Observation.rs?category=a", ""),
        ("system/*.rs", "system/*.rs user/*.rs", ""),
        ("openid fhirUser launch", "openid launch", "openid launch"),
        ("", "user/Patient.rs openid", "user/Patient.rs openid"),
        ("user/Nothing.rs user/Patient.rs", "user/*.rs", "user/Patient.rs"),
    ],
)
def test_no_more_is_granted_than_is_allowed(asked: str, allowed: str, given: str) -> None:
    scopes, _ = granted(asked, allowed, BOTH)

    assert scopes.text == given


def test_what_is_left_out_is_told() -> None:
    _, left = granted("user/Nothing.rs system/*.rs", "user/*.rs system/*.rs", BOTH)

    assert left == [
        "Nothing is not a resource type of R4",
        "system/*.rs is not allowed to this client, or not in this way",
    ]
