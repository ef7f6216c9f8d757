import pytest

from fhir.search.query import parse
from fhir.search.run import plan


@pytest.mark.parametrize(
    ("type_name", "query", "least", "most"),
    [
        ("Observation", [("code", "x"), ("date", "2020"), ("_sort", "-date")], 3, 3),
        ("Observation", [("subject:Patient.name", "x")], 2, 2),
        ("Patient", [("_has:Observation:patient:code", "x")], 2, 2),
        ("Observation", [("_filter", "code eq x and date gt 2020")], 2, 2),
        ("Observation", [("_sort", "performer.name")], 4, 10),
        ("Composition", [("entry.code", "x")], 30, 200),
    ],
)
def test_a_query_is_as_large_as_what_its_chains_lead_to(
    type_name: str, query: list[tuple[str, str]], least: int, most: int
) -> None:
    whole, _ = plan(parse(type_name, query, lenient=False))

    assert least <= whole.size <= most
