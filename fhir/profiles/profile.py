"""A StructureDefinition compiles to a checker, on its first use.

Only what it adds to base R4 is compiled: resources that come here have the structure of R4 already, so types may be
trusted. A check is one walk over the elements that a profile says something about.

https://hl7.org/fhir/R4/profiling.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fhir.profiles.compiling import about_to_compile
from fhir.profiles.constraints import invariant, of_profile
from fhir.profiles.definitions import BASE, MALFORMED, Definitions
from fhir.profiles.element_rules import rules_of
from fhir.profiles.findings import Where
from fhir.profiles.invariants import INVARIANTS
from fhir.profiles.occurrences import gather
from fhir.profiles.slicing import Cut, Slicing, slicing
from fhir.profiles.snapshot import Node, Structure, Unusable, read
from fhir.profiles.walk import Occurrence, Value, Walk
from fhir.spec.elements import COMPLEX_TYPES, CONCRETE_TYPES, PRIMITIVE_TYPES

Rule = Callable[[Occurrence, Walk], None]
"""Looks at one occurrence and adds what it finds."""

Member = Callable[[Value, Where, Walk], None]
"""Looks at one element of an object."""

_ABSTRACT = {"Resource", "DomainResource", "Element", "BackboneElement"}
_BASE_TYPES = COMPLEX_TYPES | CONCRETE_TYPES | PRIMITIVE_TYPES | _ABSTRACT | {"SimpleQuantity"}
_BASE_KEYS = (
    frozenset(INVARIANTS)
    | {"ele-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "txt-1", "txt-2"}
    | {"ref-1", "sqty-1"}
)


class Checker:
    """One compiled definition."""

    def __init__(self, structure: Structure, definitions: Definitions) -> None:
        self.structure = structure
        self._definitions = definitions
        self._nodes: dict[int, Rule | None] = {}
        self._rules: list[Rule] | None = None

    def check(self, occurrence: Occurrence, walk: Walk) -> None:
        """Add what is wrong with a resource or value by this definition."""
        try:
            if self._rules is None:
                about_to_compile()
                self._rules = self._compile()
            for rule in self._rules:
                rule(occurrence, walk)
        except MALFORMED as fault:
            reason = f"it is no proper StructureDefinition ({type(fault).__name__})"
            text = f"The profile {self.structure.url} cannot be used: {reason}."
            walk.add("warning", occurrence.where, "not-supported", text)

    def _compile(self) -> list[Rule]:
        structure = self.structure
        rules: list[Rule] = []
        if structure.kind == "resource" and structure.type not in _ABSTRACT:
            rules.append(self._of_type())
        if structure.base is not None and not is_base(structure.base):
            rules.append(checker(structure.base, self._definitions).check)
        rules += self._own(structure.root, structure.type)
        return rules

    def _of_type(self) -> Rule:
        wanted, name = self.structure.type, self.structure.name

        def check(occurrence: Occurrence, walk: Walk) -> None:
            if occurrence.type != wanted:
                walk.add("error", occurrence.where, "structure", f"The profile {name} is one of {wanted}.")

        return check

    def _own(self, node: Node, path: str) -> list[Rule]:
        """Return what holds for each occurrence of an element, beside its number."""
        name = self.structure.name
        found = rules_of(node, name, self.follow)
        found += [invariant(one, path, name) for one in node.facts.get("constraint", ()) if of_profile(one, _BASE_KEYS)]
        same = node.facts.get("contentReference")
        if same:
            target = self.structure.at(str(same).partition("#")[2])
            if target is not None and target is not node:
                found.append(self._later(target, str(same).partition("#")[2]))
        if any(child.matters for child in node.children.values()):
            found.append(self._later(node, path))
        return found

    def _later(self, node: Node, path: str) -> Rule:
        """Return the rules below a node, which are compiled when first called: most of a definition never is."""

        def check(occurrence: Occurrence, walk: Walk) -> None:
            if id(node) not in self._nodes:
                about_to_compile()
                members = [self._member(child, path) for child in node.children.values() if child.matters]
                self._nodes[id(node)] = _children(members) if members else None
            rule = self._nodes[id(node)]
            if rule is not None:
                rule(occurrence, walk)

        return check

    def _member(self, node: Node, around: str) -> Member:
        """Return the look at one element: how often it is there, its slices, each occurrence."""
        path = f"{around}.{node.name.removesuffix('[x]')}"
        types = node.types
        path_of_type = types[0]["code"] if len(types) == 1 and types[0]["code"] in COMPLEX_TYPES else path
        rules = self._own(node, path_of_type)
        cuts = self._slicing(node, path_of_type)
        least, most = node.min, node.max
        if most is not None and str(most) == str(node.facts.get("base", {}).get("max")):
            most = None
        label, profile = node.name.removesuffix("[x]"), self.structure.name
        find = gather(node.name, types[0]["code"] if len(types) == 1 else "")

        def check(value: Value, where: Where, walk: Walk) -> None:
            found = find(value, where)
            if len(found) < least:
                text = f"The profile {profile} needs {least} of {label} at least; found: {len(found)}."
                walk.add("error", (where, label, -1), "required", text)
            if most is not None and len(found) > most:
                text = f"The profile {profile} allows {most} of {label} at most; found: {len(found)}."
                walk.add("error", (where, label, -1), "structure", text)
            for rule in rules:
                for one in found:
                    rule(one, walk)
            if cuts is not None:
                cuts(found, (where, label, -1), walk)

        return check

    def _slicing(self, node: Node, path: str) -> Slicing | None:
        if not node.slices:
            return None
        cuts = [
            Cut(name, one, one.min, one.max, self._own(one, path), self._slicing(one, path))
            for name, one in node.slices.items()
        ]
        facts = node.facts.get("slicing") or self._inherited(node)
        return slicing(facts, cuts, self.structure.name, self.find, self.conforms)

    def _inherited(self, node: Node) -> Mapping[str, Any]:
        """Return how an element is sliced when the definition leaves that out."""
        if node.name.endswith("[x]"):
            return {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}
        if node.name in ("extension", "modifierExtension"):
            return {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
        return {}

    def find(self, url: str) -> Structure | None:
        """Return the definition of a type's profile, None when it is not loaded or cannot be used."""
        if is_base(url):
            return None
        try:
            return checker(url, self._definitions).structure
        except (Unknown, Unusable):
            return None

    def follow(self, occurrence: Occurrence, url: str, walk: Walk) -> None:
        """Check a value by the profile of its type; one that is not loaded is said once."""
        if is_base(url):
            return
        try:
            found = checker(url, self._definitions)
        except Unknown:
            # `fhir.profiles.extensions` says it of all extensions.
            if occurrence.type != "Extension":
                walk.add("information", occurrence.where, "not-found", f"The profile {url} is not loaded here.")
            return
        except Unusable as reason:
            walk.add("warning", occurrence.where, "not-supported", f"The profile {url} cannot be used: {reason}.")
            return
        run(found, occurrence, walk)

    def conforms(self, value: Any, url: str, walk: Walk) -> bool:
        """Return whether a value conforms to a profile; to one that is not loaded, whether its type may be right."""
        if value.__class__ is not dict:
            return False
        kind = value.get("resourceType", "")
        if is_base(url):
            return not kind or url.removeprefix(BASE) in (kind, *_ABSTRACT)
        known = walk.assumed((id(value), url))
        if known is not None:
            return known
        place: Where = (None, kind or "value", -1)
        with walk.trial() as issues:
            self.follow(Occurrence(value, None, place, kind), url, walk)
        wrong = any(one.severity in ("error", "fatal") or one.code == "not-found" for one in issues)
        return walk.conclude((id(value), url), not wrong)


