import xml.etree.ElementTree as ET
from decimal import Decimal

import orjson
import pytest

from fhir.documents.summary import body, summary

HUB = {"resourceType": "Organization", "id": "hub", "name": "地域連携センター"}
PATIENT = {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/site"}}
SUBJECT = {"reference": "Patient/p"}
UNAVAILABLE = "ここに示せる情報はありません。「該当なし」と確認されたことを意味するものではありません。"


def made(language="ja", **records) -> dict:
    return summary(PATIENT, records, id="s1", now="2024-05-01T09:00:00+09:00", author=HUB, language=language)


def sections(bundle: dict) -> dict:
    found = bundle["entry"][0]["resource"]["section"]
    return {section["code"]["coding"][0]["code"]: section for section in found}


def titles(bundle: dict) -> dict:
    urls = {entry["fullUrl"]: entry["resource"].get("id") for entry in bundle["entry"]}
    return {
        section["title"]: [urls[entry["reference"]] for entry in section.get("entry", [])]
        for section in bundle["entry"][0]["resource"]["section"]
    }


def cells(section: dict) -> list:
    tree = ET.fromstring(section["text"]["div"])  # noqa: S314 - our own output
    return [
        [cell.text or "" for cell in row.iter("{http://www.w3.org/1999/xhtml}td")]
        for row in tree.iter()
        if "}tr" in row.tag
    ][1:]


def a(resource_type: str, id_: str, **elements) -> dict:
    return {"resourceType": resource_type, "id": id_, "subject": SUBJECT} | elements


def coded(code: str) -> dict:
    return {"coding": [{"code": code}]}


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


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "ja",
            {
                "現在の病名・問題": UNAVAILABLE,
                "アレルギー・不耐性": "該当するものはないと確認されています。",
                "薬剤": UNAVAILABLE,
            },
        ),
        (
            "en",
            {
                "Problem List": "No information is available here. This does not mean that there is none.",
                "Allergies and Intolerances": "It has been established that there is none.",
                "Medication Summary": "No information is available here. This does not mean that there is none.",
            },
        ),
    ],
)
def test_required_sections_say_why_they_are_empty(language, expected):
    none_known = a("List", "1", status="current", emptyReason=coded("nilknown"), code=coded("allergies"))
    bundle = made(
        language,
        List=[
            none_known,
            none_known | {"code": coded("medications"), "status": "retired"},
            none_known | {"code": coded("problems"), "emptyReason": coded("withheld")},
            none_known | {"code": coded("10160-0"), "entry": [{}]},
        ],
    )

    found = bundle["entry"][0]["resource"]["section"]

    assert {s["title"]: "".join(ET.fromstring(s["text"]["div"]).itertext()) for s in found} == expected  # noqa: S314
    assert [s["emptyReason"]["coding"][0]["code"] for s in found] == [
        "unavailable",
        "nilknown",
        "unavailable",
    ]
    assert f'lang="{language}"' in found[0]["text"]["div"]


def test_each_resource_stands_in_the_section_it_belongs_to():
    bundle = made(
        "en",
        Condition=[
            a("Condition", "now", clinicalStatus=coded("active")),
            a("Condition", "unsaid"),
            a("Condition", "past", clinicalStatus=coded("resolved")),
            a("Condition", "wrong", verificationStatus=coded("entered-in-error")),
        ],
        AllergyIntolerance=[
            a("AllergyIntolerance", "nuts"),
            a("AllergyIntolerance", "refuted", verificationStatus=coded("refuted")),
        ],
        MedicationRequest=[
            a("MedicationRequest", "rx", status="active"),
            a("MedicationRequest", "never", status="cancelled"),
            a("MedicationRequest", "forbidden", status="active", doNotPerform=True),
        ],
        MedicationStatement=[a("MedicationStatement", "otc", status="completed")],
        Observation=[
            a("Observation", "lab", status="final", category=[coded("laboratory")]),
            a("Observation", "bp", status="final", category=[coded("vital-signs")]),
            a("Observation", "smoking", status="final", category=[coded("social-history")]),
        ],
        DiagnosticReport=[a("DiagnosticReport", "report", status="final")],
        Immunization=[
            a("Immunization", "flu", status="completed"),
            a("Immunization", "refused", status="not-done"),
        ],
        Procedure=[a("Procedure", "op", status="completed")],
        Encounter=[a("Encounter", "nobody points here")],
    )

    assert titles(bundle) == {
        "Problem List": ["now", "unsaid"],
        "Allergies and Intolerances": ["nuts"],
        "Medication Summary": ["otc", "rx"],
        "Results": ["report", "lab"],
        "Immunizations": ["flu"],
        "History of Procedures": ["op"],
        "Vital Signs": ["bp"],
        "History of Past Illness": ["past"],
    }
    ids = {entry["resource"]["id"] for entry in bundle["entry"]}
    assert not ids & {"wrong", "refuted", "never", "forbidden", "smoking", "refused", "nobody points here"}


