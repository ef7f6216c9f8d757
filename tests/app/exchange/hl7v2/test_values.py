"""Values of results, and the rows around them, one by one; and the way back of each."""

import json

import pytest

from app.exchange.hl7v2.from_fhir.observed import observed
from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.write import write
from fhir import exact
from tests.app.exchange.hl7v2.messages import DOCTOR, ORC, PID, PV1_IN, SITE, header, line, mapped, of_type

MG = {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
POSITIVE = {"system": "urn:renkei:site:0110123456:99X", "code": "1", "display": "陽性"}
STRONG = {"system": "urn:renkei:site:0110123456:99X", "code": "2", "display": "強い"}
RESULT = (header("OUL^R22^OUL_R22"), PID, "OBR|1|1|1|E^検査^99X|||20240510")


def the_result(row: str) -> dict:
    (result,) = of_type(mapped("OML-11", *RESULT, row), "Observation")
    return json.loads(exact.write(result))


@pytest.mark.parametrize(
    ("kind", "value", "unit", "member", "made"),
    [
        ("NM", "6.30", "", "valueQuantity", {"value": 6.3}),
        ("NM", "+0.50", "mg", "valueQuantity", {"value": 0.5, **MG}),
        ("NM", "-.5", "", "valueQuantity", {"value": -0.5}),
        ("NM", "≦5", "", "valueQuantity", {"value": 5, "comparator": "<="}),
        ("SN", ">^100", "", "valueQuantity", {"value": 100, "comparator": ">"}),
        ("SN", "^10^-^20", "", "valueRange", {"low": {"value": 10}, "high": {"value": 20}}),
        ("SN", "^1^:^128", "", "valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}),
        ("SN", "^1^+", "", "valueString", "1+"),
        ("ST", "陰性", "", "valueString", "陰性"),
        ("ST", "<0.1", "mg", "valueQuantity", {"value": 0.1, "comparator": "<", **MG}),
        ("TX", "一行目~二行目^と続き", "", "valueString", "一行目\n二行目^と続き"),
        (
            "CWE",
            "1^陽性^99X~2^強い^99X",
            "",
            "valueCodeableConcept",
            {"coding": [POSITIVE, STRONG], "text": "陽性、強い"},
        ),
        ("CWE", "^^JC10", "", "valueCodeableConcept", {"text": "JC10"}),
        ("TS", "202405101230", "", "valueDateTime", "2024-05-10T12:30:00+09:00"),
        ("DT", "昨日", "", "valueString", "昨日"),
        ("XCN", DOCTOR, "", "valueString", "港 一郎"),
        ("ZRD", "1^セルシン^HOT9^1^AMP&管&MR9P", "", "valueString", "1 セルシン HOT9 1 AMP"),
    ],
)
def test_a_value_is_of_the_type_that_its_row_says(kind, value, unit, member, made):
    result = the_result(line("OBX", f2=kind, f3="X^項目^99X", f5=value, f6=unit, f11="F"))

    assert result[member] == made


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("3.5-5.0", 3.5, 5.0),
        ("10〜20", 10, 20),
        ("<5", None, 5),
        (">=60", 60, None),
        ("(-)", None, None),
        ("男 13-17", None, None),
    ],
)
def test_a_range_keeps_its_text_and_shows_its_bounds(text, low, high):
    (found,) = the_result(line("OBX", f2="NM", f3="X^項目^99X", f5="4", f7=text, f11="F"))["referenceRange"]

    assert found["text"] == text
    assert (found.get("low", {}).get("value"), found.get("high", {}).get("value")) == (low, high)


def test_flags_are_coded_where_hl7_has_them():
    found = the_result(line("OBX", f2="NM", f3="X^項目^99X", f5="4", f8="H~↑", f11="F"))["interpretation"]

    assert [one.get("coding", [{}])[0].get("code", one.get("text")) for one in found] == ["H", "↑"]


@pytest.mark.parametrize(
    ("status", "made"),
    [("F", "final"), ("P", "preliminary"), ("C", "corrected"), ("D", "entered-in-error"), ("?", "unknown")],
)
def test_a_status_is_that_of_the_table(status, made):
    assert the_result(line("OBX", f2="NM", f3="X^項目^99X", f5="4", f11=status))["status"] == made


