import xml.etree.ElementTree as ET
from decimal import Decimal

import orjson
import pytest

from fhir.documents.facts import Held
from fhir.exact import read
from fhir.store.labels import ACT_CODE, UNINFORMED, bit
from tests.summaries import ADDRESS, Terms, a_summary, bundle_of, held

PATIENT = {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/site"}}
SUBJECT = {"reference": "Patient/p"}
UNAVAILABLE = "ここに示せる情報はありません。「該当なし」と確認されたことを意味するものではありません。"


def made(*resources, language="ja", **how) -> dict:
    return bundle_of(a_summary(PATIENT, resources, language=language, **how))


def sections(bundle: dict) -> dict:
    found = bundle["entry"][0]["resource"]["section"]
    return {section["code"]["coding"][0]["code"]: section for section in found}


def titles(bundle: dict) -> dict:
    urls = {entry["fullUrl"]: entry["resource"].get("id") for entry in bundle["entry"]}
    return {
        section["title"]: [urls[entry["reference"]] for entry in section.get("entry", [])]
        for section in bundle["entry"][0]["resource"]["section"]
    }


def tree_of(section: dict) -> ET.Element:
    return ET.fromstring(section["text"]["div"])  # noqa: S314 - our own output


def cells(section: dict, columns: int = 3) -> list:
    """Return the lines of a section without their sources."""
    return [
        [cell.text or "" for cell in row.iter("{http://www.w3.org/1999/xhtml}td")][:columns]
        for row in tree_of(section).iter()
        if "}tr" in row.tag
    ][1:]


def resource_of(bundle: dict, id_: str) -> dict:
    return next(entry["resource"] for entry in bundle["entry"] if entry["resource"].get("id") == id_)


def a(resource_type: str, id_: str, **elements) -> dict:
    return {"resourceType": resource_type, "id": id_, "subject": SUBJECT} | elements


def coded(*codes: str, system: str = "") -> dict:
    return {"coding": [({"system": system} if system else {}) | {"code": code} for code in codes]}


def test_summary_is_a_document_that_begins_with_a_composition_of_type_60591_5():
    bundle = made()
    composition = bundle["entry"][0]["resource"]

    assert (bundle["resourceType"], bundle["type"], bundle["id"]) == ("Bundle", "document", "s1")
    assert bundle["timestamp"] == composition["date"] == "2024-05-01T09:00:00+09:00"
    assert bundle["identifier"]["system"] == "urn:ietf:rfc:3986"
    assert composition["type"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "60591-5",
        "display": "Patient summary Document",
    }
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == [
        "Composition",
        "Patient",
        "Organization",
    ]
    assert composition["subject"]["reference"] == bundle["entry"][1]["fullUrl"]
    assert composition["author"][0]["reference"] == bundle["entry"][2]["fullUrl"]
    assert "meta" not in bundle


def nothing_known(**fields) -> dict:
    return a("List", "1", status="current", emptyReason=coded("nilknown"), code=coded("allergies")) | fields


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "ja",
            {
                "現在の病名・問題": UNAVAILABLE,
                "アレルギー・不耐性": "該当するものはないと記録されています。",
                "薬剤": UNAVAILABLE,
            },
        ),
        (
            "en",
            {
                "Problem List": "No information is available here. This does not mean that there is none.",
                "Allergies and Intolerances": "It is on record that there is none.",
                "Medication Summary": "No information is available here. This does not mean that there is none.",
            },
        ),
    ],
)
def test_required_sections_say_why_they_are_empty(language, expected):
    bundle = made(
        nothing_known(),
        nothing_known(id="2", code=coded("medications"), status="retired"),
        nothing_known(id="3", code=coded("problems"), emptyReason=coded("withheld")),
        nothing_known(id="4", code=coded("10160-0"), entry=[{}]),
        language=language,
    )

    found = bundle["entry"][0]["resource"]["section"]

    assert {one["title"]: "".join(tree_of(one).itertext()) for one in found} == expected
    assert [one["emptyReason"]["coding"][0]["code"] for one in found] == ["unavailable", "nilknown", "unavailable"]
    assert all("entry" not in one for one in found)
    assert f'lang="{language}"' in found[0]["text"]["div"]