def _children(members: Sequence[Member]) -> Rule:
    def check(occurrence: Occurrence, walk: Walk) -> None:
        value = occurrence.object
        if value is None:
            return
        where = occurrence.where
        for member in members:
            member(value, where, walk)

    return check


def run(found: Checker, occurrence: Occurrence, walk: Walk) -> None:
    """Check an occurrence; a resource becomes the one that expressions and local references are about."""
    value = occurrence.value
    if value.__class__ is dict and "resourceType" in value and value is not walk.resource:
        contained = any(value is one for one in walk.container.get("contained", ()))
        with walk.inside(value, contained=contained):
            found.check(occurrence, walk)
    else:
        found.check(occurrence, walk)


class Unknown(Exception):
    """The definition is not loaded."""


def is_base(url: str) -> bool:
    """Return whether a canonical names a definition of base R4 itself."""
    return url.startswith(BASE) and url.removeprefix(BASE).partition("|")[0] in _BASE_TYPES


def checker(url: str, definitions: Definitions) -> Checker:
    """Return the checker of a profile.

    Raises:
        Unknown: it is not loaded.
        Unusable: nothing can be checked by it, or by one that it builds on.
    """
    key = "checker", url
    found: Checker | Unusable | None = definitions.kept.get(key)
    if found is None:
        definition = definitions.near("StructureDefinition", url)
        if definition is None:
            raise Unknown(url)
        about_to_compile()
        try:
            structure = read(definition)
            if structure.base is not None and not is_base(structure.base):
                checker(structure.base, definitions)
            found = Checker(structure, definitions)
        except Unknown as base:
            found = Unusable(f"it has no snapshot, and {base} is not loaded")
        except Unusable as reason:
            found = reason
        except MALFORMED as fault:
            found = Unusable(f"it is no proper StructureDefinition ({type(fault).__name__})")
        definitions.kept[key] = found
    if isinstance(found, Unusable):
        raise Unusable(str(found))
    return found
