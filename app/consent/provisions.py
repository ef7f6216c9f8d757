"""Reads a FHIR Consent as rules: who may give what to whom, for which purpose, from when until when.

https://hl7.org/fhir/R4/consent.html, https://profiles.ihe.net/ITI/PCF/. A nested provision is an exception to the one
around it and takes over whatever it does not say itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from app.consent.purposes import NUMBERS as PURPOSES
from app.consent.tables import ANY, DENY, PERMIT
from fhir.errors import Unprocessable
from fhir.search.date import MAX, interval
from fhir.store.categories import BY_TYPE, Category
from fhir.store.labels import bit
from fhir.store.tables import NO_DATE

CATEGORY_SYSTEM = "http://renkei.example/fhir/CodeSystem/category"
"""Our names of the categories, in small letters with hyphens: `laboratory`, `care-plan`."""

NOBODY = -1
"""Stands for a site, person, purpose or category that the hub does not know: it matches nothing."""

MOST_RULES = 1_000

_EFFECTS = {"permit": PERMIT, "deny": DENY}
_POLICIES = {"OPTIN": PERMIT, "OPTINR": PERMIT, "OPTOUT": DENY, "OPTOUTE": DENY}
_ROLES = {"IRCP": "receivers", "PRCP": "receivers", "CST": "disclosers", "AUT": "authors"}
_BY_NAME = {category.name.lower().replace("_", "-"): category for category in Category}

Who = Callable[[Mapping[str, Any]], tuple[str, int]]
"""From a Reference to `("organisation", key)`, `("account", key)`, or NOBODY as key."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of grants to be, without the person and the Consent."""

    depth: int
    effect: int
    discloser: int
    receiver: int
    recipient: int
    author: int
    purpose: int
    category: int
    labels: int
    data_from: int
    data_to: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a provision speaks of; each tuple holds ANY when it is not limited."""

    disclosers: tuple[int, ...] = (ANY,)
    receivers: tuple[int, ...] = (ANY,)
    recipients: tuple[int, ...] = (ANY,)
    authors: tuple[int, ...] = (ANY,)
    purposes: tuple[int, ...] = (ANY,)
    categories: tuple[int, ...] = (ANY,)
    labels: int = 0
    data: tuple[int, int] = (NO_DATE, MAX)
    period: tuple[int, int] = (NO_DATE, MAX)


def _period(period: Mapping[str, Any], outer: tuple[int, int]) -> tuple[int, int]:
    """Return the part of `outer` that a Period covers, `[start, end)` in microseconds."""
    start = interval(period["start"])[0] if "start" in period else NO_DATE
    end = interval(period["end"])[1] if "end" in period else MAX
    return max(start, outer[0]), min(end, outer[1])


def _category(coding: Mapping[str, Any]) -> int:
    code = coding.get("code", "")
    if coding.get("system") == CATEGORY_SYSTEM:
        return _BY_NAME.get(code, NOBODY)
    return BY_TYPE.get(code, NOBODY)


def _actors(provision: Mapping[str, Any], who: Who) -> dict[str, tuple[int, ...]]:
    """Return the limits that a provision's actors set, by the field of `_Scope`."""
    found: dict[str, list[int]] = {}
    for actor in provision.get("actor", ()):
        codes = [coding.get("code") for coding in actor.get("role", {}).get("coding", ())]
        field = next((_ROLES[code] for code in codes if code in _ROLES), "receivers")
        kind, key = who(actor.get("reference", {}))
        if kind == "account" and field == "receivers":
            field = "recipients"
        found.setdefault(field, []).append(key)
    return {field: tuple(keys) for field, keys in found.items()}


def _narrowed(outer: _Scope, provision: Mapping[str, Any], who: Who) -> _Scope:
    """Return what `provision` speaks of, inside a provision that speaks of `outer`."""
    # A permit's labels are those it opens, a denial's those it closes: one says nothing of the other.
    fields: dict[str, Any] = {"labels": 0, **_actors(provision, who)}
    if provision.get("purpose"):
        fields["purposes"] = tuple(PURPOSES.get(one.get("code", ""), NOBODY) for one in provision["purpose"])
    kinds = [*provision.get("class", ())]
    kinds += [coding for concept in provision.get("code", ()) for coding in concept.get("coding", ())]
    if kinds:
        fields["categories"] = tuple({_category(coding) for coding in kinds})
    for coding in provision.get("securityLabel", ()):
        fields["labels"] |= bit(coding.get("system"), coding.get("code"))
    if "dataPeriod" in provision:
        fields["data"] = _period(provision["dataPeriod"], outer.data)
    if "period" in provision:
        fields["period"] = _period(provision["period"], outer.period)
    return replace(outer, **fields)


def _expanded(scope: _Scope, depth: int, effect: int) -> Iterator[Rule]:
    dimensions = (scope.disclosers, scope.receivers, scope.recipients, scope.authors, scope.purposes, scope.categories)
    for combination in product(*dimensions):
        yield Rule(depth, effect, *combination, scope.labels, *scope.data, *scope.period)


def _walk(provision: Mapping[str, Any], outer: _Scope, depth: int, effect: int | None, who: Who) -> Iterator[Rule]:
    scope = _narrowed(outer, provision, who)
    if effect is not None:
        yield from _expanded(scope, depth, effect)
    for inner in provision.get("provision", ()):
        yield from _walk(inner, scope, depth + 1, _EFFECTS.get(inner.get("type", "")), who)


def rules(consent: Mapping[str, Any], who: Who) -> list[Rule]:
    """Return the rules of a Consent that has been checked; none unless it is active.

    Args:
        consent: The Consent.
        who: Finds the sites and people it names.

    Raises:
        Unprocessable: it comes to more than `MOST_RULES` rules.
    """
    if consent.get("status") != "active":
        return []
    provision = consent.get("provision", {})
    effect = _EFFECTS.get(provision.get("type", ""))
    if effect is None:
        codes = [coding.get("code") for coding in consent.get("policyRule", {}).get("coding", ())]
        effect = next((_POLICIES[code] for code in codes if code in _POLICIES), None)
    found: list[Rule] = []
    for rule in _walk(provision, _Scope(), 0, effect, who):
        found.append(rule)
        if len(found) > MOST_RULES:
            raise Unprocessable(f"A Consent comes to at most {MOST_RULES} rules", "Consent.provision")
    return found
