"""Summaries against the profiles of IPS 1.1, and against what 2.0 changed; of IPS's examples and real ones.

Data: the package hl7.fhir.uv.ips 1.1.0 and jp/examples. Of 2.0 no package is at hand: what it says of sections is a
table here, by its Composition-uv-ips.
"""

import functools
import json
import tarfile
from typing import Any

import pytest

from fhir.documents.facts import Held
from fhir.documents.sections import SECTIONS
from fhir.documents.split import split
from fhir.documents.summary import SUPPORT, Summary
from fhir.envelope import read_bundle
from fhir.exact import read
from fhir.issue import Issue
from fhir.profiles.conformance import conformance
from fhir.profiles.definitions import Definition, Definitions
from fhir.profiles.structure import check
from fhir.xml.to_json import to_json
from fhir.xml.to_xml import to_xml
from tests.spec_data import SPEC_DATA
from tests.summaries import a_summary, bundle_of

pytestmark = pytest.mark.skipif(not SPEC_DATA.exists(), reason="the published examples are not on this machine")

IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"

SECTIONS_OF_2_0 = {
    "10160-0": {
        *("MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense"),
        "DocumentReference",
    },
    "48765-2": {"AllergyIntolerance", "DocumentReference"},
    "11450-4": {"Condition", "DocumentReference"},
    "47519-4": {"Procedure", "DocumentReference"},
    "11369-6": {"Immunization", "DocumentReference"},
    "46264-8": {"DeviceUseStatement", "DocumentReference"},
    "30954-2": {"Observation", "DiagnosticReport", "DocumentReference", "Media"},
    "8716-3": {"Observation", "DocumentReference"},
    "11348-0": {"Condition", "DocumentReference"},
    "47420-5": {"Condition", "ClinicalImpression", "DocumentReference"},
    "18776-5": {"CarePlan", "DocumentReference"},
    "29762-2": {"Observation", "DocumentReference"},
    "10162-6": {"Observation", "DocumentReference"},
    "42348-3": {"Consent", "DocumentReference"},
    "104605-1": {"Flag", "DocumentReference"},
    "81338-6": None,
}
"""Each section of IPS 2.0 and what may stand in it; the patient's story may be told by anything."""


@functools.cache
def package() -> tuple[Definitions, dict[str, dict[str, Any]]]:
    """Return what IPS 1.1 defines, and its examples by file."""
    definitions, examples = [], {}
    with tarfile.open(SPEC_DATA / "fhir/hl7.fhir.uv.ips-1.1.0.tgz") as archive:
        for member in archive:
            if not member.name.endswith(".json") or member.name.startswith(("package/other", "package/openapi")):
                continue
            body = archive.extractfile(member).read()
            resource = json.loads(body)
            kind = resource.get("resourceType", "")
            if "/example/" in member.name:
                examples[member.name.rpartition("/")[2]] = resource
            elif kind in ("StructureDefinition", "ValueSet", "CodeSystem"):
                version = resource.get("version", "")
                definitions.append(Definition(kind, resource["url"], version, lambda body=body: body))
    return Definitions(definitions), examples


def elements(name: str) -> dict[str, Any]:
    definition = package()[0].known("StructureDefinition", f"{IPS}{name}-uv-ips")
    return {element["id"]: element for element in json.loads(definition.read())["snapshot"]["element"]}


def wrong(resource: dict[str, Any], profile: str) -> list[Issue]:
    issues = check(resource, entries=True) or conformance(resource, package()[0], [f"{IPS}{profile}-uv-ips"])
    return [one for one in issues if one.severity == "error"]


def of_the_examples(*types: str) -> Summary:
    """Return the summary of IPS's own example resources of some types, or of all."""
    examples = package()[1]
    known = [one for one in examples.values() if one.get("resourceType") not in (None, "Bundle", "Composition")]
    chosen = [one for one in known if one["resourceType"] in types or not types]
    patients = [one for one in chosen if one["resourceType"] == "Patient"]
    return a_summary(
        examples["Patient-eumfh-39-07.json"], [one for one in chosen if one not in patients], language="en"
    )


@pytest.fixture
def referral() -> list[Held]:
    """Return the resources of a real referral as they would be stored; the Patient is the first."""
    found = SPEC_DATA / "jp/examples/Bundle-Bundle-CLINS-Referral-Example-01.json"
    resources = split(read_bundle(found.read_bytes())).resources
    urls = {entry.full_url: f"{entry.type}/{entry.id}" for entry in resources}
    made = []
    for entry in resources:
        text = entry.resource
        for url, reference in urls.items():
            text = text.replace(url.encode(), reference.encode())
        made.append(Held(read(text), text, 0, "中央病院"))
    return sorted(made, key=lambda one: one.resource["resourceType"] != "Patient")


