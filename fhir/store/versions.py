"""Versions that were read lately, kept in memory by what was asked for: a resource, or what a patient has.

A version never changes, so a kept one is as good as that in the table; which one is current, and whether it exists for
a caller, is asked of the database each time. Who opens a patient's record asks many things about that one patient
within minutes; and the same few Patients, Organizations and Practitioners are read all day. What is removed for good is
forgotten (`Versions.forget`).
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from fhir.store.stored import Stored

MOST_BYTES = 96_000_000
"""Of memory that a process keeps versions in."""

LARGEST_BYTES = 20_000
"""The largest body that is kept: large ones are documents, of which a page shows little."""

_EACH_BYTES = 900
"""What a version takes beside its body, when it was asked for alone."""

Version = tuple[int, int]
"""The row and the version's number."""


class Versions:
    """The versions of what was asked for last.

    Args:
        most_bytes: The most memory they take; those of what was longest not asked for go first.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[int, dict[Version, Stored]] = OrderedDict()

    def of(self, asked: int) -> Mapping[Version, Stored] | None:
        """Return what is kept for `hash64` of a reference, the resource's or the patient's; None if nothing is."""
        kept = self._kept.get(asked)
        if kept is not None:
            self._kept.move_to_end(asked)
        return kept

    def keep(self, asked: int, versions: Iterable[Stored]) -> None:
        """Keep committed versions of what was asked for by the reference of this hash."""
        kept = self._kept.setdefault(asked, {})
        self._kept.move_to_end(asked)
        for one in versions:
            key = (one.row, one.version)
            if key not in kept and len(one.body) <= LARGEST_BYTES:
                kept[key] = one
                self._bytes += len(one.body) + _EACH_BYTES
        while self._bytes > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= sum(len(one.body) + _EACH_BYTES for one in gone.values())

    def forget(self) -> None:
        """Let go of everything: something was removed for good, and must not stay in memory."""
        self._kept.clear()
        self._bytes = 0
