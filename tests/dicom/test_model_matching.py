"""Conditions on what is not indexed, asked of DICOM JSON."""

import pytest

from dicom.attributes import Level
from dicom.matching import parse_query
from dicom.model_matching import meets

INSTITUTION = "00080080"


def met(model, name, value):
    query = parse_query(Level.INSTANCE, [(name, value)], max_limit=10)
    return meets(model, query.unindexed)


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("Ärztehaus", "Ärzte*", True),
        ("東京ABC病院", "東京ABC*", True),
        ("東京ABC病院", "*abc*", True),
        ("St. Luke's", "st? l*S", True),
        ("abcabc", "*abc", True),
        ("abcabd", "*abc", False),
        ("abc", "abc*c", False),
        ("abcc", "abc*c", True),
        ("a.b", "a?b*", True),
        ("axb", "a.b*", False),
        ("one\ntwo", "one*two", True),
        ("100%_/", "100%_/*", True),
        ("100xx/", "100%_/*", False),
    ],
)
def test_wildcards_of_any_script_are_met(text, pattern, expected):
    assert met({INSTITUTION: {"vr": "LO", "Value": [text]}}, "InstitutionName", pattern) is expected


def test_a_pattern_of_many_stars_is_answered_at_once():
    model = {INSTITUTION: {"vr": "LO", "Value": ["a" * 5_000]}}

    assert not met(model, "InstitutionName", "*a" * 100 + "*b")
    assert met(model, "InstitutionName", "*a" * 100 + "*")


@pytest.mark.parametrize("name", ["InstitutionName", "RequestAttributesSequence.RequestedProcedureID"])
@pytest.mark.parametrize("found", [5, None, "x", ["x"], [None], [5], {"a": 1}, [{"00401001": "x"}]])
def test_what_is_no_dicom_json_meets_nothing_and_breaks_nothing(name, found):
    model = {tag: {"vr": "LO", "Value": found} for tag in (INSTITUTION, "00400275")}

    assert not met(model, name, "nothing")
