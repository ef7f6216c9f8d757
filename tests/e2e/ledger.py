"""What the clients of a load were told, written down before they use it: the proof's side of the story.

A deed is one writing request. Its answer says that it was done, that it was refused, or never comes: then it may have
been done or not, but never in part and never twice.
"""

import asyncio
from dataclasses import dataclass, field

STUDY = "study"
"""Stands for a type where a DICOM study is born; its identifier is the Study Instance UID."""

SYSTEM = "urn:renkei:load"
"""The system of the identifiers by which everything of a load is found again."""


@dataclass(slots=True)
class Kept:
    """A resource that was acknowledged: its custodian, its identifier and the text of each version that is known."""

    site: str
    marker: str
    versions: dict[int, str | None] = field(default_factory=dict)
    """By number; None is a deletion."""
    doubts: list[str | None] = field(default_factory=list)
    """Texts that were sent and never answered."""


@dataclass(slots=True)
class Deed:
    """One writing request, identified by its `X-Request-Id`."""

    request_id: str
    site: str
    births: list[tuple[str, str]] = field(default_factory=list)
    """Type and identifier of what it creates."""
    changes: list[tuple[str, str | None]] = field(default_factory=list)
    """`Type/id` and the new text (None: deleted) of what it changes."""
    outcome: str = "unknown"
    """`done`, `refused` or `unknown`."""


@dataclass(slots=True)
class Disclosure:
    """One answered read: what was shown to whom."""

    request_id: str
    version: str
    """`Type/id/_history/n`"""


@dataclass(slots=True)
class Ledger:
    """Everything since the beginning in `kept`; the deeds, reads and surprises of the present round."""

    kept: dict[str, Kept] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    """By site, the `Type/id` that all its clients change."""
    deeds: list[Deed] = field(default_factory=list)
    reads: list[Disclosure] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """Answers that a hub never gives here."""
    warm: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a write is acknowledged."""
    acknowledged: int = 0
    """Writes that were acknowledged in all rounds."""

    def begin(self, deed: Deed) -> Deed:
        """Note a request before it is sent."""
        self.deeds.append(deed)
        for name, text in deed.changes:
            self.kept[name].doubts.append(text)
        return deed

    def done(self, deed: Deed, versions: dict[str, int]) -> None:
        """Note that a deed was acknowledged; `versions` holds the number of each `Type/id` it wrote."""
        deed.outcome = "done"
        self.acknowledged += 1
        self.warm.set()
        for name, text in deed.changes:
            self.kept[name].doubts.remove(text)
            self.kept[name].versions[versions[name]] = text

    def born(self, deed: Deed, name: str, number: int, text: str) -> None:
        """Note a resource that an acknowledged deed created, the deed's birth of that number."""
        self.kept[name] = Kept(deed.site, deed.births[number][1], {1: text})

    def refused(self, deed: Deed) -> None:
        """Note that a deed was refused: nothing of it may be seen."""
        deed.outcome = "refused"
        for name, text in deed.changes:
            self.kept[name].doubts.remove(text)

    def settle(self) -> None:
        """Begin the next round."""
        self.deeds, self.reads, self.surprises = [], [], []
