import pytest

from fhir.errors import InvalidValue, NotSupported
from fhir.search import control
from fhir.search.control import Include


def fields(*pairs):
    found = {}
    for name, text in pairs:
        control.read(found, name, text)
    return found


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("_count", "50", {"count": 50}),
        ("_count", "0", {"count": 0}),
        ("_total", "accurate", {"total": "accurate"}),
        ("_summary", "count", {"summary": "count"}),
        ("_elements", "identifier,name.family", {"elements": ("identifier", "name.family")}),
        ("_cursor", "bzoxMjM", {"cursor": "bzoxMjM"}),
        ("_format", "json", {}),
        ("_pretty", "true", {}),
        ("_contained", "false", {}),
        (
            "_include",
            "Observation:patient",
            {"includes": (Include("Observation:patient", reverse=False, iterate=False),)},
        ),
        (
            "_revinclude:iterate",
            "Provenance:target",
            {"includes": (Include("Provenance:target", reverse=True, iterate=True),)},
        ),
    ],
)
def test_a_control_parameter_sets_its_field(name, text, expected):
    assert fields((name, text)) == expected


def test_includes_are_collected_in_order():
    found = fields(("_include", "A:b"), ("_revinclude", "C:d"), ("_include:iterate", "E:f"))

    assert [include.text for include in found["includes"]] == ["A:b", "C:d", "E:f"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("_count", "-1"),
        ("_count", "many"),
        ("_count", "１０"),
        ("_count", ""),
        ("_total", "exact"),
        ("_summary", ""),
        ("_elements", "name,"),
        ("_elements", "na me"),
        ("_cursor", ""),
        ("_include", ""),
    ],
)
def test_a_value_of_another_form_is_refused_with_its_parameter(name, text):
    with pytest.raises(InvalidValue) as refusal:
        fields((name, text))

    assert refusal.value.expression == name


def test_a_parameter_that_counts_once_is_refused_the_second_time():
    with pytest.raises(InvalidValue, match="_count is there twice"):
        fields(("_count", "10"), ("_count", "10"))


@pytest.mark.parametrize(
    "name",
    [
        "_list",
        "_filter",
        "_containedType",
        "_count:exact",
        "_include:recurse",
        "_summary:missing",
    ],
)
def test_what_is_not_supported_is_refused_by_name(name):
    with pytest.raises(NotSupported, match=name):
        fields((name, "1"))
