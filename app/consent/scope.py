"""What a provision of a Consent speaks of: each element that it has narrows what the one around it speaks of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

from app.consent.purposes import NUMBERS as PURPOSES
from app.consent.tables import ANY, AUTHORED_BY, DEPENDENTS, INSTANCE, RELATED
from fhir.search.date import MAX, interval
from fhir.search.hashing import hash64
from fhir.store.categories import BY_TYPE, Category
from fhir.store.labels import UNKNOWN, bit
from fhir.store.tables import NO_DATE

CATEGORY_SYSTEM = "http://renkei.example/fhir/CodeSystem/category"
"""Our names of the categories, in small letters with hyphens: `laboratory`, `care-plan`."""

NOBODY = -1
"""Stands for a site, person, purpose or category that the hub does not know: it matches nothing."""

DATED = NO_DATE + 1
"""Where a data period without a start begins: it is about what has a date."""

ROLES = {"IRCP": "receivers", "PRCP": "receivers", "CST": "disclosers", "AUT": "authors"}
"""What an actor limits, by the code of its role."""

MEANINGS = {"instance": INSTANCE, "related": RELATED, "dependents": DEPENDENTS, "authoredby": AUTHORED_BY}

_BY_NAME = {category.name.lower().replace("_", "-"): category for category in Category}


class Party(NamedTuple):
    """A site, a person wherever they are, or a person at a site."""

    site: int = ANY
    person: int = ANY


Find = Callable[[Mapping[str, Any]], Party | None]
"""From a Reference to whom it means; None for whom the hub does not know."""

Link = Callable[[str], str]
"""From a reference's text to the `Type/id` or address that it is indexed as."""


class Data(NamedTuple):
    """Single resources, and how a row stands to them."""

    author: int = ANY
    meaning: int = ANY
    target: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What a provision speaks of; each tuple holds ANY when it is not limited."""

    disclosers: tuple[int, ...] = (ANY,)
    receivers: tuple[Party, ...] = (Party(),)
    authors: tuple[int, ...] = (ANY,)
    purposes: tuple[int, ...] = (ANY,)
    categories: tuple[int, ...] = (ANY,)
    opened: int = 0
    """The sensitive labels that permits open here."""
    needed: tuple[int, ...] = (0,)
    """Label sets of which a row must have one whole."""
    dates: tuple[int, int] = (NO_DATE, MAX)
    """Clinical dates; from `DATED` on or later once a provision has a data period."""
    period: tuple[int, int] = (NO_DATE, MAX)
    data: tuple[Data, ...] = (Data(),)


def category_of(coding: Mapping[str, Any]) -> int:
    """Return the category that a coding of `class` or `code` means, or NOBODY."""
    code = coding.get("code", "")
    if coding.get("system") == CATEGORY_SYSTEM:
        return _BY_NAME.get(code, NOBODY)
    return BY_TYPE.get(code, NOBODY)


def kinds(provision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the codings of a provision's `class` and `code`."""
    found = [*provision.get("class", ())]
    return found + [coding for concept in provision.get("code", ()) for coding in concept.get("coding", ())]


def _period(period: Mapping[str, Any], outer: tuple[int, int]) -> tuple[int, int]:
    """Return the part of `outer` that a Period covers, `[start, end)` in microseconds."""
    start = interval(period["start"])[0] if "start" in period else NO_DATE
    end = interval(period["end"])[1] if "end" in period else MAX
    return max(start, outer[0]), min(end, outer[1])


def within(outer: tuple[int, ...], inner: Iterable[int]) -> tuple[int, ...]:
    """Return what both speak of."""
    stated = tuple(dict.fromkeys(inner))
    return stated if outer == (ANY,) else tuple(one for one in stated if one in outer)


def _both(outer: tuple[Party, ...], inner: Iterable[Party]) -> tuple[Party, ...]:
    """Return the receivers that both speak of: a person named inside a site is that person at that site."""
    return tuple(
        dict.fromkeys(
            Party(one.site or own.site, one.person or own.person)
            for one, own in product(outer, dict.fromkeys(inner))
            if ANY in (one.site, own.site) or one.site == own.site
            if ANY in (one.person, own.person) or one.person == own.person
        )
    )


def _actors(provision: Mapping[str, Any], outer: Scope, find: Find) -> dict[str, Any]:
    """Return the limits that a provision's actors set, by the field of `Scope`."""
    sites: dict[str, list[int]] = {}
    receivers: list[Party] = []
    for actor in provision.get("actor", ()):
        codes = [coding.get("code") for coding in actor.get("role", {}).get("coding", ())]
        field = next((ROLES[code] for code in codes if code in ROLES), "receivers")
        party = find(actor.get("reference", {})) or Party(NOBODY, NOBODY)
        if field == "receivers":
            receivers.append(party)
        else:
            sites.setdefault(field, []).append(party.site if party.person == ANY else NOBODY)
    found: dict[str, Any] = {field: within(getattr(outer, field), keys) for field, keys in sites.items()}
    if receivers:
        found["receivers"] = _both(outer.receivers, receivers)
    return found


def _labelled(provision: Mapping[str, Any], outer: Scope) -> dict[str, Any]:
    """Return what the security labels of a provision limit and open.

    A provision whose labels are all sensitive speaks of rows that have one of them; with an ordinary one, of all rows.
    A permit opens its labels, and so do the exceptions inside.
    """
    bits = [bit(coding.get("system"), coding.get("code")) for coding in provision.get("securityLabel", ())]
    if not bits:
        return {}
    opened = outer.opened
    for one in bits:
        # No permit can name a label that the hub does not know.
        opened |= one & ~UNKNOWN
    found: dict[str, Any] = {"opened": opened}
    if all(bits):
        found["needed"] = tuple(dict.fromkeys(one | own for one, own in product(outer.needed, bits)))
    return found


def _data(provision: Mapping[str, Any], find: Find, link: Link) -> tuple[Data, ...]:
    found = []
    for one in provision.get("data", ()):
        reference = one.get("reference", {})
        meaning = MEANINGS.get(one.get("meaning", ""), NOBODY)
        found.append(Data(ANY, meaning, hash64(link(reference.get("reference", "")))))
        if meaning == AUTHORED_BY and (party := find(reference)) is not None and party.person == ANY:
            # What a site writes is the site's, whomever it names.
            found.append(Data(party.site))
    return tuple(dict.fromkeys(found))


def narrowed(outer: Scope, provision: Mapping[str, Any], find: Find, link: Link) -> Scope:
    """Return what `provision` speaks of, inside a provision that speaks of `outer`."""
    fields = _actors(provision, outer, find) | _labelled(provision, outer)
    if provision.get("purpose"):
        purposes = [PURPOSES.get(one.get("code", ""), NOBODY) for one in provision["purpose"]]
        fields["purposes"] = within(outer.purposes, purposes)
    if codings := kinds(provision):
        fields["categories"] = within(outer.categories, [category_of(coding) for coding in codings])
    if "dataPeriod" in provision:
        fields["dates"] = _period(provision["dataPeriod"], (max(outer.dates[0], DATED), outer.dates[1]))
    if "period" in provision:
        fields["period"] = _period(provision["period"], outer.period)
    if provision.get("data"):
        fields["data"] = _data(provision, find, link)
    return replace(outer, **fields)
