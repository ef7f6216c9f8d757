import re

import pytest

from app.demo.chart import chart
from app.demo.formulary import MEDICINES
from app.demo.medicines import code, prescriptions, request
from app.demo.region import region
from app.demo.visits import visits

REGION = region()


def a_chart(person, site):
    return chart(REGION, site, REGION.person(person).at(site))


def a_request(name, days=28):
    found = a_chart("kiichiro", "hospital-a")
    visit = visits(found)[0]
    return request(found, visit, name, visit.day, 1, days=days)[1]


@pytest.mark.parametrize("name", MEDICINES)
def test_codes_have_the_form_of_their_systems(name):
    medicine = MEDICINES[name]

    assert medicine.generic is None or re.fullmatch(r"\d{7}[A-Z]\dZZZ", medicine.generic)
    assert medicine.yj is None or re.fullmatch(r"\d{7}[A-Z]\d{4}", medicine.yj)
    assert medicine.yj is None or medicine.yj[:9] == medicine.generic[:9]
    assert medicine.hot9 is None or re.fullmatch(r"\d{9}", medicine.hot9)
    assert medicine.usage.code is None or re.fullmatch(r"\d{16}", medicine.usage.code)


def test_all_known_codes_stand_side_by_side():
    found = code(MEDICINES["carbocisteine"])

    assert [(coding["system"].rsplit("/", 1)[1], coding["code"]) for coding in found["coding"]] == [
        ("MedicationGeneralOrderCode", "2233002F1ZZZ"),
        ("YJ-code", "2233002F1280"),
        ("master-HOT9", "103831601"),
    ]


def test_a_product_without_a_code_says_so_and_keeps_its_name():
    found = code(MEDICINES["fluticasone-inhaler"])

    assert [coding["code"] for coding in found["coding"]] == ["NOCODED"]
    assert found["text"] == "フルチカゾン吸入用エアゾール５０μｇ（１２０吸入用）"


@pytest.mark.parametrize(
    ("name", "amount", "unit"),
    [
        ("metformin", 28 * 2 * 2, "TAB"),
        ("alendronate", 4, "TAB"),
        ("eldecalcitol", 28, "CAP"),
        ("fluticasone-inhaler", 1, "HON"),
        ("levofloxacin", 7, "TAB"),
    ],
    ids=["twice two", "once a week", "capsules", "one inhaler", "its own seven days"],
)
def test_the_amount_follows_from_dose_usage_and_days(name, amount, unit):
    found = a_request(name)["dispenseRequest"]["quantity"]

    assert (found["value"], found["code"]) == (amount, unit)


def test_usage_is_coded_in_both_systems_or_is_the_dummy():
    coded, worded = (a_request(name)["dosageInstruction"][0]["timing"]["code"] for name in ("metformin", "alendronate"))

    assert [coding["code"] for coding in coded["coding"]] == ["1012040400000000"] * 2
    assert [coding["code"] for coding in worded["coding"]] == ["0X0XXXXXXXXX0000"]
    assert worded["text"] == "１週間に１回　起床時　服用"


def test_a_request_has_rp_number_order_and_instance():
    systems = [found["system"].rsplit("/", 1)[1] for found in a_request("metformin")["identifier"]]

    assert systems == [
        "Medication-RPGroupNumber",
        "MedicationAdministrationIndex",
        "resourceInstance-identifier",
    ]


def test_a_course_is_prescribed_until_it_ends():
    # Iron is stopped with the delivery.
    found = a_chart("ayaka", "hospital-b")
    days = [visit.day for visit in visits(found) if not visit.inpatient and prescriptions(found, visit)]

    assert days
    assert max(days) <= found.event


def test_what_is_taken_home_lasts_two_weeks_from_the_last_day():
    found = a_chart("tome", "hospital-b")
    stay = next(visit for visit in visits(found) if visit.inpatient)

    names = [
        (resource["medicationCodeableConcept"]["text"], resource["authoredOn"][:10])
        for _, resource in prescriptions(found, stay)
    ]

    last = stay.last_day.isoformat()
    assert names == [("レボフロキサシン錠５００ｍｇ", last), ("カルボシステイン錠２５０ｍｇ", last)]


def test_psychiatric_prescriptions_are_labelled():
    found = a_chart("yuko", "hospital-a")

    labelled = [resource["meta"]["security"] for _, resource in prescriptions(found, visits(found)[-1])]

    assert [label[0]["code"] for label in labelled] == ["PSY", "PSY"]
