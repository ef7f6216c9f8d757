"""The verdict of the offline proof, as a value and as a sentence for the auditor."""

from dataclasses import dataclass

FAULTS = {
    "altered": "record {index} was altered",
    "removed": "record {index} was removed",
    "added": "record {index} was added: nothing signed covers it",
    "moved": "record {index} was moved: another stands in its place",
    "hash": "the stored hash of record {index} was altered; the record itself is proven",
    "rewritten": (
        "a record from {index} to {last} was altered, removed, added or moved, its stored hash with it;"
        " the records before {index} are proven"
    ),
    "cut": "the log once had {until} records, some are missing; the records before {index} are proven",
    "forked": (
        "the log was rolled back or forked: the same key signed two histories of {until} records;"
        " the first record that differs is one from {index} to {last}"
    ),
    "checkpoint": "the {proven} records are proven, but a checkpoint among them was tampered with",
    "succession": "a note by which a key names the next was tampered with: nothing is proven",
    "unwitnessed": "the {proven} records are proven, but too few witnesses have signed those from {index} on",
    "unsigned": "no checkpoint is signed by the log: nothing is proven",
}
"""What a fault means; records count from 0."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the proof found."""

    proven: int
    """The records `[0, proven)` are exactly those the log signed."""
    fault: str | None = None
    """A key of `FAULTS`; none when the whole log is proven."""
    index: int | None = None
    """The first record that is, or may be, not as it was signed; counts from 0."""
    until: int | None = None
    """The fault lies in `[index, until)`: one record, or, if hashes were altered too, up to a checkpoint."""
    expired: int = 0
    """Of the first so many records only the hashes are there: retention has removed them."""

    @property
    def ok(self) -> bool:
        """Whether every record is as it was signed, and none is missing."""
        return self.fault is None

    @property
    def message(self) -> str:
        """The verdict as a sentence."""
        last = None if self.until is None else self.until - 1
        sentence = "all {proven} records are as they were signed" if self.fault is None else FAULTS[self.fault]
        said = sentence.format(index=self.index, until=self.until, last=last, proven=self.proven)
        return f"{said}; of the first {self.expired} only the hashes are left, by retention" if self.expired else said
