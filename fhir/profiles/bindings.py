"""Bindings: codes that must, or should, be in a value set.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir.issue import Severity
from fhir.profiles.value_sets import members
from fhir.profiles.walk import Occurrence, Walk
from fhir.terminology.members import contains

_SEVERITIES: Mapping[str, Severity] = {"required": "error", "extensible": "warning"}


def binding(facts: Mapping[str, Any], profile: str) -> Callable[[Occurrence, Walk], None] | None:
    """Return the check of a binding; None for one that binds nobody, or names no value set.

    What a value set that cannot be listed here holds is not checked.

    Args:
        facts: ElementDefinition.binding.
        profile: The profile's name, for the diagnostics.
    """
    severity = _SEVERITIES.get(facts.get("strength", ""))
    if severity is None or "valueSet" not in facts:
        return None
    url = str(facts["valueSet"])
    verb = "must" if severity == "error" else "should"
    text = f"The code {verb} be one of the value set {url} ({profile})."
    absent = f"A code of the value set {url} {verb} be here ({profile})."

    def check(occurrence: Occurrence, walk: Walk) -> None:
        value = occurrence.value
        if value is None:
            return
        codings = _codings(value)
        known = members(url, walk.definitions)
        if not codings:
            # A text alone is what an extensible binding allows where no code fits.
            if severity == "error" and not known.is_vague:
                walk.add(severity, occurrence.where, "code-invalid", absent)
            return
        if all(contains(known, system, code) is False for system, code in codings):
            walk.add(severity, occurrence.where, "code-invalid", text)

    return check


def _codings(value: Any) -> list[tuple[str | None, str]]:
    if value.__class__ is str:
        return [(None, value)]
    if value.__class__ is not dict:
        return []
    found = value.get("coding", ()) if "system" not in value and "code" not in value else (value,)
    # A coding without a system is in no value set but one that does not tell systems.
    return [(one.get("system", ""), one["code"]) for one in found if "code" in one]
