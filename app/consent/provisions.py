"""Reads a FHIR Consent as rules: who may give what to whom, for which purpose, from when until when.

https://hl7.org/fhir/R4/consent.html, https://profiles.ihe.net/ITI/PCF/. A nested provision is an exception to the one
around it: it speaks of nothing that the one around it does not speak of, and takes over whatever it does not say.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from app.consent.purposes import NUMBERS as PURPOSES
from app.consent.tables import ANY, DENY, PERMIT
from fhir.errors import Unprocessable
from fhir.search.date import MAX, interval
from fhir.store.categories import BY_TYPE, Category
from fhir.store.labels import UNKNOWN, bit
from fhir.store.tables import NO_DATE

CATEGORY_SYSTEM = "http://renkei.example/fhir/CodeSystem/category"
"""Our names of the categories, in small letters with hyphens: `laboratory`, `care-plan`."""

NOBODY = -1
"""Stands for a site, person, purpose or category that the hub does not know: it matches nothing."""

MOST_RULES = 1_000

_DATED = NO_DATE + 1
"""Where a data period without a start begins: it is about what has a date."""

_UNDATED = (NO_DATE, _DATED)
"""The data period of what has no clinical date."""

_EFFECTS = {"permit": PERMIT, "deny": DENY}
_POLICIES = {"OPTIN": PERMIT, "OPTINR": PERMIT, "OPTOUT": DENY, "OPTOUTE": DENY}
_ROLES = {"IRCP": "receivers", "PRCP": "receivers", "CST": "disclosers", "AUT": "authors"}
_BY_NAME = {category.name.lower().replace("_", "-"): category for category in Category}

Who = Callable[[Mapping[str, Any]], tuple[str, int]]
"""From a Reference to `("organisation", key)`, `("account", key)`, or NOBODY as key."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of grants to be, without the person and the Consent; the columns say what each field means."""

    depth: int
    last: int
    effect: int
    discloser: int
    receiver: int
    recipient: int
    author: int
    purpose: int
    category: int
    opened: int
    needed: int
    data_from: int
    data_to: int
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a provision speaks of; each tuple holds ANY when it is not limited."""

    disclosers: tuple[int, ...] = (ANY,)
    receivers: tuple[tuple[int, int], ...] = ((ANY, ANY),)
    """Site and person, of which either may be ANY."""
    authors: tuple[int, ...] = (ANY,)
    purposes: tuple[int, ...] = (ANY,)
    categories: tuple[int, ...] = (ANY,)
    opened: int = 0
    """The sensitive labels that permits open here."""
    needed: tuple[int, ...] = (0,)
    """Label sets of which a row must have one whole: the labels that the denials around it speak of."""
    data: tuple[int, int] = (NO_DATE, MAX)
    """Clinical dates; from `_DATED` on or later once a provision has a data period."""
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


def _within(outer: tuple[int, ...], inner: Iterable[int]) -> tuple[int, ...]:
    """Return what both speak of."""
    stated = tuple(dict.fromkeys(inner))
    return stated if outer == (ANY,) else tuple(one for one in stated if one in outer)


def _both(outer: tuple[tuple[int, int], ...], inner: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the receivers that both speak of: a person named inside a site is that person at that site."""
    pairs = product(outer, dict.fromkeys(inner))
    return tuple(
        dict.fromkeys(
            (site or own_site, person or own_person)
            for (site, person), (own_site, own_person) in pairs
            if ANY in (site, own_site) or site == own_site
            if ANY in (person, own_person) or person == own_person
        )
    )


def _actors(provision: Mapping[str, Any], outer: _Scope, who: Who) -> dict[str, Any]:
    """Return the limits that a provision's actors set, by the field of `_Scope`."""
    sites: dict[str, list[int]] = {}
    receivers: list[tuple[int, int]] = []
    for actor in provision.get("actor", ()):
        codes = [coding.get("code") for coding in actor.get("role", {}).get("coding", ())]
        field = next((_ROLES[code] for code in codes if code in _ROLES), "receivers")
        kind, key = who(actor.get("reference", {}))
        if field == "receivers":
            receivers.append((ANY, key) if kind == "account" else (key, ANY))
        else:
            sites.setdefault(field, []).append(key if kind == "organisation" else NOBODY)
    found: dict[str, Any] = {field: _within(getattr(outer, field), keys) for field, keys in sites.items()}
    if receivers:
        found["receivers"] = _both(outer.receivers, receivers)
    return found


