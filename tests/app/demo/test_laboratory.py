from datetime import date

import pytest

from app.demo.chart import chart
from app.demo.laboratory import panel, value
from app.demo.region import region
from app.demo.visits import visits

REGION = region()


def a_chart(person, site):
    return chart(REGION, site, REGION.person(person).at(site))


def a_result(person, site, name):
    found = a_chart(person, site)
    visit = visits(found)[-1]
    return panel(found, visit, (name,), visit.day)[0][1]


def test_a_result_is_coded_locally_for_the_core_set_and_in_jlac10():
    found = a_result("kiichiro", "hospital-a", "K")

    assert [(coding["system"].rsplit("/", 1)[1], coding["code"]) for coding in found["code"]["coding"]] == [
        ("JP_CLINS_ObsLabResult_LocalCode_CS", "A0131"),
        ("JP_CLINS_ObsLabResult_CoreLabo_CS", "3H015000002326101"),
        ("master-JLAC10-17digits", "3H015000002326101"),
    ]


def test_each_site_has_local_codes_of_its_own():
    here, there = a_result("kiichiro", "hospital-a", "K"), a_result("kiichiro", "clinic-c", "K")

    assert here["code"]["coding"][0]["code"] != there["code"]["coding"][0]["code"]
    assert here["code"]["coding"][1:] == there["code"]["coding"][1:]


def test_a_test_outside_the_core_set_has_its_jlac10_code_only():
    found = a_result("kiichiro", "hospital-a", "eGFR")

    assert [coding["code"] for coding in found["code"]["coding"]] == ["A0121", "8A065000002391901"]


def test_a_test_without_a_national_code_says_so():
    found = a_result("emi", "hospital-b", "CA15-3")

    assert found["code"]["coding"][1] == {
        "system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_Uncoded_CS",
        "code": "99999999999999999",
        "display": "未標準化コード項目(JLAC)",
    }


def test_a_range_depends_on_sex():
    man, woman = a_result("kiichiro", "hospital-a", "Hb"), a_result("emi", "hospital-b", "Hb")

    assert man["referenceRange"][0]["low"]["value"] == 13.7
    assert woman["referenceRange"][0]["low"]["value"] == 11.6
    assert man["valueQuantity"]["code"] == "g/dL"


@pytest.mark.parametrize(
    ("person", "site", "name", "mark"),
    [
        ("kiichiro", "hospital-a", "HbA1c", "H"),
        ("tome", "hospital-b", "ALB", "L"),
        ("emi", "hospital-b", "PLT", "N"),
    ],
    ids=["above the range", "below the range", "within the range"],
)
def test_a_result_is_marked_by_its_range(person, site, name, mark):
    found = a_result(person, site, name)

    low, high = (found["referenceRange"][0][end]["value"] for end in ("low", "high"))
    value = found["valueQuantity"]["value"]
    assert found["interpretation"][0]["coding"][0]["code"] == mark
    assert (value < low, value > high) == (mark == "L", mark == "H")


def test_egfr_is_that_of_the_creatinine():
    # A man of 71 with 1.03 mg/dL: 194 × 1.03^-1.094 × 71^-0.287 = 55 mL/min/1.73 m².
    found = a_chart("kiichiro", "clinic-c")
    day = date(2022, 11, 24)
    years = (day - date(1951, 3, 8)).days / 365.25

    creatinine = value(found, "Cre", day)

    assert value(found, "eGFR", day) == pytest.approx(194 * creatinine**-1.094 * years**-0.287, abs=0.06)


def test_egfr_of_a_woman_is_lower_at_the_same_creatinine():
    found = a_chart("fumi", "hospital-b")
    day = date(2025, 5, 1)
    years = (day - date(1930, 12, 3)).days / 365.25

    creatinine = value(found, "Cre", day)

    assert value(found, "eGFR", day) == pytest.approx(194 * creatinine**-1.094 * years**-0.287 * 0.739, abs=0.06)


def test_a_value_without_decimals_is_a_whole_number():
    found = a_result("kiichiro", "hospital-a", "Na")["valueQuantity"]["value"]

    assert isinstance(found, int)


def test_a_panel_ends_with_a_report_of_its_results():
    found = a_chart("kiichiro", "hospital-a")
    visit = visits(found)[0]

    *results, (_, report) = panel(found, visit, ("Na", "K"), visit.day)

    assert report["resourceType"] == "DiagnosticReport"
    assert [result["reference"] for result in report["result"]] == [url for url, _ in results]
