"""Whom an entry is about when it says so by a number alone: JP-CLINS lets a subject be a logical reference.

The number is that of the insured person, which several Patients of a site may share, so it is compared with those of
the Bundle's own Patient. https://hl7.org/fhir/R4/references.html#logical
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from fhir.spec.identifier_systems import forms

ELEMENTS = ("subject", "patient")
"""The elements that say about whom a resource is."""


def is_logical(reference: Any) -> bool:
    """Return whether a reference names a Patient by an identifier, and leads nowhere."""
    if not isinstance(reference, dict) or "reference" in reference or not isinstance(reference.get("identifier"), dict):
        return False
    return bool(reference.get("type", "Patient") == "Patient")


def logical_subject(resource: Mapping[str, Any]) -> str:
    """Return the element by which a resource names its Patient by a number alone, or an empty text."""
    return next((name for name in ELEMENTS if is_logical(resource.get(name))), "")


def _same(value: str) -> str:
    # Symbols and numbers of insurance cards are written in full width and in half width.
    return unicodedata.normalize("NFKC", value)


def is_another(reference: Any, patient: Mapping[str, Any]) -> bool:
    """Return whether a logical reference names somebody else: the Patient has other numbers of the same system."""
    if not is_logical(reference):
        return False
    wanted = reference["identifier"]
    system, value = wanted.get("system"), wanted.get("value")
    if not isinstance(system, str) or not isinstance(value, str):
        return False
    stated = patient.get("identifier")
    numbers = [
        _same(str(one.get("value", "")))
        for one in (stated if isinstance(stated, list) else ())
        if isinstance(one, dict) and isinstance(one.get("system"), str) and forms(one["system"])[0] == forms(system)[0]
    ]
    return bool(numbers) and _same(value) not in numbers
