"""Invariants of base R4, as predicates over one element.

Those of severity `error` that a sender gets wrong in practice. They run only on an element whose structure
was found to be right, so they may trust its types. ele-1, dom-2 to dom-5 and ref-1 need more than one
element's view: they are part of the structure check.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

Value = dict[str, Any]

QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration")
CODES = "http://terminology.hl7.org/CodeSystem/"


class Invariant(NamedTuple):
    """A rule about the instances of a type or backbone."""

    paths: tuple[str, ...]
    """The types or backbones it holds for: `Period`, `Patient.contact`."""
    human: str
    """The rule, in the standard's words."""
    holds: Callable[[Value], bool]
    """Whether an element follows it."""


def has(value: Value, *names: str) -> bool:
    """Return whether any of these elements is there, with a value or with extensions instead of one."""
    return any(name in value or f"_{name}" in value for name in names)


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
    own = observation["code"].get("coding", [])
    return not any(
        coding in own for part in observation["component"] for coding in part["code"].get("coding", [])
    )


def _rat_1(ratio: Value) -> bool:
    numerator = has(ratio, "numerator")
    return numerator == has(ratio, "denominator") and (numerator or has(ratio, "extension"))


def _entries(bundle: Value) -> list[Value]:
    found: list[Value] = bundle.get("entry", [])
    return found


def _carries(name: str, *types: str) -> Callable[[Value], bool]:
    """Return the rule that every entry has `name` in a Bundle of these types, and none in another."""
    return lambda bundle: all((name in e) == (bundle.get("type") in types) for e in _entries(bundle))


def _bdl_7(bundle: Value) -> bool:
    if bundle.get("type") == "history":
        return True
    seen: set[tuple[object, object]] = set()
    for entry in _entries(bundle):
        if (url := entry.get("fullUrl")) is None:
            continue
        meta = entry.get("resource", {}).get("meta")
        key = (url, str(meta.get("versionId")) if isinstance(meta, dict) else None)
        if key in seen:
            return False
        seen.add(key)
    return True


def _bdl_9(bundle: Value) -> bool:
    identifier = bundle.get("identifier", {})
    return bundle.get("type") != "document" or (has(identifier, "system") and has(identifier, "value"))


def _first(bundle_type: str, resource_type: str) -> Callable[[Value], bool]:
    def holds(bundle: Value) -> bool:
        entries = _entries(bundle)
        if bundle.get("type") != bundle_type or not entries:
            return True
        found: object = entries[0].get("resource", {}).get("resourceType")
        return found == resource_type

    return holds


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


def _needs(name: str, other: str) -> Callable[[Value], bool]:
    """Return the rule that `name` is there only with `other`."""
    return lambda value: not has(value, name) or has(value, other)


def _any_of(*names: str) -> Callable[[Value], bool]:
    return lambda value: has(value, *names)


def _not_both(name: str, other: str) -> Callable[[Value], bool]:
    return lambda value: not (has(value, name) and has(value, other))


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
            _needs("code", "system"),
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
            _needs("data", "contentType"),
        ),
        "cpt-2": Invariant(
            ("ContactPoint",),
            "A system is required if a value is provided.",
            _needs("value", "system"),
        ),
        "tim-1": Invariant(
            ("Timing.repeat",),
            "if there's a duration, there needs to be duration units",
            _needs("duration", "durationUnit"),
        ),
        "tim-2": Invariant(
            ("Timing.repeat",),
            "if there's a period, there needs to be period units",
            _needs("period", "periodUnit"),
        ),
        "tim-10": Invariant(
            ("Timing.repeat",),
            "If there's a timeOfDay, there cannot be a when, or vice versa",
            _not_both("timeOfDay", "when"),
        ),
        "pat-1": Invariant(
            ("Patient.contact",),
            "SHALL at least contain a contact's details or a reference to an organization",
            _any_of("name", "telecom", "address", "organization"),
        ),
        "org-1": Invariant(
            ("Organization",),
            "The organization SHALL at least have a name or an identifier, and possibly more than one",
            _any_of("identifier", "name"),
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
            _any_of("low", "high", "text"),
        ),
        "ait-1": Invariant(
            ("AllergyIntolerance",),
            "AllergyIntolerance.clinicalStatus SHALL be present if verificationStatus is not"
            " entered-in-error.",
            _ait(entered_in_error=False),
        ),
        "ait-2": Invariant(
            ("AllergyIntolerance",),
            "AllergyIntolerance.clinicalStatus SHALL NOT be present if verification Status is"
            " entered-in-error",
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
            _any_of("policy", "policyRule"),
        ),
        "qrs-1": Invariant(
            ("QuestionnaireResponse.item",),
            "Nested item can't be beneath both item and answer",
            _not_both("answer", "item"),
        ),
        "bdl-1": Invariant(
            ("Bundle",),
            "total only when a search or history",
            lambda b: not has(b, "total") or b.get("type") in ("searchset", "history"),
        ),
        "bdl-2": Invariant(
            ("Bundle",),
            "entry.search only when a search",
            lambda b: b.get("type") == "searchset" or not any("search" in e for e in _entries(b)),
        ),
        "bdl-3": Invariant(
            ("Bundle",),
            "entry.request mandatory for batch/transaction/history, otherwise prohibited",
            _carries("request", "batch", "transaction", "history"),
        ),
        "bdl-4": Invariant(
            ("Bundle",),
            "entry.response mandatory for batch-response/transaction-response/history, otherwise prohibited",
            _carries("response", "batch-response", "transaction-response", "history"),
        ),
        "bdl-5": Invariant(
            ("Bundle.entry",),
            "must be a resource unless there's a request or response",
            _any_of("resource", "request", "response"),
        ),
        "bdl-7": Invariant(
            ("Bundle",),
            "FullUrl must be unique in a bundle, or else entries with the same fullUrl must have different"
            " meta.versionId (except in history bundles)",
            _bdl_7,
        ),
        "bdl-8": Invariant(
            ("Bundle.entry",),
            "fullUrl cannot be a version specific reference",
            lambda e: "/_history/" not in e.get("fullUrl", ""),
        ),
        "bdl-9": Invariant(
            ("Bundle",),
            "A document must have an identifier with a system and a value",
            _bdl_9,
        ),
        "bdl-10": Invariant(
            ("Bundle",),
            "A document must have a date",
            lambda b: b.get("type") != "document" or "timestamp" in b,
        ),
        "bdl-11": Invariant(
            ("Bundle",),
            "A document must have a Composition as the first resource",
            _first("document", "Composition"),
        ),
        "bdl-12": Invariant(
            ("Bundle",),
            "A message must have a MessageHeader as the first resource",
            _first("message", "MessageHeader"),
        ),
    }
)
"""The rules by their key."""
