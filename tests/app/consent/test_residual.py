"""The token extension of PCF: the decisions of its examples, made again for people of our own.

https://profiles.ihe.net/ITI/PCF/content.html; each test case has the name of the example whose decision it is.
"""

from typing import Any

import pytest

from app.consent.residual import REFUSED, Asking, residual
from fhir.search.date import interval

BASE = "https://renkei.example/fhir"
TREATMENT = ("TREAT", "HPAYMT", "HOPERAT")
ACT_CODE, CONFIDENTIALITY = (
    f"http://terminology.hl7.org/CodeSystem/v3-{name}" for name in ("ActCode", "Confidentiality")
)
NORMAL, RESTRICTED = ({"system": CONFIDENTIALITY, "code": code} for code in ("N", "R"))
PSY, SEX, SDV = ({"system": ACT_CODE, "code": code} for code in ("PSY", "SEX", "SDV"))
YEAR = {"start": "2022-01-01", "end": "2022-12-31"}
DOCTOR = {
    "role": {"coding": [{"code": "IRCP"}]},
    "reference": {"reference": "Practitioner/sato"},
}
RESEARCHERS = {"role": {"coding": [{"code": "IRCP"}]}, "reference": {"reference": "Organization/institute"}}


def purposes(*codes: str) -> list[dict[str, str]]:
    return [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": code} for code in codes]


def data(meaning: str, *references: str, base: str = "") -> list[dict[str, Any]]:
    return [{"meaning": meaning, "reference": {"reference": f"{base}{one}"}} for one in references]


def a_consent(id_: str = "c1", **provision: Any) -> dict[str, Any]:
    provision = {"type": "permit", "purpose": purposes(*TREATMENT), **provision}
    return {
        "resourceType": "Consent",
        "id": id_,
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "patient": {"reference": "Patient/p1"},
        "dateTime": "2022-06-13",
        "performer": [{"reference": "Patient/p1"}],
        "policy": [{"uri": "https://renkei.example/policies/1"}],
        "provision": {name: value for name, value in provision.items() if value is not None},
    }


def asking(purpose: str = "TREAT", *who: str, day: str = "2022-07-01", **fields: Any) -> Asking:
    return Asking(frozenset(who), purpose, interval(day)[0], {"id": "p1", "birthDate": "1960-01-02"}, BASE, **fields)


def given(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the extension with these rules left over."""
    made = {
        "patient_id": f"{BASE}/Patient/p1",
        "doc_id": [f"{BASE}/Consent/c1"],
        "acp": ["https://renkei.example/policies/1"],
    }
    return {**made, **fields} | ({"residual": list(rules)} if rules else {})


FORBID = {"type": "forbid"}
PERMIT_NORMAL = {"type": "permit", "securityLabel": [NORMAL]}
OBSERVATIONS = ("Observation/sugar", "Observation/weight", "Encounter/visit")
INK = {**a_consent(), "sourceReference": {"reference": "DocumentReference/ink"}}


def within(**inner: Any) -> dict[str, Any]:
    return {"provision": [inner]}


EXAMPLES: dict[str, tuple[dict[str, Any], Asking, Any]] = {
    "basic-treat": (a_consent(), asking(), given()),
    "basic-ink": (INK, asking("HOPERAT"), given()),
    "basic-reject": (a_consent(type="deny"), asking(), REFUSED),
    "expired-treat": (a_consent(period={"end": "2022-12-31"}), asking(day="2023-01-01"), REFUSED),
    "intermediate-timeframe": (
        a_consent(dataPeriod=YEAR),
        asking(),
        given(FORBID, {"type": "permit", "dataPeriod": YEAR}),
    ),
    "intermediate-not-timeframe": (
        a_consent(**within(type="deny", dataPeriod=YEAR)),
        asking(),
        given({"type": "forbid", "dataPeriod": YEAR}),
    ),
    "intermediate-data": (
        a_consent(data=data("instance", *OBSERVATIONS)),
        asking(),
        given(FORBID, {"type": "permit", "data": data("instance", *OBSERVATIONS, base=f"{BASE}/")}),
    ),
    "intermediate-not-data": (
        a_consent(**within(type="deny", data=data("instance", "Observation/alcohol"))),
        asking(),
        given({"type": "forbid", "data": data("instance", "Observation/alcohol", base=f"{BASE}/")}),
    ),
    "intermediate-authoredby": (
        a_consent(data=data("authoredby", "Practitioner/sato")),
        asking(),
        given(FORBID, {"type": "permit", "data": data("authoredby", "Practitioner/sato", base=f"{BASE}/")}),
    ),
    "intermediate-not-authoredby": (
        a_consent(**within(type="deny", data=data("authoredby", "Practitioner/sato"))),
        asking(),
        given({"type": "forbid", "data": data("authoredby", "Practitioner/sato", base=f"{BASE}/")}),
    ),
    "intermediate-encounter": (
        a_consent(data=data("related", "Encounter/visit")),
        asking(),
        given(FORBID, {"type": "permit", "data": data("related", "Encounter/visit", base=f"{BASE}/")}),
    ),
    "intermediate-not-encounter": (
        a_consent(**within(type="deny", data=data("related", "Encounter/visit"))),
        asking(),
        given({"type": "forbid", "data": data("related", "Encounter/visit", base=f"{BASE}/")}),
    ),
    "intermediate-purpose": (
        a_consent(purpose=purposes("HRESCH"), actor=[RESEARCHERS]),
        asking("HRESCH", "Organization/institute"),
        given(),
    ),
    "dissent-intermediate-break-glass": (
        a_consent(type="deny", purpose=None, **within(type="permit", purpose=purposes("BTG"))),
        asking("BTG"),
        given(),
    ),
    "advanced-normal": (a_consent(securityLabel=[NORMAL]), asking(), given(FORBID, PERMIT_NORMAL)),
    "advanced-normal-restricted": (
        a_consent(securityLabel=[NORMAL, RESTRICTED]),
        asking(),
        given(FORBID, {"type": "permit", "securityLabel": [NORMAL, RESTRICTED]}),
    ),
    "advanced-normal-not-restricted": (
        a_consent(securityLabel=[NORMAL], **within(type="deny", securityLabel=[RESTRICTED])),
        asking(),
        given(FORBID, PERMIT_NORMAL, {"type": "forbid", "securityLabel": [RESTRICTED]}),
    ),
    "advanced-normal-focused-restricted": (
        a_consent(securityLabel=[NORMAL], **within(type="permit", securityLabel=[RESTRICTED], actor=[DOCTOR])),
        asking("TREAT", "Practitioner/sato"),
        given(FORBID, PERMIT_NORMAL, {"type": "permit", "securityLabel": [RESTRICTED]}),
    ),
    "advanced-normal-focused-psy": (
        a_consent(securityLabel=[NORMAL], **within(type="permit", securityLabel=[PSY], actor=[DOCTOR])),
        asking("TREAT", "Practitioner/sato"),
        given(FORBID, PERMIT_NORMAL, {"type": "permit", "securityLabel": [PSY]}),
    ),
    "advanced-normal-focused-psy-or-sex": (
        a_consent(securityLabel=[NORMAL], **within(type="permit", securityLabel=[PSY, SEX], actor=[DOCTOR])),
        asking("TREAT", "Practitioner/sato"),
        given(FORBID, PERMIT_NORMAL, {"type": "permit", "securityLabel": [PSY, SEX]}),
    ),
    "advanced-normal-focused-psy-or-sdv": (
        a_consent(securityLabel=[NORMAL], **within(type="permit", securityLabel=[PSY, SDV], actor=[DOCTOR])),
        asking("TREAT", "Practitioner/sato"),
        given(FORBID, PERMIT_NORMAL, {"type": "permit", "securityLabel": [PSY, SDV]}),
    ),
    "advanced-normal-break-glass-restricted": (
        a_consent(
            securityLabel=[NORMAL],
            purpose=purposes(*TREATMENT, "BTG"),
            **within(type="permit", securityLabel=[NORMAL, RESTRICTED], purpose=purposes("BTG")),
        ),
        asking("BTG"),
        given(FORBID, PERMIT_NORMAL, {"type": "permit", "securityLabel": [NORMAL, RESTRICTED]}),
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_decision_is_that_of_the_example(example: str) -> None:
    consent, asked, expected = EXAMPLES[example]

    assert residual([consent], asked) == expected


def test_all_decisions_are_here() -> None:
    assert len(EXAMPLES) == 22


@pytest.mark.parametrize(
    ("example", "asked", "expected"),
    [
        ("basic-treat", asking("HMARKT"), REFUSED),
        ("expired-treat", asking(day="2022-12-31"), given()),
        ("intermediate-purpose", asking("HRESCH", "Organization/other"), REFUSED),
        ("dissent-intermediate-break-glass", asking("TREAT"), REFUSED),
        ("advanced-normal-focused-psy", asking("TREAT", "Practitioner/other"), given(FORBID, PERMIT_NORMAL)),
        ("advanced-normal-break-glass-restricted", asking("TREAT"), given(FORBID, PERMIT_NORMAL)),
    ],
)
def test_the_same_example_says_something_else_to_another(example: str, asked: Asking, expected: Any) -> None:
    assert residual([EXAMPLES[example][0]], asked) == expected


def test_without_a_consent_the_region_decides() -> None:
    assert residual([], asking()) == REFUSED
    assert residual([], asking(implied=True)) == {"patient_id": f"{BASE}/Patient/p1"}


@pytest.mark.parametrize("status", ["inactive", "rejected"])
def test_after_a_consent_was_withdrawn_the_region_implies_nothing(status: str) -> None:
    assert residual([{**a_consent(), "status": status}], asking(implied=True)) == REFUSED


def test_a_denial_of_everything_in_one_consent_outweighs_every_other() -> None:
    assert residual([a_consent(), a_consent("c2", type="deny")], asking()) == REFUSED


def test_what_one_consent_permits_whole_another_does_not_limit_but_what_it_denies_stays_denied() -> None:
    limited = a_consent("c2", dataPeriod=YEAR, **within(type="deny", securityLabel=[PSY]))

    found = residual([a_consent(), limited], asking())

    assert found == given(
        {"type": "forbid", "securityLabel": [PSY]}, doc_id=[f"{BASE}/Consent/c1", f"{BASE}/Consent/c2"]
    )


@pytest.mark.parametrize(
    ("policy", "purpose", "permits"),
    [
        *(("basic-normal", "TREAT", True), ("basic-normal", "HRESCH", False), ("all-normal", "HRESCH", True)),
        *(("break-glass-only", "TREAT", False), ("break-glass-only", "BTG", True), ("deny", "BTG", False)),
    ],
)
def test_the_policies_of_pcf_decide_where_the_provision_is_silent(policy: str, purpose: str, permits: bool) -> None:
    uri = f"https://profiles.ihe.net/ITI/PCF/Policy-{policy}"
    consent = {**a_consent(purpose=None), "policy": [{"uri": uri}]}

    assert residual([consent], asking(purpose)) == (given(acp=[uri]) if permits else REFUSED)


def test_what_a_parent_permitted_ends_when_the_child_comes_of_age() -> None:
    consent = {**a_consent(), "performer": [{"reference": "RelatedPerson/mother"}]}

    def at(day: str) -> Any:
        patient = {"id": "p1", "birthDate": "2008-05-20"}
        return residual([consent], Asking(frozenset(), "TREAT", interval(day)[0], patient, BASE, majority=18))

    assert at("2026-05-19") == given()
    assert at("2026-05-20") == REFUSED
