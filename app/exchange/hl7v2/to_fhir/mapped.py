"""What a message becomes: resources, the identifiers that they are found again by, and what is to be done with them."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from app.exchange.hl7v2.message import Finding

Action: TypeAlias = Literal["current", "delete", "history", "mention"]
"""What is to be done with a resource.

`current`: it is what holds now. `delete`: it was taken back; it says so itself (entered-in-error, cancelled).
`history`: it held once, and something later is known or will be. `mention`: it is only named; it is written where
nothing is known of it, and never over what is known.
"""


@dataclass(frozen=True, slots=True)
class Key:
    """The identifier by which a resource is found again."""

    type: str
    system: str
    value: str

    @property
    def reference(self) -> str:
        """How another resource refers to it: a conditional reference."""
        return f"{self.type}?identifier={self.system}|{quote(self.value, safe='')}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource that a message became."""

    key: Key
    resource: dict[str, Any]
    """As `fhir.exact` writes it, without an id.

    It carries the key as its first identifier, and refers to others by `Key.reference`.
    """
    action: Action


@dataclass(frozen=True, slots=True)
class OrderSet:
    """All that an order consists of: what else of it is stored, is no more of it."""

    type: str
    """Of the resources that are meant."""
    system: str
    order: str
    """The identifier (`system`, `order`) that all resources of the order carry, whatever else tells them apart."""
    present: frozenset[str]
    """The values of the keys of those that the order has now; empty when it was cancelled as a whole."""
    status: str
    """What the others' `status` becomes."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a message became."""

    kind: str
    """Its type in a standard store: `OMP-01`."""
    patient: Key
    entries: tuple[Entry, ...]
    """The patient first, in an order in which none refers to a later one."""
    orders: tuple[OrderSet, ...]
    findings: tuple[Finding, ...]
    occurred: str
    """When what it says happened or was written, as a FHIR instant or date; empty when it does not say."""
