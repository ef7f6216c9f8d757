"""A message on its way to FHIR: what was made of it so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.exchange.hl7v2.message import Finding, Message, Segment
from app.exchange.hl7v2.to_fhir.mapped import Action, Entry, Key, OrderSet
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import INSTANCE

NO_ORDER = frozenset({"", "999999999999999"})
"""Order numbers that mean none."""


@dataclass(slots=True)
class Draft:
    """What was made so far."""

    message: Message
    source: Source
    kind: str
    action: Action
    patient: Key
    occurred: str
    findings: list[Finding]
    entries: list[Entry] = field(default_factory=list)
    orders: dict[tuple[str, str], tuple[set[str], str]] = field(default_factory=dict)
    taken: dict[tuple[str, str], int] = field(default_factory=dict)

    def report(self, segment: Segment, number: int, text: str) -> None:
        """Note something that a person should look at."""
        self.findings.append(segment.finding(number, text))

    def key(self, type_: str, *parts: str) -> Key:
        """Return the key of a resource; a second one with the same parts in this message gets a number of its own."""
        value = "-".join((self.source.institution, *(escaped(part) for part in parts if part)))
        count = self.taken.get((type_, value), 0) + 1
        self.taken[type_, value] = count
        return Key(type_, INSTANCE, value if count == 1 else f"{value}~{count}")

    def own(self, type_: str, *parts: str) -> Key:
        """Return the key of a resource whose parts tell it from those of the same patient alone."""
        return self.key(type_, self.patient.value, *parts)

    @property
    def subject(self) -> dict[str, Any]:
        """A reference to the patient."""
        return {"reference": self.patient.reference}

    def add(
        self,
        key: Key,
        content: dict[str, Any],
        *,
        identifiers: Iterable[dict[str, Any]] = (),
        action: Action | None = None,
    ) -> Key:
        """Keep a resource.

        Args:
            key: By which it is found again.
            content: Its members behind `resourceType` and `identifier`; those that are empty are left out.
            identifiers: Others than the key.
            action: If it is another than the message's own.

        Returns:
            The key.
        """
        own = {"system": key.system, "value": key.value}
        resource: dict[str, Any] = {"resourceType": key.type, "identifier": [own, *identifiers]}
        resource.update(present(content))
        self.entries.append(Entry(key, resource, action or self.action))
        return key

    def order(self, type_: str, number: str, key: Key | None, status: str) -> None:
        """Note that an order has a resource, or none, and what the status of its others becomes."""
        if number in NO_ORDER:
            return
        keys, _ = self.orders.get((type_, number), (set(), ""))
        if key is not None:
            keys.add(key.value)
        self.orders[type_, number] = (keys, status)

    def order_sets(self) -> tuple[OrderSet, ...]:
        """Return what the orders of the message consist of."""
        system = self.source.order_system
        return tuple(
            OrderSet(type_, system, number, frozenset(keys), status)
            for (type_, number), (keys, status) in self.orders.items()
        )


def escaped(part: str) -> str:
    """Return a part of a key so that no two lists of parts are the same key: `12`, `3-4` are not `12-3`, `4`."""
    return part.replace("%", "%25").replace("-", "%2D").replace("~", "%7E")


def present(content: dict[str, Any]) -> dict[str, Any]:
    """Return the members that say something."""
    return {name: value for name, value in content.items() if value not in (None, "", [], {})}