@pytest.fixture
def made(referral) -> Summary:
    patient, *others = referral
    return a_summary(patient.resource, others)


def test_our_sections_are_those_of_2_0_with_its_types():
    ours = {section.code: {ask.type for ask in section.asks} for section in SECTIONS}

    assert ours.keys() == SECTIONS_OF_2_0.keys()
    assert all(types <= (SECTIONS_OF_2_0[code] or types) for code, types in ours.items())
    assert {section.code for section in SECTIONS if section.required} == {"11450-4", "48765-2", "10160-0"}


def test_1_1_has_the_same_codes_but_for_what_2_0_added():
    found = [at for at in elements("Composition") if at.startswith("Composition.section:") and at.count(".") == 1]
    codes = {elements("Composition")[f"{at}.code"]["patternCodeableConcept"]["coding"][0]["code"]: at for at in found}

    assert SECTIONS_OF_2_0.keys() - codes.keys() == {"104605-1", "81338-6"}
    assert codes.keys() <= SECTIONS_OF_2_0.keys()
    assert {code for code, at in codes.items() if elements("Composition")[at]["min"]} == {
        "11450-4",
        "48765-2",
        "10160-0",
    }


def test_the_summary_of_ips_own_examples_follows_its_profiles():
    bundle = bundle_of(of_the_examples())

    assert wrong(bundle, "Bundle") == []
    assert {one["title"]: len(one["entry"]) for one in bundle["entry"][0]["resource"]["section"]} == {
        "Problem List": 1,
        "Allergies and Intolerances": 2,
        "Medication Summary": 2,
        "Immunizations": 1,
        "Results": 7,
        "History of Procedures": 1,
        "Medical Devices": 1,
        "History of Pregnancy": 3,
        "Social History": 2,
    }


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def more() -> list[dict[str, Any]]:
    """Return a resource for each section of which IPS has no example."""
    subject, loinc, hl7 = (
        {"reference": "Patient/eumfh-39-07"},
        "http://loinc.org",
        "http://terminology.hl7.org/CodeSystem/",
    )
    condition = {
        "resourceType": "Condition",
        "clinicalStatus": coded(f"{hl7}condition-clinical", "active"),
        "code": coded("http://snomed.info/sct", "1"),
        "subject": subject,
    }
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "subject": subject,
        "effectiveDateTime": "2024-01-01",
        "valueString": "x",
    }
    category = f"{hl7}observation-category"
    return [
        condition | {"id": "past", "clinicalStatus": coded(f"{hl7}condition-clinical", "resolved")},
        condition | {"id": "daily-life", "category": [coded("http://example.org", "functional-status")]},
        observation | {"id": "vital", "category": [coded(category, "vital-signs")], "code": coded(loinc, "8867-4")},
        observation | {"id": "story", "code": coded(loinc, "81338-6")},
        {"resourceType": "Flag", "id": "flag", "status": "active", "code": {"text": "転倒"}, "subject": subject},
        {"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan", "subject": subject},
        {
            "resourceType": "Consent",
            "id": "will",
            "status": "active",
            "scope": coded(f"{hl7}consentscope", "adr"),
            "category": [coded(f"{hl7}consentcategorycodes", "acd")],
            "policyRule": coded(f"{hl7}consentpolicycodes", "cric"),
            "patient": subject,
        },
    ]


def test_a_summary_with_all_sections_follows_the_profiles_of_1_1():
    examples = [one for one in package()[1].values() if one.get("resourceType") not in (None, "Bundle", "Composition")]
    others = [one for one in examples if one["resourceType"] != "Patient"]
    made = a_summary(package()[1]["Patient-eumfh-39-07.json"], [*others, *more()], language="ja")

    bundle = bundle_of(made)

    assert {one["code"]["coding"][0]["code"] for one in bundle["entry"][0]["resource"]["section"]} == set(
        SECTIONS_OF_2_0
    )
    assert wrong(bundle, "Bundle") == []


def test_a_minimal_summary_follows_its_profiles():
    bundle = bundle_of(of_the_examples("Condition", "AllergyIntolerance", "MedicationStatement", "Medication"))

    assert wrong(bundle, "Bundle") == []