def test_who_says_that_there_is_nothing_is_told_with_the_date_and_is_no_entry():
    none = a("AllergyIntolerance", "1", code=coded("716186003", system="http://snomed.info/sct"), recordedDate="2024")
    old = a("Condition", "2", code=coded("no-known-problems"))
    unsaid = a("MedicationStatement", "3", medicationCodeableConcept=coded("no-medication-info"))

    found = a_summary(PATIENT, [held(none, source="中央病院", labels=bit(ACT_CODE, "PSY")), held(old), held(unsaid)])

    bundle = bundle_of(found)
    allergies, problems, medicines = (sections(bundle)[code] for code in ("48765-2", "11450-4", "10160-0"))
    assert "".join(tree_of(allergies).itertext()) == "該当するものはないと記録されています。 (中央病院, 2024)"
    assert [one["emptyReason"]["coding"][0]["code"] for one in (allergies, problems, medicines)] == [
        "nilknown",
        "nilknown",
        "unavailable",
    ]
    assert len(bundle["entry"]) == 3
    assert bundle["meta"]["security"] == [{"system": ACT_CODE, "code": "PSY"}]
    assert found.used == {"Patient/p", "AllergyIntolerance/1", "Condition/2"}


def test_nothing_is_known_neither_by_what_is_over_nor_where_something_was_not_looked_at():
    over = a("AllergyIntolerance", "1", code=coded("716186003"), clinicalStatus=coded("inactive"))
    holds = a("AllergyIntolerance", "2", code=coded("716186003"), clinicalStatus=coded("active"))

    reasons = [
        sections(made(*resources, more=more))["48765-2"]["emptyReason"]["coding"][0]["code"]
        for resources, more in (((over,), False), ((holds,), True), ((over, holds), False))
    ]

    assert reasons == ["unavailable", "unavailable", "nilknown"]


def test_where_one_site_knows_of_something_another_sites_nothing_is_not_told():
    bundle = made(a("AllergyIntolerance", "1", code=coded("716186003")), a("AllergyIntolerance", "2", code=coded("x")))

    assert titles(bundle)["アレルギー・不耐性"] == ["2"]


