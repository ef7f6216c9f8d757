"""What messages become."""

import json
import pickle

import pytest

from app.exchange.hl7v2.message import Finding, Hl7Error, parse
from app.exchange.hl7v2.to_fhir.draft import escaped
from app.exchange.hl7v2.to_fhir.kinds import KINDS, kind_of
from app.exchange.hl7v2.to_fhir.mapped import OrderSet
from app.exchange.hl7v2.to_fhir.resources import resources
from fhir import exact
from fhir.profiles.structure import check
from tests.app.exchange.hl7v2.messages import (
    DOCTOR,
    MESSAGES,
    NUMBER,
    ORC,
    PID,
    PV1,
    SITE,
    header,
    mapped,
    of_type,
    the_bytes,
)

INSTANCE = "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier"
PATIENT = "Patient?identifier=urn:oid:1.2.392.100495.20.3.51.10110123456|0001234"

MADE = {
    "ADT-00": "Patient RelatedPerson Coverage AllergyIntolerance Observation Observation",
    "ADT-01": "Patient CareTeam",
    **dict.fromkeys(("ADT-12", "ADT-21", "ADT-22", "ADT-31", "ADT-32", "ADT-41"), "Patient Encounter"),
    **dict.fromkeys(("ADT-42", "ADT-51", "ADT-52"), "Patient Encounter"),
    "ADT-61": "Patient AllergyIntolerance AllergyIntolerance AllergyIntolerance",
    "PPR-01": "Patient Condition Condition",
    "OMD": "Patient NutritionOrder",
    "OMP-01": "Patient MedicationRequest MedicationRequest MedicationRequest",
    "OMP-02": "Patient MedicationRequest",
    "OMP-11": "Patient MedicationAdministration MedicationAdministration",
    "OMP-12": "Patient MedicationAdministration",
    "OML-01": "Patient Specimen ServiceRequest Specimen ServiceRequest",
    "OML-11": f"Patient Specimen{' Observation' * 6} DiagnosticReport",
    "OMG-01": "Patient Observation ServiceRequest ServiceRequest",
    "OMG-02": "Patient ServiceRequest",
    "OMG-03": "Patient ServiceRequest",
    "OMG-11": "Patient Procedure Procedure DiagnosticReport",
    "OMG-12": "Patient Procedure Observation Observation Observation DiagnosticReport",
    "OMG-13": "Patient Observation Observation DiagnosticReport",
}


