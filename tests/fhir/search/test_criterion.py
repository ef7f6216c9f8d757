import datetime as dt

import pytest

from fhir.errors import InvalidValue, NotSupported, UnknownParameter
from fhir.search import criterion, date, number, quantity, string, token, uri
from fhir.search.asked import Criterion
from fhir.search.criterion import Region
from fhir.search.hashing import hash64
from fhir.search.values import DateValue, MissingValue, ReferenceValue
from fhir.spec.search_parameters import parameters

REGION = Region("https://hub.example.jp/fhir", dt.UTC)


def parse(name, text, type_name="Observation"):
    return criterion.parse(type_name, name, text, REGION)


@pytest.mark.parametrize(
    ("type_name", "name", "text", "values"),
    [
        (
            "Observation",
            "code",
            "a,http://loinc.org|b",
            (token.parse("a"), token.parse("http://loinc.org|b")),
        ),
        ("Observation", "code", r"a\,b", (token.parse(r"a\,b"),)),
        ("Patient", "name", "山田,田中", (string.parse("山田"), string.parse("田中"))),
        ("Observation", "date", "ge2024-05", (date.parse("ge2024-05", dt.UTC),)),
        ("RiskAssessment", "probability", "gt0.8", (number.parse("gt0.8"),)),
        ("Observation", "value-quantity", "5.4||mg", (quantity.parse("5.4||mg"),)),
        ("Observation", "_profile", "http://x|1", (uri.parse("http://x|1"),)),
        ("Observation", "patient", "f001", (ReferenceValue((hash64("Patient/f001"),)),)),
        (
            "Observation",
            "patient",
            "https://hub.example.jp/fhir/Patient/f001",
            (ReferenceValue((hash64("Patient/f001"),)),),
        ),
    ],
)
def test_a_value_is_read_by_the_type_of_its_parameter(type_name, name, text, values):
    assert parse(name, text, type_name) == Criterion(parameters(type_name)[name], None, values)


@pytest.mark.parametrize(
    ("type_name", "name", "text", "values"),
    [
        ("Patient", "name:exact", "山田", (string.parse("山田"),)),
        ("Patient", "name:contains", "田", (string.parse("田"),)),
        ("Observation", "status:not", "final", (token.parse("final"),)),
        ("Observation", "subject:Patient", "f001", (ReferenceValue((hash64("Patient/f001"),)),)),
        ("Observation", "subject:missing", "true", (MissingValue(missing=True),)),
        ("Observation", "date:missing", "false", (MissingValue(missing=False),)),
    ],
)
def test_a_supported_modifier_is_kept(type_name, name, text, values):
    code, _, modifier = name.partition(":")

    assert parse(name, text, type_name) == Criterion(parameters(type_name)[code], modifier, values)


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("Patient", "name:not"),
        ("Patient", "name:"),
        ("Patient", "gender:text"),
        ("Patient", "name:text"),
        ("Patient", "identifier:in"),
        ("Patient", "active:not-in"),
        ("Patient", "phone:above"),
        ("Observation", "code:of-type"),
        ("Patient", "gender:of-type"),
        ("Measure", "depends-on:identifier"),
        ("Observation", "subject:Medication"),
        ("Observation", "patient:Group"),
        ("Observation", "date:exact"),
    ],
)
def test_another_modifier_is_refused_by_name(type_name, name):
    with pytest.raises(NotSupported, match=f":{name.partition(':')[2]} is not supported") as refusal:
        parse(name, "x", type_name)

    assert refusal.value.expression == name


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("Patient", "_query"),
    ],
)
def test_what_r4_has_and_this_server_does_not_is_refused_by_name(type_name, name):
    with pytest.raises(NotSupported, match=name.partition(":")[0]):
        parse(name, "x", type_name)


@pytest.mark.parametrize("name", ["colour", "colour:exact", "colour.name", "_colour", ""])
def test_what_the_type_does_not_have_is_unknown(name):
    with pytest.raises(UnknownParameter, match="Observation has no search parameter"):
        parse(name, "x")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code", ""),
        ("code", "a,"),
        ("code", "a,,b"),
        ("patient", ""),
        ("date", "yesterday"),
        ("date", "2024,2024-13"),
        ("value-quantity", "high"),
        ("subject:missing", "yes"),
        ("subject:Patient", "Group/1"),
    ],
)
def test_a_value_that_is_empty_or_of_another_form_is_refused_with_its_parameter(name, text):
    with pytest.raises(InvalidValue) as refusal:
        parse(name, text)

    assert refusal.value.expression == name


def test_the_zone_of_the_region_is_that_of_its_dates():
    (value,) = parse("date", "2024-05-06").values

    assert value == DateValue("eq", *date.interval("2024-05-06T00:00:00Z")[:1], date.interval("2024-05-07T00:00Z")[0])
