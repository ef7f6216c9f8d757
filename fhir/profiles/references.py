"""References: the type of a literal target, and the rules between a resource and what it contains.

ref-1, dom-3, and the target types of ElementDefinition.type.targetProfile.

https://hl7.org/fhir/R4/references.html
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir.profiles.findings import Findings, Where
from fhir.spec.elements import CONCRETE_TYPES

REF_1 = "ref-1: SHALL have a contained resource if a local reference is provided"
DOM_3 = (
    "dom-3: If the resource is contained in another resource, it SHALL be referred to from elsewhere in the"
    " resource or SHALL refer to the containing resource"
)

_LITERAL = re.compile(r"([A-Z][A-Za-z]*)(/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?|\?.*)", re.DOTALL)
"""`Type/id`, `Type/id/_history/version`, and the conditional reference of a transaction, `Type?query`."""


def check_reference(value: dict[str, Any], where: Where, targets: frozenset[str], findings: Findings) -> None:
    """Check the target type of a Reference; keep a local one (`#id`) until all contained resources are known.

    Args:
        value: The Reference.
        where: Its place.
        targets: The resource types it may point to.
        findings: Where issues go.
    """
    reference = value.get("reference")
    if reference.__class__ is not str or not reference:
        return
    if reference[0] == "#":
        findings.local.append((where, reference[1:], targets))
    elif reference.partition("/")[0] not in targets and (literal := _LITERAL.fullmatch(reference)):
        _check_type((where, "reference", -1), literal[1], targets, findings)


def _check_type(where: Where, found: str, targets: frozenset[str], findings: Findings) -> None:
    if found not in CONCRETE_TYPES:
        findings.add(where, "value", "The reference names a resource type that FHIR R4 does not have.")
    elif found not in targets:
        allowed = ", ".join(sorted(targets))
        findings.add(where, "value", f"A reference to {found} is not allowed here, only to: {allowed}.")


def check_local(resource: dict[str, Any], where: Where, findings: Findings) -> None:
    """Check that local references lead to contained resources (ref-1) and these are referred to (dom-3)."""
    known = findings.contained
    used: set[str] = set()
    for place, fragment, targets in findings.local:
        used.add(fragment)
        if fragment in known:
            _check_type((place, "reference", -1), known[fragment], targets, findings)
        elif fragment:  # `#` alone is the container, seen from a contained resource
            findings.add((place, "reference", -1), "invariant", REF_1)
    if known.keys() <= used:
        return
    # Uris and canonicals may lead there too: any string will do.
    used.update(text[1:] for text in _strings(resource) if text.startswith("#"))
    for index, contained in enumerate(resource["contained"]):
        own = contained.get("id") if isinstance(contained, dict) else None
        if isinstance(own, str) and own not in used and "#" not in _strings(contained):
            findings.add((where, "contained", index), "invariant", DOM_3)


def _strings(value: object) -> Iterator[str]:
    open_values = [value]
    while open_values:
        match open_values.pop():
            case str(text):
                yield text
            case dict(members):
                open_values.extend(members.values())
            case list(members):
                open_values.extend(members)
            case _:
                pass
