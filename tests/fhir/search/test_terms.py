"""What stands for codes is found however deep it lies in a query, and codes take its place."""

import pytest

from fhir.errors import NotSupported
from fhir.search.asked import criteria
from fhir.search.query import Query, parse
from fhir.search.run import plan
from fhir.search.terms import terms, with_codes
from fhir.search.values import CodesValue, Numbers, TermValue

SET = "http://example.org/vs"
CODES = CodesValue(1, Numbers([2, 3]))


@pytest.mark.parametrize(
    ("type_name", "pairs", "modifiers"),
    [
        ("Condition", [("code:in", SET)], ["in"]),
        ("Condition", [("code:not-in", SET), ("code", "a")], ["not-in", None]),
        ("Condition", [("code:below", "urn:s|a,urn:s|b")], ["in"]),
        ("Condition", [("patient.gender:in", SET)], ["in"]),
        ("Patient", [("_has:Condition:patient:code:above", "urn:s|a")], ["in"]),
        ("Patient", [("_filter", f"not (gender in {SET}) or gender eq male")], ["in", None]),
    ],
)
def test_codes_take_the_place_of_what_stood_for_them(
    type_name: str, pairs: list[tuple[str, str]], modifiers: list[str | None]
) -> None:
    query = parse(type_name, pairs, lenient=False)

    made = with_codes(query, {term: [CODES] for term in terms(query)})

    assert query.has_terms
    found = [one for asked in made.criteria for one in criteria(asked)]
    assert [one.modifier for one in found] == modifiers
    assert not any(isinstance(value, TermValue) for one in found for value in one.values)


def test_what_nothing_is_in_is_found_nowhere_instead_of_anywhere() -> None:
    query = parse("Condition", [("code:in", SET)], lenient=False)

    made = with_codes(query, {term: [] for term in terms(query)})

    shape, values = plan(made)
    assert [part.values for part in shape.criteria] == [("codes",)]  # type: ignore[union-attr]
    assert values["c0_0_codes"] == ()


def test_a_query_without_terms_says_so() -> None:
    assert not parse("Condition", [("code", "a"), ("code:missing", "true")], lenient=False).has_terms
    assert not Query("Condition").has_terms


def test_a_search_that_nobody_put_codes_into_is_refused() -> None:
    with pytest.raises(NotSupported, match="needs a terminology"):
        plan(parse("Condition", [("code:in", SET)], lenient=False), None)
