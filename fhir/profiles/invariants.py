"""Invariants of base R4, as predicates over one element.

Those of severity `error` that a sender gets wrong in practice. They run only on an element whose structure
was found to be right, so they may trust its types. ele-1, dom-2 to dom-5 and ref-1 need more than one
element's view: they are part of the structure check.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from fhir.profiles.bundle_invariants import BUNDLE_INVARIANTS
from fhir.profiles.invariant import Invariant, Value, any_of, has, needs, not_both

QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration")
CODES = "http://terminology.hl7.org/CodeSystem/"


def choice(value: Value, stem: str) -> bool:
    """Return whether the choice element `stem[x]` is there, in whichever type."""
    start = len(stem)
    return any(name.startswith(stem) and name[start : start + 1].isupper() for name in value)


def coded(value: Value, name: str, system: str, *codes: str) -> bool:
    """Return whether a CodeableConcept element has one of these codes of HL7's system."""
    codings = value.get(name, {}).get("coding", [])
    return any(c.get("system") == CODES + system and c.get("code") in codes for c in codings)


def _not_after(start: str, end: str) -> bool:
    """Compare two dateTimes as FHIRPath does: what only one of them tells decides nothing."""
    known = min(len(start), len(end), 10)
    if len(start) > 10 and len(end) > 10:
        return _instant(start) <= _instant(end)
    return start[:known] <= end[:known]


def _instant(text: str) -> datetime:
    # A leap second is the one moment that datetime does not know.
    return datetime.fromisoformat(text.replace(":60", ":59", 1) if text[16:19] == ":60" else text)


def _per_1(period: Value) -> bool:
    start, end = period.get("start"), period.get("end")
    return start is None or end is None or _not_after(start, end)


def _obs_7(observation: Value) -> bool:
    if not choice(observation, "value") or "component" not in observation:
        return True
    own = _codings(observation)
    return not any(_codings(part) & own for part in observation["component"])


def _codings(value: Value) -> set[str]:
    # As texts: to compare every pair of dicts would take a hostile sender's time squared.
    return {repr(sorted(coding.items())) for coding in value["code"].get("coding", [])}


def _rat_1(ratio: Value) -> bool:
    numerator = has(ratio, "numerator")
    return numerator == has(ratio, "denominator") and (numerator or has(ratio, "extension"))


def _ait(entered_in_error: bool) -> Callable[[Value], bool]:
    def holds(allergy: Value) -> bool:
        wrong = coded(allergy, "verificationStatus", "allergyintolerance-verification", "entered-in-error")
        return wrong is not entered_in_error or has(allergy, "clinicalStatus") is not entered_in_error

    return holds


def _con_4(condition: Value) -> bool:
    over = coded(condition, "clinicalStatus", "condition-clinical", "resolved", "remission", "inactive")
    return over or not choice(condition, "abatement")


def _con_5(condition: Value) -> bool:
    wrong = coded(condition, "verificationStatus", "condition-ver-status", "entered-in-error")
    return not (wrong and has(condition, "clinicalStatus"))


INVARIANTS: Mapping[str, Invariant] = MappingProxyType(
    {
        "ext-1": Invariant(
            ("Extension",),
            "Must have either extensions or value[x], not both",
            lambda e: has(e, "extension") is not (choice(e, "value") or choice(e, "_value")),
        ),
        "per-1": Invariant(("Period",), "If present, start SHALL have a lower value than end", _per_1),
        "qty-3": Invariant(
            QUANTITIES,
            "If a code for the unit is present, the system SHALL also be present",
            needs("code", "system"),
        ),
        "rat-1": Invariant(
            ("Ratio",),
            "Numerator and denominator SHALL both be present, or both are absent. If both are absent, there"
            " SHALL be some extension present",
            _rat_1,
        ),
        "att-1": Invariant(
            ("Attachment",),
            "If the Attachment has data, it SHALL have a contentType",
            needs("data", "contentType"),
        ),
        "cpt-2": Invariant(
            ("ContactPoint",),
            "A system is required if a value is provided.",
            needs("value", "system"),
        ),
        "tim-1": Invariant(
            ("Timing.repeat",),
            "if there's a duration, there needs to be duration units",
            needs("duration", "durationUnit"),
        ),
        "tim-2": Invariant(
            ("Timing.repeat",),
            "if there's a period, there needs to be period units",
            needs("period", "periodUnit"),
        ),
        "tim-10": Invariant(
            ("Timing.repeat",),
            "If there's a timeOfDay, there cannot be a when, or vice versa",
            not_both("timeOfDay", "when"),
        ),
        "pat-1": Invariant(
            ("Patient.contact",),
            "SHALL at least contain a contact's details or a reference to an organization",
            any_of("name", "telecom", "address", "organization"),
        ),
        "org-1": Invariant(
            ("Organization",),
            "The organization SHALL at least have a name or an identifier, and possibly more than one",
            any_of("identifier", "name"),
        ),
        "obs-6": Invariant(
            ("Observation",),
            "dataAbsentReason SHALL only be present if Observation.value[x] is not present",
            lambda o: not (has(o, "dataAbsentReason") and (choice(o, "value") or choice(o, "_value"))),
        ),
        "obs-7": Invariant(
            ("Observation",),
            "If Observation.code is the same as an Observation.component.code then the value element"
            " associated with the code SHALL NOT be present",
            _obs_7,
        ),
        "obs-3": Invariant(
            ("Observation.referenceRange",),
            "Must have at least a low or a high or text",
            any_of("low", "high", "text"),
        ),
        "ait-1": Invariant(
            ("AllergyIntolerance",),
            "AllergyIntolerance.clinicalStatus SHALL be present if verificationStatus is not entered-in-error.",
            _ait(entered_in_error=False),
        ),
        "ait-2": Invariant(
            ("AllergyIntolerance",),
            "AllergyIntolerance.clinicalStatus SHALL NOT be present if verification Status is entered-in-error",
            _ait(entered_in_error=True),
        ),
        "con-4": Invariant(
            ("Condition",),
            "If condition is abated, then clinicalStatus must be either inactive, resolved, or remission",
            _con_4,
        ),
        "con-5": Invariant(
            ("Condition",),
            "Condition.clinicalStatus SHALL NOT be present if verification Status is entered-in-error",
            _con_5,
        ),
        "ppc-1": Invariant(
            ("Consent",),
            "Either a Policy or PolicyRule",
            any_of("policy", "policyRule"),
        ),
        "qrs-1": Invariant(
            ("QuestionnaireResponse.item",),
            "Nested item can't be beneath both item and answer",
            not_both("answer", "item"),
        ),
        **BUNDLE_INVARIANTS,
    }
)
"""The rules by their key."""
