"""Assigning authorities: the system of identifiers that an HD means, and the HD that a system is written as.

HL7 v2.5, 2.A.33 (HD); IHE ITI TF-2, appendix N.
"""

import re

from app.exchange.hl7v2.message import Repetition
from app.exchange.mllp.source import Source
from fhir.spec.identifier_systems import INSTITUTION_DIGITS, PATIENT_NUMBER, forms

NAMESPACE, UNIVERSAL, KIND = 1, 2, 3
"""The parts of an HD."""

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_ISO = "urn:oid:"


def own_system(source: Source) -> str:
    """Return the system of a source's own patient numbers; empty when its site has none."""
    return f"{PATIENT_NUMBER}{source.number}" if source.number else ""


def system_of(found: Repetition, component: int, source: Source) -> str:
    """Return the system that a component means.

    Args:
        found: The field's repetition.
        component: Which of its components is an HD.
        source: Whose own numbers are meant where nothing is said.

    Returns:
        The system; empty when it is none that the hub could know.
    """
    namespace, universal, kind = (found.text(component, part).strip() for part in (NAMESPACE, UNIVERSAL, KIND))
    if universal:
        if kind in ("ISO", "") and _OID.fullmatch(universal):
            return f"{_ISO}{universal}"
        return universal if kind in ("URI", "") and ":" in universal else ""
    if not namespace:
        return own_system(source)
    if namespace == source.caller.organisation_slug:
        return own_system(source)
    if len(namespace) == INSTITUTION_DIGITS and namespace.isascii() and namespace.isdigit():
        return f"{PATIENT_NUMBER}{namespace}"
    return f"{_ISO}{namespace}" if _OID.fullmatch(namespace) else ""


def written_authority(system: str) -> tuple[str, str, str]:
    """Return the HD of a system."""
    first = forms(system)[0]
    return ("", first.removeprefix(_ISO), "ISO") if first.startswith(_ISO) else ("", first, "URI")
