import json

import pytest

from fhir.documents.kind import BUNDLE_IDENTIFIER
from fhir.documents.rules import LOCAL_CODE, RESOURCE_TYPE, SECTION, broken
from fhir.envelope import read_bundle

RESULT = "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Observation_LabResult_eCS|1"
YJ = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"


def a_bundle(*resources: dict, **head) -> bytes:
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries, **head}).encode()


def found(kind: str, *resources: dict, **head) -> list[tuple[str, str]]:
    issues = broken(kind, read_bundle(a_bundle(*resources, **head)))
    return [(one.expression, one.diagnostics.partition(":")[0]) for one in issues]


def a_result(*systems: str, profile: str = RESULT) -> dict:
    codings = [{"system": one, "code": "1"} for one in systems]
    return {"resourceType": "Observation", "meta": {"profile": [profile]}, "code": {"coding": codings}}


def a_head(*codes: str) -> dict:
    sections = [{"code": {"coding": [{"system": SECTION, "code": one}]}} for one in codes]
    return {"resourceType": "Composition", "section": [{"section": sections}]}


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("1318814790^2024^0123-Referral-203949583949", True),
        ("1318814790^2024^" + "a" * 37, False),
        ("5318814790^2024^1", False),
        ("1318814790^1999^1", False),
        ("1318814790", False),
    ],
)
def test_a_key_is_institution_year_and_number(value, right):
    identifier = {"system": BUNDLE_IDENTIFIER, "value": value}

    assert found("checkup", identifier=identifier) == ([] if right else [("Bundle.identifier.value", "R2152")])


def test_a_key_of_another_system_is_the_senders_own():
    assert found("prescription", identifier={"system": "urn:oid:1.2.3", "value": "x"}) == []


def test_a_result_has_its_laboratorys_own_code():
    lone, both = a_result("urn:oid:1.2.392.200119.4.504"), a_result("urn:oid:1.2.392.200119.4.504", LOCAL_CODE)

    assert found("information", lone) == [("Bundle.entry[0].resource.code.coding", "R6021")]
    assert found("information", both, a_result("x", profile="http://example.org/other")) == []


def test_a_collection_holds_what_its_tag_names():
    meta = {"tag": [{"system": RESOURCE_TYPE, "code": "Condition"}]}
    resources = [{"resourceType": one} for one in ("Patient", "Condition", "Encounter")]

    assert found("information", *resources, meta=meta) == [("Bundle.entry[2].resource", "R0214")]
    assert found("information", *resources) == []


@pytest.mark.parametrize(
    ("system", "criticality", "right"), [(YJ, "high", True), ("x", "high", False), ("x", "low", True)]
)
def test_a_forbidden_medicine_is_named_by_a_code(system, criticality, right):
    allergy = {
        "resourceType": "AllergyIntolerance",
        "category": ["medication"],
        "criticality": criticality,
        "code": {"coding": [{"system": system, "code": "1"}]},
    }

    assert found("information", allergy) == ([] if right else [("Bundle.entry[0].resource.code.coding", "R2012")])


def test_a_referral_names_both_sides_and_says_something():
    assert found("referral", a_head("910", "920", "300")) == []
    assert found("referral", a_head("910", "920", "200")) == []
    assert len(found("referral", a_head("910"))) == 2
    assert len(found("discharge", a_head("910"))) == 1
    assert found("discharge", a_head("230")) == []


def test_what_is_no_document_of_japan_has_no_rules():
    assert found("other", a_head(), identifier={"system": BUNDLE_IDENTIFIER, "value": "x"}) == []


def test_a_strict_hub_calls_it_an_error():
    (issue,) = broken("discharge", read_bundle(a_bundle(a_head())), strict=True)

    assert (issue.severity, issue.code) == ("error", "business-rule")


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, [None], [{"code": 1}], [{"coding": 1}], {"coding": [1, None]}])
def test_rules_are_total(junk):
    resources = [
        {"resourceType": "Observation", "meta": {"profile": [RESULT]}, "code": junk},
        {"resourceType": "AllergyIntolerance", "category": ["medication"], "criticality": "high", "code": junk},
    ]

    assert isinstance(broken("information", read_bundle(a_bundle(*resources))), list)
