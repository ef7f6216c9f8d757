"""Reads a FHIR Consent as rules: who may give what to whom, for which purpose, from when until when.

https://hl7.org/fhir/R4/consent.html, https://profiles.ihe.net/ITI/PCF/. A nested provision is an exception to the one
around it: it speaks of nothing that the one around it does not speak of, and takes over whatever it does not say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from app.consent.policies import policy
from app.consent.scope import CATEGORY_SYSTEM, DATED, NOBODY, Data, Find, Link, Scope, narrowed, within
from app.consent.tables import ANY, BUT_IDENTITY, DENY, PERMIT, SAID
from fhir.errors import Unprocessable
from fhir.search.date import MAX
from fhir.store.tables import NO_DATE

__all__ = ["CATEGORY_SYSTEM", "DECIDED", "MOST_RULES", "NOBODY", "Rule", "is_privacy", "rules"]

MOST_RULES = 1_000

DECIDED = frozenset({"active", "inactive", "rejected"})
"""The statuses of a Consent that somebody has decided; the others are drafts and mistakes."""

_UNDATED = (NO_DATE, DATED)
"""The data period of what has no clinical date."""

_EFFECTS = {"permit": PERMIT, "deny": DENY}


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
    data: int
    target: int
    provision: int


RECORDED = Rule(0, 0, SAID, 0, 0, 0, 0, 0, 0, 0, 0, NO_DATE, NO_DATE, NO_DATE, NO_DATE, 0, 0, 0)
"""Says no more than that the person has recorded a Consent: what a region implies of the silent holds no longer."""


def _dates(scope: Scope, effect: int) -> Iterator[tuple[tuple[int, int], tuple[int, ...]]]:
    """Yield the clinical dates that a provision's rules cover, each with the categories.

    What has no date may be of any: every denial covers it, and no permit that has a data period. But a denial of some
    dates does not hide who the person is, unless it names that kind.
    """
    yield scope.dates, scope.categories
    if effect == DENY and scope.dates[0] != NO_DATE:
        yield _UNDATED, (BUT_IDENTITY,) if scope.categories == (ANY,) else scope.categories


def _authors(scope: Scope, one: Data) -> tuple[int, ...]:
    return scope.authors if one.author == ANY else within(scope.authors, (one.author,))


def _expanded(scope: Scope, depth: int, effect: int, provision: int) -> Iterator[Rule]:
    opened = scope.opened if effect == PERMIT else 0
    for (dates, categories), one in product(_dates(scope, effect), scope.data):
        limits = (scope.disclosers, scope.receivers, _authors(scope, one), scope.purposes, categories, scope.needed)
        for discloser, receiver, author, purpose, category, needed in product(*limits):
            yield Rule(
                *(depth, 0, effect, discloser, *receiver, author, purpose, category),
                *(opened, needed, *dates, *scope.period, one.meaning, one.target, provision),
            )


@dataclass(slots=True)
class _Walk:
    """One way through the provisions of a Consent, outside in."""

    find: Find
    link: Link
    found: list[Rule] = field(default_factory=list)
    provisions: int = 0

    def add(self, scope: Scope, depth: int, effect: int, provision: int) -> None:
        for rule in _expanded(scope, depth, effect, provision):
            self.found.append(rule)
            if len(self.found) > MOST_RULES:
                raise Unprocessable(f"A Consent comes to at most {MOST_RULES} rules", "Consent.provision")

    def close(self, first: int, own: int) -> None:
        """Say of the rules from `first` to `own` that all after them are those of their exceptions."""
        last = len(self.found) - 1
        self.found[first:own] = [replace(rule, last=last) for rule in self.found[first:own]]

    def inside(self, provision: Mapping[str, Any], scope: Scope, depth: int) -> None:
        """Add the rules of the provisions inside one."""
        for inner in provision.get("provision", ()):
            self.provisions += 1
            number, first = self.provisions, len(self.found)
            own_scope = narrowed(scope, inner, self.find, self.link)
            self.add(own_scope, depth, _EFFECTS[inner["type"]], number)
            own = len(self.found)
            self.inside(inner, own_scope, depth + 1)
            self.close(first, own)


def is_privacy(consent: Mapping[str, Any]) -> bool:
    """Return whether a Consent is about disclosure, rather than about treatment, research or an advance directive."""
    return any(one.get("code") == "patient-privacy" for one in consent.get("scope", {}).get("coding", ()))


def _active(consent: Mapping[str, Any], find: Find, link: Link) -> list[Rule]:
    agreed = policy(consent)
    if agreed is None:
        return []
    provision = consent.get("provision", {})
    walk = _Walk(find, link)
    scope = narrowed(Scope(), provision, find, link)
    excepted = replace(scope, purposes=agreed.except_for)
    if agreed.except_for:
        scope = replace(scope, purposes=(ANY,))
    elif not provision.get("purpose") and agreed.purposes:
        scope = replace(scope, purposes=agreed.purposes)
    walk.add(scope, 0, agreed.effect, 0)
    own = len(walk.found)
    if agreed.except_for:
        walk.add(excepted, 1, PERMIT, 0)
    walk.inside(provision, scope, 1)
    walk.close(0, own)
    return walk.found


def rules(consent: Mapping[str, Any], find: Find, link: Link = str, *, permits_end: int = MAX) -> list[Rule]:
    """Return the rules of a Consent that can be enforced (`app.consent.enforceable`).

    Args:
        consent: The Consent.
        find: Finds the sites and people it names.
        link: Brings the references to single resources into the form in which they are indexed.
        permits_end: When its permits end at the latest, in microseconds: at a minor's coming of age.

    Raises:
        Unprocessable: it comes to more than `MOST_RULES` rules.
    """
    if not is_privacy(consent) or consent.get("status") not in DECIDED:
        return []
    found = _active(consent, find, link) if consent["status"] == "active" else []
    ended = [replace(one, ends=min(one.ends, permits_end)) if one.effect == PERMIT else one for one in found]
    return ended or [RECORDED]