def test_each_resource_stands_in_the_section_it_belongs_to():
    daily_life, social = [coded("functional-status")], [coded("social-history")]
    bundle = made(
        a("Condition", "now", clinicalStatus=coded("active")),
        a("Condition", "unsaid"),
        a("Condition", "past", clinicalStatus=coded("resolved")),
        a("Condition", "wrong", verificationStatus=coded("entered-in-error")),
        a("Condition", "walks with a stick", category=daily_life),
        a("AllergyIntolerance", "nuts"),
        a("AllergyIntolerance", "refuted", verificationStatus=coded("refuted")),
        a("MedicationRequest", "rx", status="active"),
        a("MedicationRequest", "never", status="cancelled"),
        a("MedicationRequest", "forbidden", status="active", doNotPerform=True),
        a("MedicationStatement", "otc", status="completed"),
        a("MedicationDispense", "given", status="completed"),
        a("Flag", "falls", status="active"),
        a("Flag", "over", status="inactive"),
        a("Observation", "lab", status="final", category=[coded("laboratory")]),
        a("Observation", "bp", status="final", category=[coded("vital-signs")]),
        a("Observation", "smoking", status="final", category=social, code=coded("72166-2")),
        a("Observation", "pregnant", status="final", category=social, code=coded("82810-3")),
        a("Observation", "wishes", status="final", code=coded("81338-6")),
        a("DiagnosticReport", "report", status="final"),
        a("Immunization", "flu", status="completed"),
        a("Immunization", "refused", status="not-done"),
        a("Procedure", "op", status="completed"),
        a("DeviceUseStatement", "pacemaker", status="active"),
        a("ClinicalImpression", "adl", status="completed"),
        a("CarePlan", "plan", status="active"),
        a("CarePlan", "idea", status="draft"),
        a("Consent", "will", status="active", scope=coded("adr")),
        a("Consent", "dnr", status="active", scope=coded("x"), category=[coded("dnr")]),
        a("Consent", "privacy", status="active", scope=coded("patient-privacy")),
        a("DocumentReference", "letter", status="current", type=coded("81338-6")),
        a("Encounter", "nobody points here"),
        language="en",
    )

    assert titles(bundle) == {
        "Problem List": ["now", "unsaid"],
        "Allergies and Intolerances": ["nuts"],
        "Medication Summary": ["otc", "rx", "given"],
        "Alerts": ["falls"],
        "Immunizations": ["flu"],
        "Results": ["report", "lab"],
        "History of Procedures": ["op"],
        "Medical Devices": ["pacemaker"],
        "Vital Signs": ["bp"],
        "History of Past Illness": ["past"],
        "History of Pregnancy": ["pregnant"],
        "Social History": ["smoking"],
        "Functional Status": ["walks with a stick", "adl"],
        "Plan of Care": ["plan"],
        "Advance Directives": ["will", "dnr"],
        "Patient Story": ["letter", "wishes"],
    }
    ids = {entry["resource"]["id"] for entry in bundle["entry"]}
    assert not ids & {"wrong", "refuted", "never", "forbidden", "refused", "over", "idea", "privacy"}
    assert "nobody points here" not in ids


def test_full_urls_follow_from_the_id_and_references_lead_to_them_or_are_told_by_name():
    resources = [
        a(
            "Condition",
            "c",
            encounter={"reference": "Encounter/e"},
            recorder={"reference": f"{ADDRESS}PractitionerRole/r/_history/2"},
            asserter={"reference": "Practitioner/x", "display": "佐藤"},
            evidence=[{"detail": [{"reference": "https://elsewhere.example/Observation/1"}, {"reference": "#inside"}]}],
        ),
        {"resourceType": "PractitionerRole", "id": "r", "organization": {"reference": "Organization/site"}},
        {"resourceType": "Organization", "id": "site"},
        {"resourceType": "Encounter", "id": "e"},
    ]

    bundle = made(*resources)

    urls = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["fullUrl"] for e in bundle["entry"]}
    condition = resource_of(bundle, "c")
    assert urls["Patient/p"] == "urn:uuid:8061de3e-ebaf-5bc8-b1a7-fccd339c0843"
    assert condition["subject"] == {"reference": urls["Patient/p"]}
    assert condition["encounter"] == {"type": "Encounter"}
    assert condition["recorder"] == {"reference": urls["PractitionerRole/r"]}
    assert condition["asserter"] == {"display": "佐藤"}
    assert condition["evidence"] == resources[0]["evidence"]
    assert resource_of(bundle, "p")["managingOrganization"]["reference"] == urls["Organization/site"]
    assert len(set(urls.values())) == len(bundle["entry"]) == 6
    assert made(*resources) == bundle


def test_what_names_another_sites_patient_of_the_person_leads_to_the_one_that_is_there():
    elsewhere = {"reference": "Patient/of-another-site"}
    bundle = made(
        a("Condition", "1", subject=elsewhere, code=coded("a")),
        a("Condition", "2", asserter={"reference": "Patient/mother"}, code=coded("b")),
    )

    patient = bundle["entry"][1]["fullUrl"]
    assert resource_of(bundle, "1")["subject"] == {"reference": patient}
    assert resource_of(bundle, "2")["asserter"] == {"type": "Patient"}
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]].count("Patient") == 1


