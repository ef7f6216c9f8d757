"""What a message does not say about the site that sent it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar, cast

from app.exchange.hl7v2.message import Repetition
from app.exchange.hl7v2.separators import STANDARD as STANDARD_SEPARATORS
from app.exchange.hl7v2.to_fhir.systems import STANDARD, TERMINOLOGY

T = TypeVar("T", bound=dict[str, Any])

MOST_REMEMBERED = 20_000
"""More values than these are forgotten and made again."""

_HL7_TABLE = re.compile(r"HL7(\d{4})")


@dataclass(frozen=True, slots=True)
class Source:
    """The site that a message is of."""

    custodian: str
    """The id of its Organization in the hub."""
    institution: str
    """Its ten digits of the insurance system: prefecture, table of points, number."""
    systems: Mapping[str, str] = field(default_factory=dict)
    """URIs of coding systems by the names that this site uses; they go before those of `STANDARD`."""
    zone: str = "+09:00"
    """The offset of its clock, for moments that do not say theirs."""
    memory: dict[tuple[str, str], dict[str, Any]] = field(init=False, compare=False, repr=False)
    """What coded values, people and places became: they are the same few thousand in all messages of a site."""

    def __post_init__(self) -> None:
        """Take up what this process remembers of the site."""
        known = _memory(self.custodian, self.institution, tuple(sorted(self.systems.items())), self.zone)
        object.__setattr__(self, "memory", known)

    def __reduce__(self) -> tuple[type["Source"], tuple[str, str, dict[str, str], str]]:
        """Leave what is remembered where it is, when the site goes to another process."""
        return Source, (self.custodian, self.institution, dict(self.systems), self.zone)

    def remembered(self, kind: str, value: Repetition, make: Callable[[Repetition, "Source"], T]) -> T:
        """Return what a value becomes, made once; it is shared, so nobody may change it.

        Args:
            kind: What is made.
            value: Of a field.
            make: Makes it.
        """
        if value.separators is not STANDARD_SEPARATORS:
            return make(value, self)
        key = (kind, value.raw)
        found = self.memory.get(key)
        if found is None:
            found = make(value, self)
            self.remember(key, found)
        return cast("T", found)

    def remember(self, key: tuple[str, str], made: dict[str, Any]) -> None:
        """Keep what something became, so that it need not be made again."""
        if len(self.memory) >= MOST_REMEMBERED:
            self.memory.clear()
        self.memory[key] = made

    @property
    def patient_system(self) -> str:
        """The system of its patients' numbers."""
        return f"urn:oid:1.2.392.100495.20.3.51.1{self.institution}"

    @property
    def practitioner_system(self) -> str:
        """The system of its staff's numbers."""
        return f"urn:oid:1.2.392.100495.20.3.41.1{self.institution}"

    @property
    def order_system(self) -> str:
        """The system of its order numbers."""
        return self.local("order-number")

    def local(self, name: str) -> str:
        """Return the system of codes or numbers that mean something at this site alone."""
        return f"urn:renkei:site:{self.institution}:{name}"

    def system_of(self, name: str) -> str:
        """Return the URI of a coding system by its name in a message; empty for no name."""
        return self.systems.get(name) or _system_of(name, self.institution)


@lru_cache(maxsize=256)
def _memory(
    custodian: str,  # noqa: ARG001 - by these four one memory is told from another
    institution: str,  # noqa: ARG001
    systems: tuple[tuple[str, str], ...],  # noqa: ARG001
    zone: str,  # noqa: ARG001
) -> dict[tuple[str, str], dict[str, Any]]:
    return {}


@lru_cache(maxsize=4096)
def _system_of(name: str, institution: str) -> str:
    if not name:
        return ""
    found = STANDARD.get(name)
    if found:
        return found
    table = _HL7_TABLE.fullmatch(name)
    if table:
        return f"{TERMINOLOGY}v2-{table[1]}"
    if ":" in name:  # a URI, which stands for itself
        return name
    word = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    if name.startswith("99") or name == "L":
        return f"urn:renkei:site:{institution}:{word}"
    return f"urn:renkei:coding-system:{word}"
