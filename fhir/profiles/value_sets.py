"""Value sets: is a code in one, as far as what is loaded can tell?

https://hl7.org/fhir/R4/valueset.html#compose
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhir.profiles.definitions import MALFORMED, Definitions
from fhir.spec.elements import codes

MOST_NESTED = 16
"""How deep value sets may include each other; deeper, or in a circle, nothing can be told."""


class Members(NamedTuple):
    """The codes of a value set, or of a part of one."""

    codes: frozenset[tuple[str, str]]
    """System and code; the system is empty where it is not told."""
    open_systems: frozenset[str]
    """Systems of which codes may be in it that cannot be listed here."""
    whole: bool
    """Whether nothing else can be in it."""

    def contain(self, system: str | None, code: str) -> bool | None:
        """Return whether a code is in it; None when that cannot be told."""
        if (system or "", code) in self.codes or ("", code) in self.codes:
            return True
        if system is None:
            if code in {one for _, one in self.codes}:
                return True
            return None if self.open_systems or not self.whole else False
        if not self.whole or system in self.open_systems:
            return None
        return False


UNKNOWN = Members(frozenset(), frozenset(), whole=False)


def members(url: str, definitions: Definitions, depth: int = 0) -> Members:
    """Return the members of a value set: of a loaded one, or of one that R4 binds with strength `required`."""
    key = "members", url
    found: Members | None = definitions.kept.get(key)
    if found is None:
        try:
            found = _members(url, definitions, depth)
        except MALFORMED:
            found = UNKNOWN
        definitions.kept[key] = found
    return found


def _members(url: str, definitions: Definitions, depth: int) -> Members:
    value_set = definitions.near("ValueSet", url)
    if value_set is not None and depth < MOST_NESTED:
        composed = _composed(value_set.get("compose", {}), definitions, depth)
        expansion = value_set.get("expansion", {})
        if composed.whole and not composed.open_systems:
            return composed
        # A part of an expansion is none: it says how much there is of it.
        if "contains" in expansion and expansion.get("total", 0) <= len(list(_expanded(expansion["contains"]))):
            return Members(frozenset(_expanded(expansion["contains"])), frozenset(), whole=True)
        return composed
    try:
        return Members(frozenset(("", code) for code in codes(url.partition("|")[0])), frozenset(), whole=True)
    except KeyError:
        return UNKNOWN


def _expanded(contains: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in contains:
        if "code" in one and not one.get("abstract"):
            yield one.get("system", ""), one["code"]
        yield from _expanded(one.get("contains", []))


def _composed(compose: dict[str, Any], definitions: Definitions, depth: int) -> Members:
    if not compose.get("include"):
        return UNKNOWN
    listed: set[tuple[str, str]] = set()
    open_systems: set[str] = set()
    whole = True
    for include in compose["include"]:
        part = _included(include, definitions, depth)
        listed |= part.codes
        open_systems |= part.open_systems
        whole = whole and part.whole
    for exclude in compose.get("exclude", ()):
        part = _included(exclude, definitions, depth)
        listed -= part.codes
        open_systems |= part.open_systems
        if not part.whole:
            whole = False
    return Members(frozenset(listed), frozenset(open_systems), whole)


def _included(include: dict[str, Any], definitions: Definitions, depth: int) -> Members:
    parts = [members(url, definitions, depth + 1) for url in include.get("valueSet", ())]
    if "system" in include:
        parts.append(_of_system(include, definitions))
    if not parts:
        return UNKNOWN
    first, *rest = parts
    for one in rest:
        first = _both(first, one)
    return first


def _both(left: Members, right: Members) -> Members:
    """Return what is in both; what only may be in one of them may be in both."""
    listed = {
        one for one in left.codes | right.codes if left.contain(*one) is not False and right.contain(*one) is not False
    }
    return Members(frozenset(listed), left.open_systems | right.open_systems, left.whole and right.whole)


def _of_system(include: dict[str, Any], definitions: Definitions) -> Members:
    system = include["system"]
    if "concept" in include:
        return Members(frozenset((system, one["code"]) for one in include["concept"]), frozenset(), whole=True)
    code_system = definitions.near("CodeSystem", system)
    if code_system is None or code_system.get("content") != "complete":
        return Members(frozenset(), frozenset({system}), whole=True)
    concepts = list(_concepts(code_system.get("concept", [])))
    for rule in include.get("filter", ()):
        kept = _filtered(concepts, rule)
        if kept is None:
            return Members(frozenset(), frozenset({system}), whole=True)
        concepts = kept
    return Members(frozenset((system, one["code"]) for one, _ in concepts), frozenset(), whole=True)


Concept = tuple[dict[str, Any], tuple[str, ...]]
"""A concept and the codes above it."""


def _concepts(found: list[dict[str, Any]], above: tuple[str, ...] = ()) -> Iterator[Concept]:
    for one in found:
        parents = tuple(str(p["valueCode"]) for p in one.get("property", ()) if p.get("code") == "parent")
        yield one, (*above, *parents)
        yield from _concepts(one.get("concept", []), (*above, one["code"]))


def _filtered(concepts: list[Concept], rule: dict[str, Any]) -> list[Concept] | None:
    """Return the concepts that a filter keeps; None for a filter that is not known here."""
    wanted, operation = rule.get("value"), rule.get("op")
    if rule.get("property") in ("concept", "code") and operation in ("is-a", "descendent-of", "is-not-a"):
        below = [(one, above) for one, above in concepts if wanted in above or one["code"] == wanted]
        if operation == "is-not-a":
            return [one for one in concepts if one not in below]
        return below if operation == "is-a" else [(one, above) for one, above in below if one["code"] != wanted]
    if operation == "=":
        return [(one, above) for one, above in concepts if _has(one, rule.get("property"), wanted)]
    if operation == "in":
        return [
            (one, above) for one, above in concepts if any(_has(one, rule.get("property"), v) for v in _listed(wanted))
        ]
    return None


def _listed(text: Any) -> list[str]:
    return [one.strip() for one in str(text).split(",")]


def _has(concept: dict[str, Any], name: Any, wanted: Any) -> bool:
    if name in ("code", "concept"):
        return bool(concept["code"] == wanted)
    for one in concept.get("property", ()):
        values = [v for k, v in one.items() if k.startswith("value")]
        if one.get("code") == name and values and str(values[0]).lower() == str(wanted).lower():
            return True
    return False