def test_one_fact_of_several_sites_stands_there_once_with_all_who_state_it():
    hypertension = a("Condition", "1", code=coded("I10", system="icd"), clinicalStatus=coded("active"))
    again = hypertension | {"id": "2", "code": coded("I10", "local", system="icd"), "recordedDate": "2020"}
    over = hypertension | {"id": "3", "clinicalStatus": coded("resolved")}
    noted = hypertension | {"id": "4", "note": [{"text": "減塩"}]}
    twice = a("Observation", "5", code=coded("x"), status="final", valueQuantity={"value": 1})
    other = twice | {"id": "6", "valueQuantity": {"value": 2}}
    unnamed = a("Condition", "7", note=[{"text": "a"}])
    labels = bit(ACT_CODE, "PSY")

    found = a_summary(
        PATIENT,
        [
            *(held(hypertension, source="中央病院"), held(again, source="坂の上医院", labels=labels)),
            *(over, noted, twice, twice | {"id": "8"}, other, unnamed, unnamed | {"id": "9"}),
        ],
    )

    bundle = bundle_of(found)
    # The newest statement stands for all: what has no date comes last.
    assert titles(bundle)["現在の病名・問題"] == ["1", "4", "7", "9"]
    assert titles(bundle)["既往歴"] == ["3"]
    assert titles(bundle)["検査結果"] == ["5", "6"]
    assert cells(sections(bundle)["11450-4"], 4)[0][3] == "中央病院、坂の上医院"
    assert bundle["meta"]["security"] == [{"system": ACT_CODE, "code": "PSY"}]
    assert "Condition/2" in found.used


def test_the_newest_stand_first_and_what_is_left_out_is_said():
    results = [
        a("Observation", f"{day}", status="final", code=coded("x"), effectiveDateTime=f"2024-03-{day:02}")
        for day in range(1, 3)
    ]

    bundle = made(*results, more=True)

    assert titles(bundle)["検査結果"] == ["2", "1"]
    assert "新しいものから2件まで" in sections(bundle)["30954-2"]["text"]["div"]


def test_what_has_no_date_or_one_in_words_comes_last():
    bundle = made(
        a("Condition", "1", code=coded("a"), onsetString="about 2012"),
        a("Condition", "2", code=coded("b")),
        a("Condition", "3", code=coded("c"), onsetPeriod={"end": "2011"}),
        a("Condition", "4", code=coded("d"), onsetDateTime="2012-05"),
    )

    assert titles(bundle)["現在の病名・問題"] == ["4", "3", "1", "2"]


def test_labels_of_what_is_included_are_labels_of_the_summary():
    label = {"system": ACT_CODE, "code": "PSY"}
    labelled = {"meta": {"security": [label]}}

    bundle = made(
        a("Condition", "1", **labelled),
        a("Condition", "2", **labelled),
        a("Procedure", "3", status="not-done", meta={"security": [{"code": "HIV"}]}),
        # A label that came to the row later is not in its bytes.
        held(a("Condition", "4"), labels=bit(ACT_CODE, "HIV")),
        # One that nobody knows is in the bytes of another.
        held(a("Condition", "5"), labels=1 << 62),
    )

    assert [one["code"] for one in bundle["meta"]["security"]] == ["PSY", "HIV", "V"]


def test_a_mark_says_what_the_patient_was_not_told():
    resource = a("Condition", "1", code={"text": "胃癌"})

    japanese = made(held(resource, labels=UNINFORMED))
    english = made(held(resource, labels=bit(ACT_CODE, "PSY")), language="en")

    assert cells(sections(japanese)["11450-4"])[0][0] == "【未告知】胃癌"
    assert cells(sections(english)["11450-4"])[0][0] == "[sensitive]胃癌"


