"""Whether a file is of the person it was filed under, as far as both say who that is."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir.search.japanese import SAME
from fhir.spec.identifier_systems import forms


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of the person it is of; empty where it says nothing."""

    names: tuple[str, ...] = ()
    birth_date: str = ""
    """Exact to the day: `1960-01-02`."""
    gender: str = ""
    """`male`, `female` or `other`."""
    numbers: tuple[tuple[str, str], ...] = ()
    """System, empty when it is not told, and value."""


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold().translate(SAME)
    return "".join(one for one in text if one.isalnum() or one == "ー")


def _script(name: str) -> str:
    """Return what a name is written in: letters, kana, or with kanji; only like is compared with like."""
    if all(one.isascii() for one in name):
        return "letters"
    return "kana" if all("\u30a0" <= one <= "\u30ff" for one in name) else "kanji"


def _by_script(names: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in filter(None, map(_folded, names)):
        found.setdefault(_script(name), set()).add(name)
    return found


def _names_of(patient: Mapping[str, Any]) -> list[str]:
    found = []
    for name in patient.get("name", ()):
        found.append(str(name.get("text", "")))
        found.append("".join([str(name.get("family", "")), *map(str, name.get("given", ()))]))
    return found


def _other_name(told: Told, patient: Mapping[str, Any]) -> bool:
    here, there = _by_script(_names_of(patient)), _by_script(told.names)
    shared = here.keys() & there.keys()
    return bool(shared) and not any(here[one] & there[one] for one in shared)


def _other_number(told: Told, patient: Mapping[str, Any]) -> bool:
    """Return whether a number of the same system is another one; without a system, whether no number is the same."""
    stated = [(str(one.get("system", "")), str(one.get("value", ""))) for one in patient.get("identifier", ())]
    for system, number in told.numbers:
        known = {value for other, value in stated if not system or system in forms(other) or other in forms(system)}
        if known and number.lstrip("0") not in {one.lstrip("0") for one in known}:
            return True
    return False


def differences(told: Told, patient: Mapping[str, Any]) -> Sequence[str]:
    """Return in what a file and a Patient differ: `name`, `birth`, `gender`, `number`; only what both say counts."""
    born, gender = str(patient.get("birthDate", "")), str(patient.get("gender", ""))
    found = {
        "name": _other_name(told, patient),
        "birth": bool(told.birth_date and len(born) == 10 and told.birth_date != born),
        "gender": bool(told.gender and gender in ("male", "female", "other") and told.gender != gender),
        "number": _other_number(told, patient),
    }
    return [name for name, differs in found.items() if differs]
