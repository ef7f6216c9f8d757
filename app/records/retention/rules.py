"""The rules of keeping, from a setting: what is kept for how long, and how many of each are kept however old.

The national service keeps diseases and allergies for five years from their registration, and of results those of a year
or the last three: `problem=5y, allergy=5y, laboratory=1y+3`. Nothing goes without a rule.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.comma import parts
from app.portal.dates import moment, to_microseconds
from fhir.store.categories import BY_TYPE, Category
from fhir.store.types import NUMBERS

_RULE = re.compile(r"([A-Za-z-]+)=([1-9][0-9]{0,2})([ym])(?:\+([1-9][0-9]?))?")
_KINDS = {
    one.name.lower().replace("_", "-"): one
    for one in Category
    if one
    not in (
        Category.DIRECTORY,
        Category.IDENTITY,
        Category.CONSENT,
        Category.AUDIT,
        Category.IMAGING,
        Category.DOCUMENT,
    )
}
"""Kinds of data that a rule may name. Who the patient is, consents and the log are kept; documents and images are
removed one by one, by `$expunge`."""


class WrongRule(ValueError):
    """A rule cannot be read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long something is kept."""

    what: str
    """A kind of data, or a type of resource."""
    months: int
    last: int
    """How many of each code are kept of a patient, however old; 0: none."""

    def ends(self, now: int) -> int:
        """Return the instant before which the time of keeping is over, in microseconds since 1970 UTC."""
        today = moment(now).date()
        months = today.year * 12 + today.month - 1 - self.months
        year, month = divmod(months, 12)
        for day in (today.day, 30, 29, 28):
            try:
                return to_microseconds(date(year, month + 1, day))
            except ValueError:
                continue
        raise WrongRule(f"No day so many months ago: {self.months}")


def _rule(text: str) -> Rule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise WrongRule(f"A rule is written laboratory=1y+3 or Condition=60m, not {text}")
    what, count, unit, last = match.groups()
    known = what in _KINDS or (what in NUMBERS and BY_TYPE.get(what, Category.OTHER) in _KINDS.values())
    if not known:
        raise WrongRule(f"There is no rule for {what}; kinds are {', '.join(sorted(_KINDS))}, or types of them")
    return Rule(what, int(count) * (12 if unit == "y" else 1), int(last or 0))


def rules(text: str) -> dict[str, Rule]:
    """Return the rules of a setting by what they name.

    Raises:
        WrongRule: one cannot be read, or something is named twice.
    """
    found: dict[str, Rule] = {}
    for one in parts(text):
        rule = _rule(one)
        if rule.what in found:
            raise WrongRule(f"{rule.what} has two rules")
        found[rule.what] = rule
    return found


def rule_of(known: Mapping[str, Rule], type_name: str, category: Category) -> Rule | None:
    """Return the rule that holds for a resource: that of its type before that of its kind."""
    kind = category.name.lower().replace("_", "-")
    if kind not in _KINDS:
        return None
    return known.get(type_name) or known.get(kind)