def test_full_urls_follow_from_the_id_and_references_lead_to_them():
    records = {
        "Condition": [
            a(
                "Condition",
                "c",
                encounter={"reference": "Encounter/e/_history/2"},
                recorder={"reference": "Practitioner/x"},
            )
        ],
        "Encounter": [a("Encounter", "e", serviceProvider={"reference": "Organization/site"})],
        "Organization": [{"resourceType": "Organization", "id": "site"}],
    }

    bundle = made(**records)

    urls = {f"{e['resource']['resourceType']}/{e['resource']['id']}": e["fullUrl"] for e in bundle["entry"]}
    trees = {e["resource"]["id"]: e["resource"] for e in bundle["entry"]}
    assert urls["Patient/p"] == "urn:uuid:8061de3e-ebaf-5bc8-b1a7-fccd339c0843"
    assert trees["c"]["subject"]["reference"] == urls["Patient/p"]
    assert trees["c"]["encounter"]["reference"] == urls["Encounter/e"]
    assert trees["c"]["recorder"]["reference"] == "Practitioner/x"
    assert trees["p"]["managingOrganization"]["reference"] == urls["Organization/site"]
    assert len(set(urls.values())) == len(bundle["entry"]) == 6
    assert made(**records) == bundle


def test_labels_of_what_is_included_are_labels_of_the_summary():
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    labelled = {"meta": {"security": [label]}}

    bundle = made(
        Condition=[a("Condition", "1", **labelled), a("Condition", "2", **labelled)],
        Procedure=[a("Procedure", "3", status="not-done", meta={"security": [{"code": "HIV"}]})],
    )

    assert bundle["meta"] == {"security": [label]}


@pytest.mark.parametrize(
    ("resource", "row"),
    [
        (
            a(
                "Observation",
                "1",
                code={"text": 'K<5 & "x"'},
                valueQuantity={"value": Decimal("6.30"), "unit": "mmol/L", "comparator": ">"},
                effectiveDateTime="2024-01-02",
            ),
            ['K<5 & "x"', ">6.30 mmol/L", "2024-01-02"],
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
            ["8480-6", "陽性", "2024-01-02T03:04:05Z"],
        ),
        (
            a("Observation", "1", valueString="text", effectiveTiming={}),
            ["Observation/1", "text", ""],
        ),
        (
            a(
                "Observation",
                "1",
                code=coded("c"),
                valueRange={"low": {"value": 1, "code": "mg"}, "high": {}},
            ),
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
            ["c", "true; A", ""],
        ),
        (
            a(
                "DiagnosticReport",
                "1",
                code={"text": "CT"},
                conclusion="no finding",
                effectivePeriod={"end": "2024"},
            ),
            ["CT", "no finding", "–2024"],
        ),
    ],
)
def test_the_narrative_of_a_result_is_a_row(resource, row):
    bundle = made(**{resource["resourceType"]: [resource]})

    assert cells(sections(bundle)["30954-2"]) == [row]


def test_the_narrative_names_medications_by_what_they_refer_to():
    bundle = made(
        MedicationRequest=[
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
        ],
        MedicationStatement=[
            a(
                "MedicationStatement",
                "4",
                medicationCodeableConcept={"text": "OTC"},
                dosage=[{"text": "as needed"}],
            )
        ],
        Medication=[{"resourceType": "Medication", "id": "m", "code": {"text": "アムロジピン錠5mg"}}],
    )

    assert cells(sections(bundle)["10160-0"]) == [
        ["OTC", "as needed", ""],
        ["アムロジピン錠5mg", "1日1回; stopped", "2024-03-01"],
        ["by display", "", ""],
        ["contained", "", ""],
        ["MedicationRequest/5", "", ""],
    ]


def test_the_narrative_of_an_allergy_and_of_a_problem():
    bundle = made(
        AllergyIntolerance=[
            a(
                "AllergyIntolerance",
                "1",
                code={"text": "そば"},
                criticality="high",
                verificationStatus=coded("unconfirmed"),
                reaction=[{"manifestation": [{"text": "蕁麻疹"}]}],
                onsetAge={"value": 3},
                recordedDate="2020",
            )
        ],
        Condition=[
            a(
                "Condition",
                "2",
                code={"text": "高血圧"},
                clinicalStatus=coded("active"),
                verificationStatus=coded("confirmed"),
                onsetDateTime="2019-04",
            )
        ],
    )

    assert cells(sections(bundle)["48765-2"]) == [["そば", "蕁麻疹; high; unconfirmed", "2020"]]
    assert cells(sections(bundle)["11450-4"]) == [["高血圧", "active", "2019-04"]]


def test_body_keeps_the_stored_bytes_of_the_resources():
    stored = {
        "Observation/1": b'{"resourceType":"Observation", "id":"1","status":"final",'
        b'"valueQuantity":{"value":6.30},'
        b'"subject":{"reference":"Patient\\/p/_history/4"},"performer":[{"reference":"Practitioner/9"}]}',
    }
    bundle = made(Observation=[orjson.loads(stored["Observation/1"])])

    text = body(bundle, stored)

    url = bundle["entry"][1]["fullUrl"].encode()
    assert (
        b'{"resourceType":"Observation", "id":"1","status":"final","valueQuantity":{"value":6.30},'
        b'"subject":{"reference":"' + url + b'"},"performer":[{"reference":"Practitioner/9"}]}'
    ) in text
    assert orjson.loads(text) == bundle


def test_body_writes_decimals_of_the_tree_as_they_were_sent():
    bundle = made(Observation=[a("Observation", "1", status="final", valueQuantity={"value": Decimal("6.30")})])

    assert b'"valueQuantity":{"value":6.30}' in body(bundle, {})
    assert ">6.30<" in sections(bundle)["30954-2"]["text"]["div"]


def test_body_refuses_what_is_no_json():
    with pytest.raises(TypeError, match="not JSON serializable"):
        body(made(Procedure=[a("Procedure", "1", x=1j)]), {})
