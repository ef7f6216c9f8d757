"""What an entry of a document is the same as: which entry of another document, or of its own next version, it repeats.

The fullUrl is fresh in each send. The identifiers that senders give are not unique either: published examples number
the lines of every prescription from 1, and give one number to two Encounters and four results. So what a fact is known
by is its type and identifier, its code where one number may stand for several, and its content where nothing else is
left or two entries of one Bundle would be one.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from fhir.envelope import EnvelopeEntry
from fhir.spec.identifier_systems import forms

INSTANCE = "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier"
"""The system of the number that a sender gives to one resource."""

_CORE = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/"
_NUMBERED_ANEW = frozenset((f"{_CORE}Medication-RPGroupNumber", f"{_CORE}MedicationAdministrationIndex"))
"""Systems whose numbers begin at 1 in every prescription."""

_ALONE = frozenset(("Condition", "AllergyIntolerance", "Encounter", "Practitioner", "Organization", "Location"))
"""Types in which an identifier means one thing: a corrected code is the same disease."""

_NAMING = ("code", "medicationCodeableConcept", "vaccineCode", "type")
_FINGERPRINT = 32


def identifiers(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return system and value of the identifiers by which a resource may be known, the sender's own number first."""
    found = []
    for name in ("masterIdentifier", "identifier"):
        stated = resource.get(name, ())
        for one in [stated] if isinstance(stated, dict) else stated:
            system, value = one.get("system"), one.get("value")
            if system and value and forms(system)[0] not in _NUMBERED_ANEW:
                found.append((forms(system)[0], str(value)))
    return sorted(found, key=lambda one: one[0] != INSTANCE)


def named(resource: Mapping[str, Any]) -> str:
    """Return what a resource is a statement of, by its codes, else in words; empty when it does not say."""
    for name in _NAMING:
        concept = resource.get(name)
        if isinstance(concept, dict):
            codes = {f"{one.get('system', '')}|{one['code']}" for one in concept.get("coding", ()) if one.get("code")}
            return " ".join(sorted(codes)) or str(concept.get("text", ""))
    return ""


def _by_number(resource: Mapping[str, Any]) -> str:
    """Return what the identifier of a resource, with its code where that is needed, makes of it; empty without one."""
    type_name = resource["resourceType"]
    for system, value in identifiers(resource):
        code = "" if type_name in _ALONE else named(resource)
        return f"{type_name}|{system}|{value}|{code}"
    return ""


def _plain(node: Any, means: Callable[[str], str]) -> Any:
    """Return an element in which each link to another entry stands for what that is the same as."""
    if isinstance(node, list):
        return [_plain(one, means) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _plain(value, means) for name, value in node.items()}
    link = node.get("reference")
    if isinstance(link, str):
        plain["reference"] = means(link)
    return plain


def fingerprint(resource: Mapping[str, Any], means: Callable[[str], str]) -> str:
    """Return a text that two resources have in common when they say the same; ids, narrative and `meta` say nothing.

    Args:
        resource: The resource.
        means: From a link to what stands for the entry that it leads to, or to itself.
    """
    said = {name: value for name, value in resource.items() if name not in ("id", "meta", "text")}
    text = orjson.dumps(_plain(said, means), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:_FINGERPRINT]


def identities(entries: Sequence[EnvelopeEntry], links: Sequence[Mapping[str, str]], document: str) -> list[str]:
    """Return what each entry is known by; no two are the same.

    Args:
        entries: Entries with a resource, each after those it refers to.
        links: For each entry, from a link to the number of the entry that it means, counted in `entries`.
        document: What the document itself is known by; its Composition is no other document's.
    """
    found: list[str] = []
    prints: list[str] = []
    for entry, here in zip(entries, links, strict=True):
        resource: Mapping[str, Any] = orjson.loads(entry.resource or b"{}")
        prints.append(fingerprint(resource, partial(_stand_in, found, entries, here)))
        type_name = resource["resourceType"]
        of_head = f"{type_name}||{document}" if type_name == "Composition" else ""
        found.append(of_head or _by_number(resource) or f"{type_name}|||{prints[-1]}")
    return _apart(found, prints)


def _stand_in(found: Sequence[str], entries: Sequence[EnvelopeEntry], here: Mapping[str, str], link: str) -> str:
    if link not in here:
        return link
    number = int(here[link])
    # In a circle of links one is met before it is known.
    return found[number] if number < len(found) else str(entries[number].type)


def _apart(found: Sequence[str], prints: Sequence[str]) -> list[str]:
    """Return identities in which those that several entries share are told apart, by content, then by their order."""
    shared = Counter(found)
    apart, seen = [], Counter[str]()
    for one, content in zip(found, prints, strict=True):
        key = one if shared[one] == 1 else f"{one}|{content}"
        seen[key] += 1
        apart.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return apart
