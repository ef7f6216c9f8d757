"""What a summary draws from, and what of it is one fact that several sites, or several documents, state.

https://hl7.org/fhir/uv/ips/Design-Conventions.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir.exact import write_sorted

Resource = Mapping[str, Any]

NAMING = ("code", "vaccineCode", "medicationCodeableConcept", "type")
"""The elements that say in codes what a resource speaks of, the first that is there."""

_NAMED_BY_LINK = ("medicationReference", "device")

_ALIKE: Mapping[str, tuple[str, ...]] = {
    "Condition": ("clinicalStatus", "verificationStatus", "severity", "bodySite", "abatement", "note"),
    "AllergyIntolerance": ("clinicalStatus", "verificationStatus", "criticality", "reaction", "note"),
    "MedicationStatement": ("status", "effective", "dosage", "note"),
    "MedicationRequest": ("status", "intent", "doNotPerform", "authoredOn", "dosageInstruction", "note"),
    "MedicationDispense": ("status", "whenHandedOver", "whenPrepared", "quantity", "dosageInstruction", "note"),
    "Observation": ("status", "effective", "value", "dataAbsentReason", "component", "bodySite", "note"),
    "DiagnosticReport": ("status", "effective", "conclusion", "presentedForm", "result"),
    "Immunization": ("status", "occurrence", "lotNumber", "protocolApplied", "note"),
    "Procedure": ("status", "performed", "bodySite", "outcome", "note"),
    "DeviceUseStatement": ("status", "timing", "bodySite", "note"),
}
"""The beginnings of the names of the elements in which two statements of one fact agree.

Who states it, when it was entered, in which visit and under which number differ from site to site. A note is compared
as well: what only one of them says must not be lost.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A resource that a summary may draw from."""

    resource: Resource
    """As `fhir.exact.read` gives it, with its id."""
    body: bytes = b""
    """Its stored bytes; empty for one that the hub makes."""
    labels: int = 0
    """All labels that it has, those included that are not written in it."""
    source: str = ""
    """Who states it, as people call the site."""

    @property
    def link(self) -> str:
        """The relative reference to it, `Patient/1`."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


@dataclass(frozen=True, slots=True)
class Fact:
    """What one or several statements say; the first of them stands in the summary."""

    stated: tuple[Held, ...]

    @property
    def first(self) -> Held:
        """The statement that stands for all."""
        return self.stated[0]

    @property
    def sources(self) -> list[str]:
        """Who states it, each once."""
        return list(dict.fromkeys(one.source for one in self.stated if one.source))

    @property
    def labels(self) -> int:
        """The labels of all statements: the summary says that they were made."""
        found = 0
        for one in self.stated:
            found |= one.labels
        return found


def once(held: Iterable[Held]) -> list[Fact]:
    """Return the facts that resources state, in the order of their first statements.

    Two resources state one fact when they agree in what `_ALIKE` names and the codes of one are among those of the
    other; without codes the texts are compared. A type that is not named there, or what has no name, stands alone.
    """
    found: list[list[Held]] = []
    by_rest: dict[tuple[str, bytes], list[tuple[frozenset[tuple[str, str]], list[Held]]]] = {}
    for one in held:
        names = _names(one.resource)
        alike = _ALIKE.get(one.resource["resourceType"])
        if alike is None or not names:
            found.append([one])
            continue
        rest = {name: value for name, value in one.resource.items() if name.startswith(alike)}
        others = by_rest.setdefault((one.resource["resourceType"], write_sorted(rest)), [])
        same = next((group for known, group in others if names <= known or known <= names), None)
        if same is None:
            same = []
            found.append(same)
            others.append((names, same))
        same.append(one)
    return [Fact(tuple(group)) for group in found]


def codes(concepts: Any) -> frozenset[str]:
    """Return the codes of a CodeableConcept or of a list of them."""
    found = concepts if isinstance(concepts, list) else [concepts]
    return frozenset(
        coding["code"]
        for concept in found
        if isinstance(concept, dict)
        for coding in concept.get("coding", ())
        if "code" in coding
    )


def _names(resource: Resource) -> frozenset[tuple[str, str]]:
    for element in NAMING:
        concept = resource.get(element)
        if isinstance(concept, dict):
            coded = {(one.get("system", ""), one["code"]) for one in concept.get("coding", ()) if "code" in one}
            return frozenset(coded or ({("", concept["text"])} if concept.get("text") else ()))
    for element in _NAMED_BY_LINK:
        link = resource.get(element, {}).get("reference", "")
        if link and not link.startswith("#"):
            return frozenset({("", link)})
    return frozenset()