def test_what_was_not_measured_says_why_there_is_no_value():
    found = the_result(line("OBX", f2="NM", f3="X^項目^99X", f11="X"))

    assert found["dataAbsentReason"]["coding"][0]["code"] == "not-performed"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("^application^PDF^Base64^%%%", "the data are not in Base64; they are not taken"),
        ("^application^PDF^Hex^2550", "data written as 'Hex' are not taken"),
    ],
)
def test_an_attachment_that_cannot_be_read_is_told(data, text):
    row = line("OBX", f2="ED", f3="PDF^報告書^99X", f5=data, f11="F")
    found = mapped("OMG-13", header("ORU^R01^ORU_R01"), PID, "OBR|1|1||9A110^心電図^JC10|||20240510", row)

    assert found.findings == (Finding("OBX", 1, 5, text),)
    assert "presentedForm" not in of_type(found, "DiagnosticReport")[0]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("NM", "6.30"),
        ("SN", "<^0.5"),
        ("SN", "^10^-^20"),
        ("SN", "^1^:^128"),
        ("CWE", "1^陽性^99X"),
        ("TS", "20240510123000"),
        ("ST", "陰性"),
        ("TX", "一行目~二行目"),
    ],
)
def test_a_value_is_written_as_it_was(kind, value):
    result = exact.read(
        exact.write(
            of_type(mapped("OML-11", *RESULT, line("OBX", f2=kind, f3="X^項目^99X", f5=value, f11="F")), "Observation")[
                0
            ]
        )
    )

    (row,) = write(observed(result, 1, SITE)).strip("\r").split("\r")

    fields = row.split("|")
    assert (fields[2], fields[5], fields[11]) == (kind, value, "F")


@pytest.mark.parametrize(
    ("one", "kind", "value"),
    [
        ({"valueBoolean": True}, "ST", "True"),
        ({"valueInteger": 3}, "ST", "3"),
        ({"referenceRange": [{"low": {"value": 1}, "high": {"value": 2}}]}, "", ""),
        ({"interpretation": [{"text": "高い"}]}, "", ""),
    ],
)
def test_what_others_say_is_written_as_text(one, kind, value):
    fields = write(observed({"code": {"text": "項目"}, "status": "final", **one}, 1, SITE)).strip("\r").split("|")

    assert (fields[2], fields[5]) == (kind, value)
    assert fields[7] == ("1-2" if "referenceRange" in one else "")
    assert fields[8] == ("高い" if "interpretation" in one else "")


def test_a_visit_of_an_unknown_class_is_told():
    found = mapped("ADT-22", header("ADT^A01"), PID, PV1_IN.replace("|I|", "|Q|"))

    assert found.findings == (Finding("PV1", 1, 2, "'Q' is no class of HL7 table 0004 that is known"),)


def test_a_stay_that_nobody_could_find_again_is_told():
    found = mapped("ADT-52", header("ADT^A03"), "EVN||202406101000||||202406101000", PID, PV1_IN)

    assert [(each.segment, each.field) for each in found.findings] == [("PV1", 44)]
    assert found.entries[1].resource["period"] == {"end": "2024-06-10T10:00:00+09:00"}


def test_a_sex_of_no_table_is_told():
    found = mapped("ADT-00", header("ADT^A08"), PID[:-1] + "X", "PV1|1|O")

    assert found.entries[0].resource["gender"] == "unknown"
    assert [each.field for each in found.findings] == [8]


def test_an_order_without_a_medication_is_told():
    found = mapped("OMP-01", header("RDE^O11"), PID, f"ORC|NW|1|||||||{ORC}")

    assert [each.text for each in found.findings] == ["the order names no medication; it is not taken"]


def test_what_was_given_without_a_name_or_with_an_odd_status_is_told():
    rows = (
        line("RXA", f3="20240510"),
        line("RXA", f3="20240510", f5="1^x^99X", f20="ZZ"),
        line("RXA", f5="2^y^99X", f21="D"),
    )

    found = mapped("OMP-11", header("RAS^O17"), PID, f"ORC|NW|1|||||||{ORC}", *rows)

    assert [(each.index, each.field) for each in found.findings] == [(1, 5), (2, 20)]
    assert [entry.action for entry in found.entries] == ["mention", "current", "delete"]


def test_labels_of_a_disease_are_kept():
    row = line("PRB", f1="AD", f3="20054174^胃炎^MDCDX2", f4="1", f18="2^副診断^JHSD0007", f21="2^未告知^99X", f25="R")

    (disease,) = of_type(mapped("PPR-01", header("PPR^ZD1"), PID, row), "Condition")

    assert disease["meta"]["security"][0]["code"] == "R"
    assert disease["meta"]["tag"][0]["code"] == "UNINFORMED"
    assert disease["extension"][-1]["url"] == "urn:renkei:diagnosis-rank"


def test_a_dead_patient_and_a_mobile_telephone():
    pid = line(
        "PID",
        f3="1^^^^PI~K99^^^KENSHIN",
        f5="北野^^^^^^L",
        f13="^PRN^CP^^^^^^^^^090-1~^NET^Internet^a@example.org",
        f16="M",
        f30="Y",
    )

    (patient,) = of_type(mapped("ADT-00", header("ADT^A08"), pid, "PV1|1|O"), "Patient")

    assert patient["deceasedBoolean"] is True
    assert [(one["system"], one.get("use"), one["value"]) for one in patient["telecom"]] == [
        ("phone", "mobile", "090-1"),
        ("email", None, "a@example.org"),
    ]
    assert patient["identifier"][1] == {"system": "urn:renkei:site:0110123456:KENSHIN", "value": "K99"}
    assert patient["maritalStatus"]["coding"][0]["code"] == "M"
    assert patient["name"] == [{"use": "official", "text": "北野"}]
