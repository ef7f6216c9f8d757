"""Patients that were merged: `active` is false, and a link says which Patient takes their place.

https://hl7.org/fhir/R4/patient.html#merge
"""

from collections.abc import Iterable, Mapping
from typing import Any

REPLACED_BY = "replaced-by"


def survivors(patient: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Yield the references of a Patient's links to those that take its place."""
    for one in patient.get("link", ()):
        if one.get("type") == REPLACED_BY:
            yield one.get("other", {})


def is_replaced(patient: Mapping[str, Any]) -> bool:
    """Return whether a Patient was merged into another."""
    return any(True for _ in survivors(patient))
