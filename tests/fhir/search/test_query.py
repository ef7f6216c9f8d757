import datetime as dt

import pytest

from fhir.errors import InvalidValue, NotSupported, UnknownParameter
from fhir.search import date
from fhir.search.asked import Criterion
from fhir.search.query import Query, Sort, parse
from fhir.spec.search_parameters import parameters

OBSERVATION = parameters("Observation")


def test_a_query_is_its_criteria_its_order_and_its_page():
    pairs = [
        ("patient", "f001"),
        ("code", "http://loinc.org|15074-8"),
        ("date", "ge2013-04"),
        ("date", "lt2014"),
        ("_sort", "-date,_id"),
        ("_count", "20"),
        ("_total", "accurate"),
        ("_format", "json"),
    ]

    query = parse("Observation", pairs, lenient=False)

    assert [criterion.parameter.code for criterion in query.criteria] == ["patient", "code", "date", "date"]
    assert query.sort == (
        Sort(Criterion(OBSERVATION["date"], None, ()), descending=True),
        Sort(Criterion(OBSERVATION["_id"], None, ()), descending=False),
    )
    assert (query.type, query.count, query.total, query.ignored) == ("Observation", 20, "accurate", ())


def test_no_parameters_ask_for_everything():
    assert parse("Patient", [], lenient=False) == Query("Patient")


def test_equal_queries_are_equal_keys():
    pairs = [("name", "山田"), ("birthdate", "1970-01-01"), ("_include", "Patient:organization")]

    assert len({parse("Patient", pairs, lenient=False), parse("Patient", pairs, lenient=True)}) == 1


def test_a_page_is_capped():
    assert parse("Patient", [("_count", "5000")], lenient=False).count == 1000
    assert parse("Patient", [("_count", "5000")], lenient=False, most=50).count == 50


def test_an_unknown_parameter_is_refused_or_noted():
    pairs = [("colour", "red"), ("name", "山田"), ("colour:exact", "blue")]

    with pytest.raises(UnknownParameter, match="colour"):
        parse("Patient", pairs, lenient=False)
    query = parse("Patient", pairs, lenient=True)

    assert query.ignored == (("colour", "red"), ("colour:exact", "blue"))
    assert [criterion.parameter.code for criterion in query.criteria] == ["name"]


def test_an_unknown_key_of_the_order_is_refused_or_noted():
    pairs = [("_sort", "-colour,birthdate")]

    with pytest.raises(UnknownParameter, match="_sort: Patient has no search parameter 'colour'"):
        parse("Patient", pairs, lenient=False)
    query = parse("Patient", pairs, lenient=True)

    assert query.ignored == (("_sort", "-colour"),)
    assert query.sort == (Sort(Criterion(parameters("Patient")["birthdate"], None, ()), descending=False),)


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([("code-value-quantity:not", "a$5")], NotSupported),
        ([("code-value-quantity", "a")], InvalidValue),
        ([("identifier:in", "http://x")], NotSupported),
        ([("subject:Patient.name:not", "a")], NotSupported),
        ([("_filter", "colour eq red")], InvalidValue),
        ([("_sort", "code-value-quantity")], NotSupported),
        ([("_sort:asc", "date")], NotSupported),
        ([("_sort", "date"), ("_sort", "code")], InvalidValue),
        ([("date", "")], InvalidValue),
    ],
)
def test_being_lenient_never_widens_what_was_asked(pairs, error):
    with pytest.raises(error):
        parse("Observation", pairs, lenient=True)


def test_dates_and_references_are_read_as_in_the_region():
    pairs = [("date", "2024"), ("patient", "https://hub.example.jp/fhir/Patient/1")]

    here = parse("Observation", pairs, lenient=False, base_url="https://hub.example.jp/fhir", zone=dt.UTC)

    assert here.criteria[0].values == (date.parse("2024", dt.UTC),)
    assert here.criteria[1] == parse("Observation", [("patient", "Patient/1")], lenient=False).criteria[0]
