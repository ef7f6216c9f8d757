"""What a run of the collector did, and how it says how far it is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.blobs.store import Kept

Progress = Callable[[str, int], None]
"""Told what is done, and with how many blobs so far."""


def silent(what: str, done: int) -> None:
    """Show nothing."""


@dataclass(slots=True)
class Amount:
    """How many blobs, and their bytes."""

    count: int = 0
    octets: int = 0

    def add(self, *kept: Kept) -> None:
        """Count blobs."""
        self.count += len(kept)
        self.octets += sum(one.size for one in kept)

    def __str__(self) -> str:
        return f"{self.count} blobs, {self.octets} bytes"


@dataclass(slots=True)
class Collected:
    """What a run did; what it would have done, when it was dry."""

    seen: Amount = field(default_factory=Amount)
    """Blobs in their places."""
    set_aside: Amount = field(default_factory=Amount)
    waiting: Amount = field(default_factory=Amount)
    """Set aside by an earlier run, and not for two days yet."""
    removed: Amount = field(default_factory=Amount)
    """For good."""
    brought_back: Amount = field(default_factory=Amount)
    incoming_bytes: int = 0
    """What interrupted uploads had left on this machine."""
    unknown: list[int] = field(default_factory=list)
    """Custodians that have blobs but are no organisation of the database: nothing of theirs is touched."""
    doubtful: list[int] = field(default_factory=list)
    """Custodians of whose blobs the database refers to less than half: none was set aside."""