@pytest.mark.parametrize(
    ("resource", "row"),
    [
        (
            a(
                "Observation",
                "1",
                code={"text": 'K<5 & "x"\u0008'},
                valueQuantity={"value": 6.3, "unit": "mmol/L", "comparator": ">"},
                effectiveDateTime="2024-01-02",
            ),
            ['K<5 & "x"', ">6.3 mmol/L", "2024-01-02"],
        ),
        (
            a(
                "Observation",
                "1",
                code={"coding": [{"code": "1"}, {"display": "BP"}]},
                component=[
                    {"code": {"text": "sys"}, "valueQuantity": {"value": 120}},
                    {"code": {"text": "dia"}, "dataAbsentReason": {"text": "?"}},
                ],
                effectivePeriod={"start": "2024"},
            ),
            ["BP", "sys 120; dia ?", "2024–"],
        ),
        (
            a(
                "Observation",
                "1",
                code=coded("8480-6"),
                valueCodeableConcept={"text": "陽性"},
                issued="2024-01-02T03:04:05Z",
            ),
            ["8480-6", "陽性", "2024-01-02 12:04"],
        ),
        (a("Observation", "1", valueString="text", effectiveTiming={}), ["Observation/1", "text", ""]),
        (
            a("Observation", "1", code=coded("c"), valueRange={"low": {"value": 1, "code": "mg"}, "high": {}}),
            ["c", "1 mg–", ""],
        ),
        (
            a(
                "Observation",
                "1",
                code=coded("c"),
                valueRatio={"numerator": {"value": 1}, "denominator": {"value": 128}},
            ),
            ["c", "1:128", ""],
        ),
        (
            a("Observation", "1", code=coded("c"), valueBoolean=True, interpretation=[coded("A")]),
            ["c", "はい; 異常", ""],
        ),
        (
            a("Observation", "1", code=coded("c"), effectivePeriod={"start": "2024", "end": "9999-12-31T23:59:59Z"}),
            ["c", "", "2024–9999-12-31T23:59:59Z"],
        ),
        (
            a("Observation", "1", code=coded("c"), valueDateTime="0001-01-01T00:00:00+14:00"),
            ["c", "0001-01-01T00:00:00+14:00", ""],
        ),
        (
            a("DiagnosticReport", "1", code={"text": "CT"}, conclusion="no finding", effectivePeriod={"end": "2024"}),
            ["CT", "no finding", "–2024"],
        ),
    ],
)
def test_the_narrative_of_a_result_is_a_row(resource, row):
    assert cells(sections(made(resource))["30954-2"]) == [row]


def test_the_narrative_names_medications_by_what_they_refer_to():
    bundle = made(
        a(
            "MedicationRequest",
            "1",
            medicationReference={"reference": "Medication/m"},
            dosageInstruction=[{"text": "1日1回"}],
            authoredOn="2024-03-01",
            status="stopped",
        ),
        a("MedicationRequest", "2", medicationReference={"display": "by display"}),
        a(
            "MedicationRequest",
            "3",
            medicationReference={"reference": "#m"},
            contained=[
                {"resourceType": "Medication", "id": "x", "code": {"text": "another"}},
                {"resourceType": "Medication", "id": "m", "code": {"text": "contained"}},
            ],
        ),
        a("MedicationRequest", "5", medicationReference={"reference": "#m"}),
        a("MedicationStatement", "4", medicationCodeableConcept={"text": "OTC"}, dosage=[{"text": "as needed"}]),
        {"resourceType": "Medication", "id": "m", "code": {"text": "アムロジピン錠5mg"}},
    )

    assert cells(sections(bundle)["10160-0"]) == [
        ["アムロジピン錠5mg", "1日1回; 中止", "2024-03-01"],
        ["OTC", "as needed", ""],
        ["by display", "", ""],
        ["contained", "", ""],
        ["MedicationRequest/5", "", ""],
    ]


def test_a_device_whose_name_is_withheld_stands_in_a_line_all_the_same():
    unsaid = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    device = {
        "resourceType": "Device",
        "id": "d",
        "deviceName": [{"_name": unsaid, "type": "other"}],
        "modelNumber": "1",
    }
    bundle = made(a("DeviceUseStatement", "1", status="active", device={"reference": "Device/d"}), device)

    assert [line[0] for line in cells(sections(bundle)["46264-8"])] == ["DeviceUseStatement/1"]


