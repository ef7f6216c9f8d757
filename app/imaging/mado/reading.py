"""Reading the elements of a manifest's FHIR form with patience: what is not there, or is something else, is empty.

https://profiles.ihe.net/RAD/MADO/mapping.html
"""

import re
from typing import Any
from urllib.parse import unquote

from app.imaging.mado import systems
from app.imaging.patient import NAME_GROUPS, REPRESENTATION
from dicom.concept import Code
from dicom.manifest.model import Issued
from dicom.names import PersonName

_DATE_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,6})?\d*)?(Z|[+-]\d{2}:\d{2}))?")
_DESIGNATORS = {system: designator for designator, system in systems.SCHEMES.items()}


def value_at(tree: Any, name: str) -> Any:
    """Return a member of an object; None when there is none, or no object."""
    return tree.get(name) if isinstance(tree, dict) else None


def items_at(tree: Any, name: str) -> list[Any]:
    """Return the objects of a list."""
    found = value_at(tree, name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text_at(tree: Any, *names: str) -> str:
    """Return a text some members deep, its white space made plain; empty when it is none."""
    for name in names:
        tree = value_at(tree, name)
    return " ".join(tree.split()) if isinstance(tree, str) else ""


def number_at(tree: Any, name: str) -> int | None:
    """Return a whole number; None when it is none."""
    found = value_at(tree, name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def has_url(extension: Any, url: str) -> bool:
    """Whether an extension is that of a definition."""
    return text_at(extension, "url") == url


def code_of(coding: Any) -> Code | None:
    """Return a Coding with the designator of its system; None when it says nothing."""
    system = text_at(coding, "system")
    scheme = _DESIGNATORS.get(system, unquote(system.removeprefix(systems.SCHEME_PREFIX)))
    found = Code(text_at(coding, "code"), scheme, text_at(coding, "display"))
    return found or None


def concept_code(concept: Any) -> Code | None:
    """Return the first code of a CodeableConcept, else its text; None when it says nothing."""
    for one in items_at(concept, "coding"):
        found = code_of(one)
        if found is not None:
            return found
    said = text_at(concept, "text")
    return Code("", "", said) if said else None


def issued_of(identifier: Any) -> Issued:
    """Return the number of an Identifier with its issuer."""
    return Issued(
        text_at(identifier, "value"), text_at(identifier, "system"), text_at(identifier, "assigner", "display")
    )


def typed(identifiers: list[Any], code: str) -> Issued:
    """Return the first number of a type."""
    for one in identifiers:
        if any(text_at(coding, "code") == code for coding in items_at(value_at(one, "type"), "coding")):
            return issued_of(one)
    return Issued()


def person_name_of(names: list[Any]) -> PersonName:
    """Return HumanNames as one name; of each of its groups the first."""
    groups: dict[str, str] = {}
    for one in names:
        group = _components(one)
        stated = [text_at(e, "valueCode") for e in items_at(one, "extension") if has_url(e, REPRESENTATION)]
        kind = NAME_GROUPS.get(stated[0] if stated else "ABC" if group.isascii() else "IDE", "")
        if kind and group:
            groups.setdefault(kind, group)
    return PersonName(**groups)


def _components(name: Any) -> str:
    """Return a HumanName as a component group (PS3.5 6.2.1.1: family, given, middle, prefix, suffix)."""

    def texts(part: str) -> list[str]:
        found = value_at(name, part)
        return [_plain(one) for one in found if isinstance(one, str)] if isinstance(found, list) else []

    given = texts("given")
    family = _plain(text_at(name, "family"))
    if not family and not given:
        family = _plain(text_at(name, "text"))
    parts = (family, " ".join(given[:1]), " ".join(given[1:]), " ".join(texts("prefix")), " ".join(texts("suffix")))
    return "^".join(parts).rstrip("^")


def _plain(text: str) -> str:
    """Return a text without what parts names, groups and values in DICOM."""
    return " ".join(re.sub(r"[\\^=]", " ", text).split())


def is_whole_day(patient: Any) -> bool:
    """Whether a birth date has year, month and day."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text_at(patient, "birthDate")) is not None


def moment_of(stated: str) -> tuple[tuple[str, str], str]:
    """Return a dateTime as date and time of DICOM, and the offset, `+0900`; empty where it says nothing."""
    found = _DATE_TIME.fullmatch(stated)
    if found is None:
        return ("", ""), ""
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if hour is None:
        return (f"{year}{month}{day}", ""), ""
    zone = "+0000" if offset == "Z" else offset.replace(":", "")
    return (f"{year}{month}{day}", f"{hour}{minute}{second or '00'}{fraction or ''}"), zone
