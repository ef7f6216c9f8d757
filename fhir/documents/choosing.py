"""What stands in each section of a summary: each fact once, the newest first, and who says that there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhir.documents.belonging import PAST
from fhir.documents.facts import NAMING, Fact, Held, codes, once
from fhir.documents.rows import date
from fhir.documents.sections import SECTIONS, Ask, Section

LISTS = Ask("List", (("status", "current"), ("empty-reason", "nilknown")))
"""Lists without entries that say that there is nothing."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What stands in a section."""

    section: Section
    facts: Sequence[Fact]
    more: bool
    """Whether older ones were left out."""
    nothing: Sequence[Held]
    """Who states that there is none, when nobody states that there is something."""

    @property
    def reason(self) -> str:
        """Why a section is empty, as http://terminology.hl7.org/CodeSystem/list-empty-reason says it."""
        return "nilknown" if self.nothing else "unavailable"


def choose(found: Mapping[Ask, tuple[Sequence[Held], bool]]) -> list[Chosen]:
    """Return the sections that a summary has.

    A required section without entries says that nothing is available, for what a caller is not shown may be there all
    the same. It says that there is none only when that is on record.

    Args:
        found: What was found of each `Ask`, the newest first, and whether there is more.
    """
    lists = found.get(LISTS, ((), False))[0]
    made = [_chosen(section, found, lists) for section in SECTIONS]
    return [one for one in made if one.facts or one.section.required or one.nothing]


def _chosen(section: Section, found: Mapping[Ask, tuple[Sequence[Held], bool]], lists: Sequence[Held]) -> Chosen:
    matched = [one for ask in section.asks for one in found.get(ask, ((), False))[0] if section.holds(one.resource)]
    held = list({one.link: one for one in matched}.values())
    silent = section.nothing | {section.no_information}
    entries = [one for one in held if not _named(one) & silent]
    facts = sorted(once(entries), key=_newness, reverse=True)
    more = len(facts) > section.most or any(found[ask][1] for ask in section.asks if ask in found)
    # What was not looked at may say the contrary.
    silenced = facts or more
    nothing = [] if silenced else [one for one in held if _named(one) & section.nothing and not _is_over(one)]
    nothing += [] if silenced else [one for one in lists if _says_nothing(one, section)]
    return Chosen(section, facts[: section.most], more, nothing)


def _newness(fact: Fact) -> str:
    """Return what facts are ordered by; what has no date, or one in words, comes last."""
    when = date(fact.first.resource).lstrip("–")
    return when if when[:1].isdigit() else ""


def _named(held: Held) -> frozenset[str]:
    return frozenset().union(*(codes(held.resource.get(element)) for element in NAMING[:3]))


def _is_over(held: Held) -> bool:
    """Return whether a statement says of itself that it does not hold any more."""
    return bool(codes(held.resource.get("clinicalStatus")) & PAST)


def _says_nothing(held: Held, section: Section) -> bool:
    resource = held.resource
    return (
        resource.get("status") == "current"
        and not resource.get("entry")
        and bool(codes(resource.get("code")) & {section.code, section.list_code})
        and "nilknown" in codes(resource.get("emptyReason"))
    )