def plain(resource: dict) -> dict:
    return json.loads(exact.write(resource))


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_of_a_store_becomes_valid_resources(kind):
    found = mapped(kind)

    assert " ".join(entry.key.type for entry in found.entries) == MADE[kind]
    assert [check(plain(entry.resource)) for entry in found.entries] == [[] for _ in found.entries]
    assert kind_of(parse(the_bytes(*MESSAGES[kind]))) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_message_becomes_the_same(kind):
    assert mapped(kind) == mapped(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_each_resource_carries_its_key_and_refers_to_what_is_there(kind):
    found = mapped(kind)

    keys = [entry.key.reference for entry in found.entries]
    assert len(set(keys)) == len(keys)
    for place, entry in enumerate(found.entries):
        first = entry.resource["identifier"][0]
        assert (first["system"], first["value"]) == (entry.key.system, entry.key.value)
        text = exact.write(entry.resource).decode()
        assert all(other in keys[:place] for other in keys if f'"{other}"' in text)


def test_a_patient_is_known_by_kanji_and_kana():
    (patient,) = of_type(mapped("ADT-00"), "Patient")

    extension = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
    assert patient["identifier"] == [{"system": "urn:oid:1.2.392.100495.20.3.51.10110123456", "value": "0001234"}]
    assert [(name["extension"], name["text"], name["family"], name["given"]) for name in patient["name"]] == [
        ([{"url": extension, "valueCode": "IDE"}], "北野 花子", "北野", ["花子"]),
        ([{"url": extension, "valueCode": "SYL"}], "キタノ ハナコ", "キタノ", ["ハナコ"]),
    ]
    assert (patient["birthDate"], patient["gender"], patient["active"]) == ("1962-03-05", "female", True)
    assert patient["address"] == [
        {"use": "home", "text": "北海道札幌市中央区北一条１−２", "postalCode": "060-0001", "country": "JP"}
    ]
    assert patient["telecom"] == [
        {"system": "phone", "value": "011-200-0000", "use": "home"},
        {"system": "phone", "value": "011-200-0001", "use": "work"},
    ]
    assert patient["managingOrganization"] == {"reference": "Organization/minato"}


def test_a_message_of_something_else_only_mentions_the_patient():
    assert mapped("ADT-00").entries[0].action == "current"
    assert mapped("OML-11").entries[0].action == "mention"


def test_insurance_has_symbol_number_and_branch():
    (coverage,) = of_type(mapped("ADT-00"), "Coverage")

    assert [(each["url"].rpartition("_")[2], each["valueString"]) for each in coverage["extension"]] == [
        ("InsuredPersonSymbol", "12"),
        ("InsuredPersonNumber", "345"),
        ("InsuredPersonSubNumber", "01"),
    ]
    assert coverage["period"] == {"start": "2023-04-01", "end": "2025-03-31"}
    assert coverage["payor"][0]["identifier"]["value"] == "67999991"


@pytest.mark.parametrize(
    ("kind", "status", "code", "period", "places"),
    [
        ("ADT-12", "arrived", "AMB", {"start": "2024-05-10T08:55:00+09:00"}, [("01", "active")]),
        ("ADT-21", "planned", "IMP", {"start": "2024-06-01"}, [("32 302 1", "planned")]),
        ("ADT-22", "in-progress", "IMP", {"start": "2024-06-01T10:30:00+09:00"}, [("32 302 1", "active")]),
        ("ADT-31", "onleave", "IMP", {"start": "2024-06-01T10:30:00+09:00"}, [("32 302 1", "reserved")]),
        ("ADT-32", "in-progress", "IMP", {"start": "2024-06-01T10:30:00+09:00"}, [("32 302 1", "active")]),
        (
            "ADT-42",
            "in-progress",
            "IMP",
            {"start": "2024-06-01T10:30:00+09:00"},
            [("32 302 1", "completed"), ("41 410 2", "active")],
        ),
        (
            "ADT-52",
            "finished",
            "IMP",
            {"start": "2024-06-01T10:30:00+09:00", "end": "2024-06-10T10:00:00+09:00"},
            [("32 302 1", "completed")],
        ),
    ],
)
def test_a_visit_is_what_its_event_says(kind, status, code, period, places):
    (encounter,) = of_type(mapped(kind), "Encounter")

    assert (encounter["status"], encounter["class"]["code"], encounter["period"]) == (status, code, period)
    assert [(each["location"]["display"], each["status"]) for each in encounter["location"]] == places
    assert encounter["serviceProvider"] == {"reference": "Organization/minato"}
    assert encounter["participant"][0]["individual"]["display"] == "港 一郎"


def test_all_that_is_known_of_a_stay_is_one_encounter():
    kinds = ("ADT-22", "ADT-31", "ADT-32", "ADT-41", "ADT-42", "ADT-51", "ADT-52")

    assert {mapped(kind).entries[1].key.value for kind in kinds} == {"0110123456-0001234-I-20240601"}


def test_a_disease_has_its_codes_modifiers_and_course():
    disease, other = of_type(mapped("PPR-01"), "Condition")

    assert [(each["system"].rpartition("/")[2], each["code"]) for each in disease["code"]["coding"]] == [
        ("master-disease-keyNumber", "20054174"),
        ("master-disease-exCode", "TSQF"),
        ("ICD10-2013-full", "K297"),
    ]
    assert disease["code"]["text"] == "慢性胃炎の疑い"
    assert disease["code"]["coding"][2]["version"] == "2013"
    modifiers = {
        each["url"].rpartition("_")[2]: each["valueCodeableConcept"]["coding"][0]["code"]
        for each in disease["code"]["extension"]
    }
    (main,) = (each for each in disease["extension"] if each["url"].endswith("JP_eCS_DiagnosisType"))
    assert [each["code"] for each in main["valueCodeableConcept"]["coding"]] == ["principal", "1"]
    assert modifiers == {"DiseasePrefixModifier": "4012", "DiseasePostfixModifier": "8002"}
    assert disease["clinicalStatus"]["coding"][0]["code"] == "resolved"
    assert disease["verificationStatus"]["coding"][0]["code"] == "provisional"
    assert (disease["onsetDateTime"], disease["abatementDateTime"]) == ("2024-05-01", "2024-06-01")
    assert disease["note"] == [{"text": "経過観察"}]
    assert disease["identifier"] == [{"system": INSTANCE, "value": "0110123456-0001234-700001"}]
    assert (other["recordedDate"], other["onsetDateTime"]) == ("2024-05", "2019")
    assert other["clinicalStatus"]["coding"][0]["code"] == "active"


def test_a_disease_taken_back_says_so():
    lines = list(MESSAGES["PPR-01"])
    lines[5] = lines[5].replace("PRB|AD", "PRB|DE")

    found = mapped("PPR-01", *lines)

    assert [entry.action for entry in found.entries] == ["mention", "current", "delete"]
    assert found.entries[2].resource["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in found.entries[2].resource


def test_an_allergy_says_to_what_and_how():
    soba, drug, cedar = of_type(mapped("ADT-61"), "AllergyIntolerance")

    assert (soba["category"], soba["code"]["text"], soba["onsetString"]) == (["food"], "ソバ", "小学校低学年の頃")
    assert soba["reaction"] == [{"manifestation": [{"text": "湿疹"}], "description": "湿疹", "severity": "moderate"}]
    assert drug["criticality"] == "high"
    assert [each["text"] for each in drug["reaction"][0]["manifestation"]] == ["呼吸困難", "発疹"]
    assert cedar["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert cedar["onsetDateTime"] == "1996"


def test_a_prescription_keeps_rp_dose_usage_and_digits():
    first, second, third = of_type(mapped("OMP-01"), "MedicationRequest")

    assert [each["value"] for each in first["identifier"][1:]] == ["1", "1", "100001", "20240510123"]
    assert [each["value"] for each in second["identifier"][1:]] == ["1", "2", "100001"]
    assert [each["value"] for each in third["identifier"][1:]] == ["2", "1", "100001"]
    assert first["medicationCodeableConcept"]["coding"][0]["system"] == "http://medis.or.jp/CodeSystem/master-HOT9"
    (dosage,) = first["dosageInstruction"]
    assert dosage["text"] == "内服・経口・１日３回朝昼夕食後"
    assert dosage["timing"]["code"]["coding"][0]["code"] == "1013044400000000"
    assert plain(dosage["timing"]["repeat"])["boundsDuration"]["value"] == 5
    assert plain(dosage["doseAndRate"][0]["doseQuantity"]) == {
        "value": 1,
        "unit": "錠",
        "system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code",
        "code": "TAB",
    }
    assert plain(dosage["doseAndRate"][0]["rateRatio"]["numerator"])["value"] == 3
    assert dosage["extension"][0]["valuePeriod"] == {"start": "2024-05-10"}
    assert b'"value":0.50,' in exact.write(third)
    assert third["medicationCodeableConcept"] == {"text": "院内製剤軟膏"}
    assert third["dosageInstruction"][0]["text"] == "１日２回塗布"


def test_a_mixture_names_what_is_in_it():
    (mixed,) = of_type(mapped("OMP-02"), "MedicationRequest")

    assert mixed["medicationReference"] == {"reference": "#mixture"}
    assert [each["itemCodeableConcept"]["text"] for each in mixed["contained"][0]["ingredient"]] == [
        "ソリタ−Ｔ３号輸液５００ｍＬ",
        "アドナ注（静脈用）50mg",
    ]
    (dosage,) = mixed["dosageInstruction"]
    assert plain(dosage["doseAndRate"][0]["rateQuantity"])["code"] == "mL/h"
    assert dosage["route"]["coding"][0]["code"] == "IV"


def test_an_order_says_what_it_consists_of():
    assert mapped("OMP-01").orders == (
        OrderSet(
            "MedicationRequest",
            NUMBER,
            "100001",
            frozenset(
                {
                    "0110123456-0001234-100001-1-HOT9.108665201",
                    "0110123456-0001234-100001-1-HOT9.110626901",
                    "0110123456-0001234-100001-2-院内製剤軟膏",
                }
            ),
            "stopped",
        ),
    )


@pytest.mark.parametrize(
    ("kind", "control", "type_", "number", "status"),
    [
        ("OMP-01", "CA", "MedicationRequest", "100001", "cancelled"),
        ("OMP-01", "DC", "MedicationRequest", "100001", "stopped"),
        ("OML-01", "OC", "ServiceRequest", "300001", "revoked"),
        ("OMG-01", "CA", "ServiceRequest", "500100", "revoked"),
        ("OMD", "DC", "NutritionOrder", "400001", "revoked"),
    ],
)
def test_a_cancellation_without_content_acts_on_the_order(kind, control, type_, number, status):
    found = mapped(kind, MESSAGES[kind][0], PID, PV1, f"ORC|{control}|{number}|||||||{ORC}")

    assert [entry.key.type for entry in found.entries] == ["Patient"]
    assert found.orders == (OrderSet(type_, NUMBER, number, frozenset(), status),)


def test_a_cancellation_with_content_says_it_of_each():
    lines = [line.replace("ORC|NW|", "ORC|CA|") for line in MESSAGES["OMP-01"]]

    assert {each["status"] for each in of_type(mapped("OMP-01", *lines), "MedicationRequest")} == {"cancelled"}


def test_what_was_given_says_when_and_by_whom():
    given, refused = of_type(mapped("OMP-11"), "MedicationAdministration")
    (dripped,) = of_type(mapped("OMP-12"), "MedicationAdministration")

    assert (given["status"], given["effectiveDateTime"]) == ("completed", "2024-06-02T08:30:00+09:00")
    assert given["performer"][0]["actor"]["display"] == "看護 春子"
    assert given["request"]["identifier"] == {"system": NUMBER, "value": "100001"}
    assert refused["status"] == "not-done"
    assert dripped["effectivePeriod"] == {"start": "2024-06-01T08:05:21+09:00", "end": "2024-06-01T13:05:43+09:00"}
    assert [each["text"] for each in dripped["note"]] == ["左手に実施", "ロット番号: LOT77"]
    assert dripped["dosage"]["text"] == "102ml/hr"


def test_a_laboratory_order_asks_for_its_items():
    first, second = of_type(mapped("OML-01"), "ServiceRequest")

    assert [each["text"] for each in first["orderDetail"]] == ["総蛋白", "AST"]
    assert [each["text"] for each in second["orderDetail"]] == ["ＰＴ"]
    assert first["requester"]["display"] == "港 一郎"
    assert first["authoredOn"] == "2024-05-10T10:30:45+09:00"


def test_results_keep_their_digits_units_ranges_and_flags():
    found = mapped("OML-11")
    protein, crp, urine, blood, white, red = of_type(found, "Observation")

    assert b'"valueQuantity":{"value":6.30,"unit":"g/dl","system":"http://unitsofmeasure.org","code":"g/dL"}' in (
        exact.write(protein)
    )
    assert protein["interpretation"][0]["coding"][0]["code"] == "L"
    assert exact.write(protein["referenceRange"][0]["low"]["value"]) == b"6.70"
    assert protein["referenceRange"][0]["text"] == "6.70-8.3"
    assert (protein["effectiveDateTime"], protein["issued"]) == (
        "2024-05-10T09:05:00+09:00",
        "2024-05-10T10:30:59+09:00",
    )
    assert protein["note"] == [{"text": "再検済"}]
    assert [each["text"] for each in [protein["code"]]] == ["総蛋白"]
    assert [each["code"] for each in protein["code"]["coding"]] == ["3A010000002327101", "10222"]
    assert plain(crp["valueQuantity"]) == {
        "value": 0.5,
        "comparator": "<",
        "unit": "mg/dL",
        "system": "http://unitsofmeasure.org",
        "code": "mg/dL",
    }
    assert (urine["valueString"], urine["referenceRange"], urine["status"]) == ("+-", [{"text": "-"}], "preliminary")
    assert blood["valueCodeableConcept"]["text"] == "Ａ型"
    assert plain(white["valueQuantity"]) == {
        "value": 62,
        "unit": "×10^2/μL",
        "system": "http://unitsofmeasure.org",
        "code": "10*2/uL",
    }
    assert (red["valueString"], red["status"]) == ("溶血", "cancelled")
    assert found.findings == (Finding("OBX", 6, 5, "'溶血' is no number; it is kept as text"),)


def test_an_interim_result_and_the_final_one_are_the_same_observation():
    interim = [line.replace("||||P", "||||F") for line in MESSAGES["OML-11"]]

    assert [e.key for e in mapped("OML-11").entries] == [e.key for e in mapped("OML-11", *interim).entries]


def test_a_report_gathers_results_specimen_and_what_was_attached():
    (report,) = of_type(mapped("OML-11"), "DiagnosticReport")
    (drawn,) = of_type(mapped("OMG-13"), "DiagnosticReport")

    assert (report["status"], len(report["result"]), len(report["specimen"])) == ("final", 6, 1)
    assert report["category"] == [
        {"coding": [{"system": "http://loinc.org", "code": "LP29693-6", "display": "Laboratory"}]}
    ]
    assert drawn["presentedForm"] == [
        {"contentType": "application/pdf", "language": "ja", "data": "JVBERi0xLjQK", "title": "報告書"}
    ]
    assert of_type(mapped("OMG-13"), "Observation")[0]["valueString"] == "正常範囲\n左室肥大なし"


def test_an_examination_done_names_its_study_and_who_did_it():
    found = mapped("OMG-12")

    (procedure,) = of_type(found, "Procedure")
    (report,) = of_type(found, "DiagnosticReport")
    assert procedure["performedPeriod"] == {"start": "2024-05-15T14:45:12+09:00", "end": "2024-05-15T15:10:56+09:00"}
    assert procedure["performer"][0]["actor"]["display"] == "大江 信吉"
    assert report["imagingStudy"] == [
        {
            "type": "ImagingStudy",
            "identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.392.200036.9999.2"},
            "display": "ES A202405150001",
        }
    ]
    assert of_type(mapped("OMG-11"), "Procedure")[1]["performer"][0]["actor"]["display"] == "技師 三郎"


def test_a_meal_is_ordered_for_a_time():
    (meal,) = of_type(mapped("OMD"), "NutritionOrder")

    assert meal["oralDiet"]["type"][0]["text"] == "減塩食"
    assert meal["oralDiet"]["instruction"] == "塩分６ｇ"
    assert meal["oralDiet"]["schedule"][0]["repeat"]["boundsPeriod"] == {"start": "2024-06-01", "end": "2024-06-03"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_taken_back_takes_back_what_it_said(kind):
    found = mapped(kind, flag="0")

    for entry in found.entries[1:]:
        status = entry.resource.get("verificationStatus") or entry.resource.get("status") or entry.resource["active"]
        assert entry.action == "delete"
        assert "entered-in-error" in str(status) or status is False
        assert check(plain(entry.resource)) == []


def test_basic_data_that_are_deleted_take_the_patient_back():
    lines = [header("ADT^A23"), *MESSAGES["ADT-00"][1:]]

    found = mapped("ADT-00", *lines)

    assert {entry.action for entry in found.entries} == {"delete"}
    assert found.entries[0].resource["active"] is False


def test_a_site_in_another_process_is_the_same_and_leaves_what_it_remembers():
    mapped("OMP-01")

    again = pickle.loads(pickle.dumps(SITE))  # noqa: S301 - our own

    assert again == SITE
    assert again.memory is SITE.memory
    assert len(pickle.dumps(SITE)) < 300


def test_a_file_of_history_is_history():
    assert {entry.action for entry in mapped("OML-11", flag="2").entries[1:]} == {"history"}


def test_birth_and_sex_exchanged_are_told_and_not_taken():
    found = mapped("ADT-00", MESSAGES["ADT-00"][0], PID.replace("|19620305|F", "|M|19620305"), "PV1|0001|O")

    assert "birthDate" not in found.entries[0].resource
    assert "gender" not in found.entries[0].resource
    assert [(each.segment, each.index, each.field) for each in found.findings] == [("PID", 1, 7)]


def test_segments_of_another_message_are_told():
    found = mapped("OMP-11", *MESSAGES["OMP-11"], "IAM|1|DA|1^x^99X", "PRB|AD|")

    assert {(each.segment, each.index) for each in found.findings} == {("IAM", 1), ("PRB", 1)}
    assert len(found.entries) == 3


@pytest.mark.parametrize(
    ("lines", "segment", "code", "text"),
    [
        ((header("ADT^A99"), PID), "MSH", 200, "messages of type 'ADT^A99' are not taken"),
        ((header("ADT^A08"),), "PID", 100, "the segment is missing"),
        ((header("ADT^A08"), "PID|1||||x"), "PID", 101, "the patient has no number"),
        ((header("ADT^A08"), PID, "PID|2||777"), "PID", 100, "a second patient, '777', is in the message of '0001234'"),
        ((header("ADT^A08"), PID, header("ADT^A08")), "MSH", 100, "a second message begins within the message"),
    ],
)
def test_a_message_of_no_or_of_two_patients_is_refused(lines, segment, code, text):
    with pytest.raises(Hl7Error) as refused:
        resources(parse(the_bytes(*lines)), SITE)

    assert (refused.value.finding.segment, refused.value.code, refused.value.finding.text) == (segment, code, text)


def test_a_message_in_the_folder_of_another_type_is_refused():
    with pytest.raises(Hl7Error, match="a message of type 'RAS\\^O17' is not of ADT-31"):
        mapped("ADT-31", *MESSAGES["OMP-11"])


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("2024", "2024"),
        ("202405", "2024-05"),
        ("20240510", "2024-05-10"),
        ("2024051010", "2024-05-10T10:00:00+09:00"),
        ("20240510103045.1234+0000", "2024-05-10T10:30:45.1234+00:00"),
    ],
)
def test_a_date_is_as_exact_as_it_was_given(text, made):
    found = mapped("OMD", header("OMD^O03", at=text), PID)

    assert found.occurred == made


def test_what_is_no_date_is_told():
    found = mapped("PPR-01", header("PPR^ZD1"), PID, "PRB|AD||1^x^99X|9|||20241301")

    assert found.findings == (Finding("PRB", 1, 7, "'20241301' is no point of time"),)
    assert "recordedDate" not in found.entries[1].resource


def test_a_row_that_names_nothing_is_told():
    found = mapped("OML-11", header("OUL^R22"), PID, f"OBR|1|1|1|E^x^99X||||||||||||{DOCTOR}", "OBX|1|NM|||5||||||F")

    assert found.findings == (Finding("OBX", 1, 3, "the result does not say what was observed; it is not taken"),)


def test_no_two_lists_of_parts_are_one_key():
    lists = [("12", "3-4"), ("12-3", "4"), ("12", "3", "4"), ("12", "3%2D4"), ("12~2",), ("12",)]

    assert len({"-".join(map(escaped, parts)) for parts in lists}) == len(lists)


RADIOLOGY = (
    "ORC|SC|610100|R-9",
    "OBR|1|610100|R-9|X^胸部CT^99L|||20240510101500|||||||||||A-1||||20240510113000||CT|F",
    "OBX|1|TX|GDT^所見^99L||右上葉に結節を認める。||||||F",
    "OBX|2|FT|1&IMP^胸部CT^99L||肺癌の疑い。~精査を勧める。||||||F",
)


def test_a_report_of_radiology_says_so_and_which_images_it_is_of() -> None:
    found = mapped("OMG-13", header("ORU^R01^ORU_R01"), PID, *RADIOLOGY)

    (report,) = of_type(found, "DiagnosticReport")
    assert [one["coding"][0]["code"] for one in report["category"]] == ["RAD", "CT"]
    assert {"system": "urn:renkei:site:0110123456:accession-number", "value": "A-1"} in report["identifier"]
    assert report["conclusion"] == "肺癌の疑い。\n精査を勧める。"
    assert len(report["result"]) == 2
    assert {one["category"][1]["coding"][0]["code"] for one in of_type(found, "Observation")} == {"imaging"}


@pytest.mark.parametrize(
    ("obr", "expected"),
    [
        ("OBR|1|1||X^胸部^JJ1017-16P|||20240510", ["RAD"]),
        ("OBR|1|1||X^胸部^99L|||20240510|||||||||||||||||RAD", ["RAD"]),
        ("OBR|1|1||X^心電図^99L|||20240510|||||||||||||||||EC", []),
        ("OBR|1|1||X^胸部^99L|||20240510", []),
    ],
    ids=["by what is examined", "by the section", "of another section", "not said"],
)
def test_a_report_is_one_of_radiology_where_the_message_says_it(obr: str, expected: list[str]) -> None:
    found = mapped("OMG-13", header("ORU^R01^ORU_R01"), PID, obr, "OBX|1|TX|A^文^99L||異常なし||||||F")

    (report,) = of_type(found, "DiagnosticReport")
    assert [one["coding"][0]["code"] for one in report.get("category", ())] == expected
    assert report.get("conclusion", "") == ("異常なし" if expected else "")


def test_an_order_of_radiology_says_which_images_it_will_have() -> None:
    order = ("ORC|NW|610100", "OBR|1|610100||X^胸部CT^99L|||20240510|||||||||||A-1")

    (request,) = of_type(mapped("OMG-01", header("OMG^O19^OMG_O19"), PID, *order), "ServiceRequest")

    assert {"system": "urn:renkei:site:0110123456:accession-number", "value": "A-1"} in request["identifier"]