def test_the_narrative_of_an_allergy_and_of_a_problem():
    bundle = made(
        a(
            "AllergyIntolerance",
            "1",
            code={"text": "そば"},
            criticality="high",
            verificationStatus=coded("unconfirmed"),
            reaction=[{"manifestation": [{"text": "蕁麻疹"}]}],
            onsetAge={"value": 3},
            recordedDate="2020",
        ),
        a(
            "Condition",
            "2",
            code={"text": "高血圧"},
            clinicalStatus=coded("active"),
            verificationStatus=coded("confirmed"),
            onsetDateTime="2019-04",
        ),
    )

    assert cells(sections(bundle)["48765-2"]) == [["そば", "蕁麻疹; 高リスク; 未確認", "2020"]]
    assert cells(sections(bundle)["11450-4"]) == [["高血圧", "有効", "2019-04"]]


def test_a_concept_is_named_in_the_language_where_that_is_known_with_the_senders_words():
    problem = a("Condition", "1", code={"text": "高血圧症", **coded("I10")})
    terms = Terms({"I10": "Essential hypertension"})

    assert cells(sections(made(problem, language="en", terms=terms))["11450-4"])[0][0] == (
        "Essential hypertension (高血圧症)"
    )
    assert resource_of(made(problem, terms=terms), "1")["code"] == problem["code"]


def test_codes_are_translated_behind_the_senders_which_is_then_the_one_that_was_chosen():
    same = {"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertension"}
    known_already = {"system": "icd", "code": "I10"}
    terms = Terms(maps={"20061": [same, known_already], "active": [same]})
    coding = [{"system": "medis", "code": "20061"}, {"system": "icd", "code": "I10.9"}]
    problem = a("Condition", "1", clinicalStatus=coded("active"), code={"coding": coding}, severity=coded("20061"))
    chosen = a("Condition", "2", code={"coding": [{"code": "20061", "userSelected": False}]})

    bundle = made(problem, chosen, terms=terms)

    told = resource_of(bundle, "1")
    assert told["code"]["coding"] == [
        {"system": "medis", "code": "20061", "userSelected": True},
        {"system": "icd", "code": "I10.9"},
        {**same, "userSelected": False},
    ]
    assert told["clinicalStatus"] == coded("active")
    assert [one["code"] for one in told["severity"]["coding"]] == ["20061", "38341003", "I10"]
    assert "userSelected" in resource_of(bundle, "2")["code"]["coding"][0]
    assert not resource_of(bundle, "2")["code"]["coding"][0]["userSelected"]


def stored(body: bytes) -> Held:
    return Held(read(body), body)


def test_the_stored_bytes_of_a_resource_are_kept():
    body = (
        b'{"resourceType":"Observation", "id":"1","status":"final","valueQuantity":{"value":6.30},'
        b'"subject":{"reference":"Patient\\/p/_history/4"},"performer":[{"display":"a"}]}'
    )

    found = a_summary(PATIENT, [stored(body)])

    bundle = bundle_of(found)
    url = bundle["entry"][1]["fullUrl"].encode()
    assert body.replace(b"Patient\\/p/_history/4", url) in found.body
    assert ">6.30<" in sections(bundle)["30954-2"]["text"]["div"]


def test_a_resource_that_is_written_anew_keeps_its_numbers():
    body = (
        b'{"resourceType": "Observation", "id": "1", "status": "final", "valueQuantity": {"value": 6.30},'
        b'"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}, "x": [1e2]}'
    )

    text = a_summary(PATIENT, [stored(body)]).body

    assert b'"valueQuantity":{"value":6.30}' in text
    assert b'"encounter":{"type":"Encounter"},"x":[1e2]' in text
    assert orjson.loads(text)["entry"][3]["resource"]["valueQuantity"] == {"value": float(Decimal("6.30"))}