def test_an_empty_summary_differs_from_1_1_where_2_0_does():
    bundle = bundle_of(of_the_examples("Patient"))

    composition = bundle["entry"][0]["resource"]
    issues = wrong(composition, "Composition")
    # 1.1 lets an entry stand for nothing where 2.0 asks for an emptyReason.
    assert {(one.code, one.expression.rpartition(".")[2]) for one in issues} == {
        ("structure", "emptyReason"),
        ("required", "entry"),
    }
    assert [one["emptyReason"]["coding"][0]["code"] for one in composition["section"]] == ["unavailable"] * 3
    assert check(bundle, entries=True) == []


@pytest.mark.parametrize("types", [(), ("Patient",), ("Condition", "AllergyIntolerance")], ids=["all", "none", "some"])
def test_every_summary_keeps_the_rules_of_2_0(types):
    bundle = bundle_of(of_the_examples(*types))

    urls = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    composition, *others = urls.values()
    assert {"identifier", "timestamp", "type"} <= bundle.keys()
    assert len(urls) == len(bundle["entry"])
    assert composition["resourceType"] == "Composition"
    assert "Composition" not in [one["resourceType"] for one in others]
    for section in composition["section"]:
        code = section["code"]["coding"][0]["code"]
        assert {"title", "code", "text"} <= section.keys()
        assert "section" not in section
        assert ("entry" in section) is not ("emptyReason" in section)
        standing = [urls[entry["reference"]]["resourceType"] for entry in section.get("entry", ())]
        assert set(standing) <= (SECTIONS_OF_2_0[code] or set(standing))


def test_no_reference_of_a_summary_is_left_in_the_air():
    for bundle in (bundle_of(of_the_examples()), bundle_of(of_the_examples("DiagnosticReport", "Device"))):
        urls = {entry["fullUrl"] for entry in bundle["entry"]}
        waiting, links = [bundle], []
        while waiting:
            node = waiting.pop()
            waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
            if isinstance(node, dict) and isinstance(node.get("reference"), str):
                links.append(node["reference"])

        assert [link for link in links if link not in urls and not link.startswith("#")] == []
        assert links


def test_the_summary_of_a_real_record_holds_its_problems_and_allergies(made):
    sections = {section["title"]: section for section in bundle_of(made)["entry"][0]["resource"]["section"]}

    assert {title: len(section.get("entry", [])) for title, section in sections.items()} == {
        "現在の病名・問題": 3,
        "アレルギー・不耐性": 3,
        "薬剤": 0,
        "検査結果": 1,
        "既往歴": 2,  # angina and a fracture, resolved
    }
    assert sections["薬剤"]["emptyReason"]["coding"][0]["code"] == "unavailable"


def test_the_body_of_a_real_summary_holds_the_stored_bytes(made):
    # With the sender's space, where no reference had to be taken out.
    assert made.body.count(b'"resourceType": "Condition"') == 5


def test_the_summary_can_be_taken_apart_again(made):
    extract = split(read_bundle(made.body))

    assert extract.patient.type == "Patient"
    assert len(extract.resources) == len(bundle_of(made)["entry"])
    assert extract.issues == ()


def test_the_summary_is_the_same_in_xml(made):
    again = to_json(to_xml(made.body)).body

    assert json.loads(again) == bundle_of(made)


def test_whatever_stands_in_the_examples_of_r4_becomes_a_sound_summary():
    types = {ask.type for section in SECTIONS for ask in section.asks} | SUPPORT
    bodies = [file.read_bytes() for file in sorted((SPEC_DATA / "fhir/r4-examples").glob("*.json"))]
    known = [Held(read(body), body) for body in bodies]
    chosen = [one for one in known if one.resource["resourceType"] in types and "id" in one.resource]

    made = a_summary({"resourceType": "Patient", "id": "p"}, chosen)

    bundle = bundle_of(made)
    assert [one for one in check(bundle, entries=True) if one.severity == "error"] == []
    assert json.loads(to_json(to_xml(made.body)).body)["type"] == "document"
    assert len(bundle["entry"][0]["resource"]["section"]) == 11
    assert len(bundle["entry"]) == 34


def test_fhir_resources_reads_the_summary(made):
    from fhir.resources.R4B.bundle import Bundle

    read_again = Bundle.model_validate(bundle_of(made))

    assert read_again.entry[0].resource.get_resource_type() == "Composition"
    assert len(read_again.entry) == len(bundle_of(made)["entry"])
