"""Slicing: the occurrences of an element in groups, each with rules of its own.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fhir.profiles.discriminators import Conforms, Find, Matcher, matcher
from fhir.profiles.findings import Where
from fhir.profiles.snapshot import Node
from fhir.profiles.walk import Occurrence, Walk

Slicing = Callable[[Sequence[Occurrence], Where, Walk], None]
"""Looks at all the occurrences of an element, which lies at a place."""


class Cut(NamedTuple):
    """One slice."""

    name: str
    node: Node
    least: int
    most: int | None
    rules: Sequence[Callable[[Occurrence, Walk], None]]
    """What holds for each occurrence that is of it."""
    again: Slicing | None
    """How its own occurrences are sliced again."""


def slicing(
    facts: Mapping[str, Any], cuts: Sequence[Cut], profile: str, find: Find, conforms: Conforms
) -> Slicing | None:
    """Return the look at the slices of an element; None where nothing tells them apart.

    Args:
        facts: ElementDefinition.slicing.
        cuts: The slices, in their order.
        profile: The profile's name, for the diagnostics.
        find: Finds the profiles of types.
        conforms: Asks whether a value follows a profile.
    """
    told = [(cut, test) for cut in cuts if (test := _matcher(facts, cut.node, find, conforms)) is not None]
    if not told:
        return None
    closed, at_end = facts.get("rules") == "closed", facts.get("rules") == "openAtEnd"
    # A slice that cannot be told may be what seems to be of none.
    closed = closed and len(told) == len(cuts)
    ordered = facts.get("ordered") is True

    def check(found: Sequence[Occurrence], where: Where, walk: Walk) -> None:
        groups: list[list[Occurrence]] = [[] for _ in told]
        places: list[int] = []
        for one in found:
            place = next((n for n, (_, test) in enumerate(told) if test(one, walk)), -1)
            places.append(place)
            if place >= 0:
                groups[place].append(one)
            elif closed:
                walk.add("error", one.where, "structure", f"The profile {profile} has no slice for this.")
        if ordered or at_end:
            _check_order(places, found, ordered, at_end, profile, walk)
        for (cut, _), group in zip(told, groups, strict=True):
            _check_cut(cut, group, where, profile, walk)

    return check


def _matcher(facts: Mapping[str, Any], node: Node, find: Find, conforms: Conforms) -> Matcher | None:
    """Return what tells a slice by all its discriminators; None when one of them cannot be told."""
    stated = facts.get("discriminator", ())
    tests = [matcher(one["type"], one["path"], node, find, conforms) for one in stated]
    known = [test for test in tests if test is not None]
    if not known or len(known) < len(tests):
        return None
    if len(known) == 1:
        return known[0]
    return lambda occurrence, walk: all(test(occurrence, walk) for test in known)


def _check_order(
    places: Sequence[int], found: Sequence[Occurrence], ordered: bool, at_end: bool, profile: str, walk: Walk
) -> None:
    last, ended = -1, False
    for place, one in zip(places, found, strict=True):
        if place < 0:
            ended = True
            continue
        if ordered and place < last:
            walk.add("error", one.where, "structure", f"The slices of {profile} have an order; this is out of it.")
        if at_end and ended:
            walk.add("error", one.where, "structure", f"What {profile} does not slice must come at the end.")
        last = max(last, place)


def _check_cut(cut: Cut, group: Sequence[Occurrence], where: Where, profile: str, walk: Walk) -> None:
    if len(group) < cut.least:
        text = f"The profile {profile} needs {cut.least} of the slice {cut.name} at least; found: {len(group)}."
        walk.add("error", where, "required", text)
    if cut.most is not None and len(group) > cut.most:
        text = f"The profile {profile} allows {cut.most} of the slice {cut.name} at most; found: {len(group)}."
        walk.add("error", where, "structure", text)
    for rule in cut.rules:
        for one in group:
            rule(one, walk)
    if cut.again is not None:
        cut.again(group, where, walk)