def _labelled(provision: Mapping[str, Any], effect: int | None, outer: _Scope) -> dict[str, Any]:
    """Return what the security labels of a provision limit or open.

    A permit opens its labels. A denial closes them: it speaks of rows that have one of them, and so do the exceptions
    inside it, which open them. A denial of an ordinary label speaks of everything.
    """
    bits = [bit(coding.get("system"), coding.get("code")) for coding in provision.get("securityLabel", ())]
    if not bits:
        return {}
    # No permit can name a label that the hub does not know.
    found: dict[str, Any] = {"opened": (outer.opened | _union(bits)) & ~UNKNOWN}
    if effect == DENY and all(bits):
        found["needed"] = tuple(dict.fromkeys(one | own for one, own in product(outer.needed, bits)))
    return found


def _union(bits: Iterable[int]) -> int:
    found = 0
    for one in bits:
        found |= one
    return found


def _narrowed(outer: _Scope, provision: Mapping[str, Any], effect: int | None, who: Who) -> _Scope:
    """Return what `provision` speaks of, inside a provision that speaks of `outer`."""
    fields = _actors(provision, outer, who) | _labelled(provision, effect, outer)
    if provision.get("purpose"):
        purposes = [PURPOSES.get(one.get("code", ""), NOBODY) for one in provision["purpose"]]
        fields["purposes"] = _within(outer.purposes, purposes)
    kinds = [*provision.get("class", ())]
    kinds += [coding for concept in provision.get("code", ()) for coding in concept.get("coding", ())]
    if kinds:
        fields["categories"] = _within(outer.categories, [_category(coding) for coding in kinds])
    if "dataPeriod" in provision:
        fields["data"] = _period(provision["dataPeriod"], (max(outer.data[0], _DATED), outer.data[1]))
    if "period" in provision:
        fields["period"] = _period(provision["period"], outer.period)
    return replace(outer, **fields)


def _data(scope: _Scope, effect: int) -> tuple[tuple[int, int], ...]:
    """Return the clinical dates that a provision's rules cover.

    What has no date may be of any: every denial covers it, and no permit that has a data period.
    """
    start, end = scope.data
    if effect == PERMIT or start == NO_DATE:
        return (scope.data,)
    return ((NO_DATE, end),) if start == _DATED else (scope.data, _UNDATED)


def _expanded(scope: _Scope, depth: int, effect: int) -> Iterator[Rule]:
    dimensions = (scope.disclosers, scope.receivers, scope.authors, scope.purposes, scope.categories, scope.needed)
    limits = product(product(*dimensions), _data(scope, effect))
    for (discloser, (receiver, recipient), author, purpose, category, needed), data in limits:
        yield Rule(
            *(depth, 0, effect, discloser, receiver, recipient, author, purpose, category),
            *(scope.opened if effect == PERMIT else 0, needed, *data, *scope.period),
        )


def _walk(
    provision: Mapping[str, Any], outer: _Scope, depth: int, effect: int | None, who: Who, found: list[Rule]
) -> None:
    """Add the rules of a provision and of those inside it, each of which lies before the outer one's `last`."""
    scope = _narrowed(outer, provision, effect, who)
    first = len(found)
    if effect is not None:
        for rule in _expanded(scope, depth, effect):
            found.append(rule)
            if len(found) > MOST_RULES:
                raise Unprocessable(f"A Consent comes to at most {MOST_RULES} rules", "Consent.provision")
    own = len(found)
    for inner in provision.get("provision", ()):
        _walk(inner, scope, depth + 1, _EFFECTS.get(inner.get("type", "")), who, found)
    found[first:own] = [replace(rule, last=len(found) - 1) for rule in found[first:own]]


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
    _walk(provision, _Scope(), 0, effect, who, found)
    return found
