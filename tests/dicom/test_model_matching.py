"""Conditions on what is not indexed, asked of DICOM JSON."""

import pytest
from pydicom.datadict import tag_for_keyword

from dicom.attributes import Level
from dicom.matching import InvalidQuery, parse_query
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


def asked(model, *pairs):
    return meets(model, parse_query(Level.INSTANCE, pairs, max_limit=10).unindexed)


@pytest.mark.parametrize(
    ("vr", "keyword", "stored", "query", "expected"),
    [
        ("DS", "SliceThickness", 1.5, "1.50", True),
        ("DS", "SliceThickness", "1.500", "1.5", True),
        ("DS", "SliceThickness", "1.5E0", "15e-1", True),
        ("DS", "SliceThickness", 1.5, "1.6", False),
        ("DS", "SliceThickness", "thin", "1.5", False),
        ("DS", "SliceThickness", 2, "1\\2.0", True),
        ("IS", "AcquisitionNumber", 1, "1.0", True),
        ("IS", "AcquisitionNumber", "1", "01", True),
        ("IS", "AcquisitionNumber", "01", "1", True),
        ("IS", "AcquisitionNumber", True, "1", False),
        ("FL", "ExaminedBodyThickness", 0.10000000149011612, "0.1", True),
        ("FL", "ExaminedBodyThickness", 1e300, "0.1", False),
        ("FD", "RealWorldValueSlope", 0.1, "0.1", True),
        ("FD", "RealWorldValueSlope", 0.1, "0.10000000149011612", False),
        ("US", "SmallestImagePixelValue", 3, "3", None),
        ("DT", "AcquisitionDateTime", "20240501093000", "20240501", True),
        ("DT", "AcquisitionDateTime", "20240501093000+0900", "20240501003000+0000", True),
        ("DT", "AcquisitionDateTime", "20240501093000", "20240501003000+0000", True),
        ("DT", "AcquisitionDateTime", "20240501093000+0000", "20240501093000", False),
        ("DT", "AcquisitionDateTime", "20240501093000", "202404-20240501", True),
        ("DT", "AcquisitionDateTime", "20240501093000", "20240501093001-", False),
        ("DT", "AcquisitionDateTime", "20240501093000", "-20240501", True),
        ("DT", "AcquisitionDateTime", "20240501093000.25", "20240501093000.250000", True),
        ("DT", "AcquisitionDateTime", "202405", "2024", True),
        ("DT", "AcquisitionDateTime", "last May", "2024", False),
        ("TM", "AcquisitionTime", "0930", "09-10", True),
        ("TM", "AcquisitionTime", "09:30:00", "0930", True),
        ("TM", "AcquisitionTime", "093000.5", "093000.500", True),
        ("TM", "AcquisitionTime", "093000.501", "093000.500", False),
        ("DA", "AcquisitionDate", "2024.05.01", "20240501", True),
    ],
)
def test_dates_times_and_numbers_are_compared_by_what_they_mean(vr, keyword, stored, query, expected):
    tag = f"{tag_for_keyword(keyword):08X}"
    model = {tag: {"vr": vr, "Value": [stored]}}
    if expected is None:
        with pytest.raises(InvalidQuery, match=r"\(US or SS\) cannot be matched"):
            met(model, keyword, query)
        return

    assert met(model, keyword, query) is expected


def test_a_date_time_without_an_offset_is_in_the_zone_of_its_data_set():
    model = {"0008002A": {"vr": "DT", "Value": ["20240501093000"]}, "00080201": {"vr": "SH", "Value": ["+0000"]}}

    assert met(model, "AcquisitionDateTime", "20240501093000+0000")
    assert not met(model, "AcquisitionDateTime", "20240501093000+0900")


def test_a_period_goes_over_midnight():
    def acquired(day, at):
        model = {"00080022": {"vr": "DA", "Value": [day]}, "00080032": {"vr": "TM", "Value": [at]}}
        return asked(model, ("AcquisitionDate", "20240501-20240503"), ("AcquisitionTime", "2200-0600"))

    assert [acquired("20240501", at) for at in ("2100", "2200")] == [False, True]
    assert acquired("20240502", "1200")
    assert [acquired("20240503", at) for at in ("0559", "0600", "0601")] == [True, True, False]
    assert not acquired("", "2300")


def test_one_item_of_a_sequence_meets_all_that_is_asked_of_it():
    def item(code, scheme):
        return {"00080100": {"vr": "SH", "Value": [code]}, "00080102": {"vr": "SH", "Value": [scheme]}}

    model = {"00081032": {"vr": "SQ", "Value": [item("A", "X"), item("B", "Y"), {}]}}

    def coded(code, scheme):
        names = ("ProcedureCodeSequence.CodeValue", "ProcedureCodeSequence.CodingSchemeDesignator")
        return asked(model, *zip(names, (code, scheme), strict=True))

    assert coded("B", "Y")
    assert not coded("A", "Y")
    assert coded('""', '""')
    assert not coded('""', "X")
    assert asked({}, ("ProcedureCodeSequence.CodeValue", '""'))
