"""The sections of an International Patient Summary: code, title, and which resources stand in which.

https://hl7.org/fhir/uv/ips/STU1.1/StructureDefinition-Composition-uv-ips.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Resource = Mapping[str, Any]
Language = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the summary."""

    code: str
    """LOINC."""
    display: str
    """LOINC's own name of the code."""
    title: Mapping[Language, str]
    types: tuple[str, ...]
    """The resource types that stand in it, in this order."""
    holds: Callable[[Resource], bool]
    """Whether a resource of these types belongs here."""
    required: bool = False
    """A required section is there even when it is empty."""


def codes(concepts: Any) -> frozenset[str]:
    """Return the codes of a CodeableConcept or of a list of them."""
    found = concepts if isinstance(concepts, list) else [concepts]
    return frozenset(
        coding["code"]
        for concept in found
        if isinstance(concept, dict)
        for coding in concept.get("coding", ())
        if "code" in coding
    )


_PAST = frozenset(("inactive", "remission", "resolved"))
_UNTRUE = frozenset(("entered-in-error", "refuted"))
# A status with which a resource says of itself that nothing has happened yet, will not, or was never so.
_VOID = frozenset(("entered-in-error", "cancelled", "draft", "registered", "not-done", "not-taken", "preparation"))
_VITAL_SIGNS = frozenset(("vital-signs",))
# Observations that are neither: https://hl7.org/fhir/R4/valueset-observation-category.html
_NO_RESULT = _VITAL_SIGNS | {"social-history", "survey", "activity"}


def _is_current(resource: Resource) -> bool:
    return _is_true(resource) and not codes(resource.get("clinicalStatus")) & _PAST


def _is_past(resource: Resource) -> bool:
    return _is_true(resource) and bool(codes(resource.get("clinicalStatus")) & _PAST)


def _is_true(resource: Resource) -> bool:
    return not codes(resource.get("verificationStatus")) & _UNTRUE


def _is_done(resource: Resource) -> bool:
    return resource.get("status") not in _VOID and not resource.get("doNotPerform")


def _is_result(resource: Resource) -> bool:
    return _is_done(resource) and not codes(resource.get("category")) & _NO_RESULT


def _is_vital_sign(resource: Resource) -> bool:
    return _is_done(resource) and bool(codes(resource.get("category")) & _VITAL_SIGNS)


SECTIONS = (
    Section(
        "11450-4",
        "Problem list - Reported",
        {"ja": "現在の病名・問題", "en": "Problem List"},
        ("Condition",),
        _is_current,
        required=True,
    ),
    Section(
        "48765-2",
        "Allergies and adverse reactions Document",
        {"ja": "アレルギー・不耐性", "en": "Allergies and Intolerances"},
        ("AllergyIntolerance",),
        _is_true,
        required=True,
    ),
    Section(
        "10160-0",
        "History of Medication use Narrative",
        {"ja": "薬剤", "en": "Medication Summary"},
        ("MedicationStatement", "MedicationRequest"),
        _is_done,
        required=True,
    ),
    Section(
        "30954-2",
        "Relevant diagnostic tests/laboratory data Narrative",
        {"ja": "検査結果", "en": "Results"},
        ("DiagnosticReport", "Observation"),
        _is_result,
    ),
    Section(
        "11369-6",
        "History of Immunization Narrative",
        {"ja": "予防接種", "en": "Immunizations"},
        ("Immunization",),
        _is_done,
    ),
    Section(
        "47519-4",
        "History of Procedures Document",
        {"ja": "手術・処置", "en": "History of Procedures"},
        ("Procedure",),
        _is_done,
    ),
    Section(
        "8716-3",
        "Vital signs",
        {"ja": "バイタルサイン", "en": "Vital Signs"},
        ("Observation",),
        _is_vital_sign,
    ),
    Section(
        "11348-0",
        "History of Past illness Narrative",
        {"ja": "既往歴", "en": "History of Past Illness"},
        ("Condition",),
        _is_past,
    ),
)
"""In the order in which they are read."""
