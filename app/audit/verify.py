"""The offline proof of a log: which record, if any, is the first that is not as it was signed.

A checkpoint signs the root of the whole tree, so it tells that something is wrong, not what
(https://www.rfc-editor.org/rfc/rfc9162#section-2.1). The list of leaf hashes that an export carries beside
its records tells which: once that list gives the signed root it is as good as signed itself, and every record
is compared with its own hash.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import chain, islice, tee

from app.audit import checkpoint
from app.audit.checkpoint import Checkpoint
from app.audit.note import NoteError, UnknownSigner, Verifier
from app.audit.succession import Keyring, follow
from app.audit.tree import Frontier
from app.audit.verdict import Verdict

LOOKAHEAD = 65_536
"""How many records after the first wrong one are read to tell removed, added and moved apart."""

PROGRESS_EVERY = 4096
"""Records that are hashed at once."""


def verify(
    records: Iterable[bytes],
    checkpoints: Iterable[str],
    verifier: Verifier,
    *,
    hashes: Iterable[bytes] | None = None,
    known: Checkpoint | None = None,
    successions: Iterable[str] = (),
    witnesses: Sequence[Verifier] = (),
    quorum: int = 0,
    expired: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Return whether records are the log that a key signed, and which is the first that is not.

    Reads every argument once, in order, and never holds more than a lookahead of them.

    Args:
        records: The sealed records, from the first.
        checkpoints: Notes of the log, any number and order; those of other keys are ignored.
        verifier: The log's public key, had from elsewhere than the export.
        hashes: The leaf hashes, from the first; without them a fault is only placed between two checkpoints.
        known: A verified checkpoint that was kept elsewhere: shows what was cut off, rolled back or forked.
        successions: Notes by which the trusted key, and each after it, names the next.
        witnesses: The public keys of witnesses, had from elsewhere.
        quorum: How many of them must have signed the last checkpoint; 0: none has to.
        expired: How many records, from the first, retention has removed: `records` begin after them, `hashes` do not.
        progress: Called now and then with the number of records read.

    Raises:
        WrongOrigin: `known` is a checkpoint of another log.
    """
    if known is not None and known.origin != verifier.name:
        raise checkpoint.WrongOrigin(f"a checkpoint of {known.origin}, not of {verifier.name}")
    try:
        ring = follow(verifier, successions)
    except NoteError:
        return Verdict(0, "succession", 0)
    signed = _signed(checkpoints, ring, witnesses, quorum)
    if not signed.roots and known is None:
        return Verdict(0, "unsigned", 0)
    leaves: Iterator[bytes] = (sha256(b"\x00" + record).digest() for record in records)
    listed = None if hashes is None else iter(hashes)
    if expired and listed is not None:
        # Of what is gone there are the hashes alone, and what was signed of them.
        gone, listed = tee(listed)
        leaves = chain(islice(gone, expired), leaves)
        del gone
    verdict = _Walk(leaves, listed, signed.roots, known, progress).run()
    if verdict.ok and signed.forged:
        verdict = Verdict(verdict.proven, "checkpoint")
    elif verdict.ok and quorum and signed.witnessed < verdict.proven:
        verdict = Verdict(verdict.proven, "unwitnessed", signed.witnessed, verdict.proven)
    return replace(verdict, expired=expired)


@dataclass
class _Signed:
    """What the checkpoints say."""

    roots: dict[int, set[bytes]] = field(default_factory=dict)
    """The roots that the log signed, by size."""
    forged: bool = False
    """Whether a note pretends to be the log's, or a witness's."""
    witnessed: int = 0
    """The records of the largest checkpoint that enough witnesses have signed."""


def _signed(checkpoints: Iterable[str], ring: Keyring, witnesses: Sequence[Verifier], quorum: int) -> _Signed:
    found = _Signed()
    origin = ring.keys[0].name
    for note in checkpoints:
        try:
            signed, signers = checkpoint.signed_by(note, (*ring.keys, *witnesses), origin=origin)
        except UnknownSigner:
            continue  # A key that was rotated out; leaving a note out changes nothing either.
        except NoteError:
            found.forged = True
            continue
        keys = [one for one in signers if one in ring.keys]
        if not keys:
            found.forged = True  # A witness signs nothing that the log has not signed.
        elif all((ring.until(one) or signed.size) < signed.size for one in keys):
            found.forged = True  # Whoever signs with a key that was given up has stolen it.
        else:
            found.roots.setdefault(signed.size, set()).add(signed.root)
            if len(signers) - len(keys) >= quorum:
                found.witnessed = max(found.witnessed, signed.size)
    return found


class _Walk:
    """One pass over records, hashes and checkpoints."""

    def __init__(
        self,
        leaves: Iterator[bytes],
        hashes: Iterator[bytes] | None,
        roots: dict[int, set[bytes]],
        known: Checkpoint | None,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.leaves = leaves
        self.hashes = hashes
        self.roots = roots
        self.known = known
        self.progress = progress
        self.sizes = sorted({*roots, *([known.size] if known else [])}, reverse=True)
        """The sizes of the checkpoints that have not been reached, the next one last."""
        self.frontier = Frontier()
        self._slowly = 0
        """How many records are compared one by one before many are again."""
        self.proven = 0
        self.damaged: int | None = None
        """The first record whose stored hash is wrong while the record is right."""
        self.fork: Verdict | None = None
        """What to say once it is sure that the log signed this history besides the known one."""

    def run(self) -> Verdict:
        """Walk to the first fault or to the end."""
        while True:
            if self.sizes and self.sizes[-1] == self.frontier.size and (fault := self._compare()):
                return fault
            if self._stride():
                continue
            leaf = next(self.leaves, None)
            stored = leaf if self.hashes is None else next(self.hashes, None)
            if leaf is None and stored is None:
                return self._end()
            if leaf is None or leaf != stored:
                if fault := self._differ(leaf, stored):
                    return fault
                continue
            self.frontier.append(leaf)
            self._tell()

    def _stride(self) -> bool:
        """Go on by many records at once where all of them are as their hashes say; tell whether that could be done."""
        if self._slowly:
            self._slowly -= 1
            return False
        size = self.frontier.size
        count = min(PROGRESS_EVERY - size % PROGRESS_EVERY, self.sizes[-1] - size if self.sizes else 0)
        if count <= 1:
            return False
        leaves = list(islice(self.leaves, count))
        listed = leaves if self.hashes is None else list(islice(self.hashes, count))
        if leaves != listed or len(leaves) < count:
            self.leaves = chain(leaves, self.leaves)
            if self.hashes is not None:
                self.hashes = chain(listed, self.hashes)
            # The next record that differs is looked for one by one.
            self._slowly = count
            return False
        self.frontier.extend(leaves)
        self._tell()
        return True

    def _tell(self) -> None:
        if self.progress and self.frontier.size % PROGRESS_EVERY == 0:
            self.progress(self.frontier.size)

    def _compare(self) -> Verdict | None:
        """Compare the tree so far with the checkpoints of its size."""
        size = self.sizes.pop()
        root = self.frontier.root()
        signed = self.roots.get(size)
        kept = self.known.root if self.known and self.known.size == size else None
        if signed is not None and root not in signed:
            return Verdict(self.proven, "rewritten", self.proven, size)
        if kept not in (None, root):
            # Both were signed by the same key, so what this history was signed to be says nothing of the other.
            self.fork = Verdict(self.proven, "forked", 0, size)
        if signed is None and self.fork:
            return None  # Only a checkpoint of this log can tell whether it was forked or rewritten.
        if self.fork or (signed and len(signed) > 1):
            return self.fork or Verdict(self.proven, "forked", 0, size)
        self.proven = size
        return None

    def _end(self) -> Verdict:
        """Return the verdict once everything has been read."""
        size = self.frontier.size
        if self.fork and self.fork.until:
            return Verdict(self.proven, "rewritten", self.proven, self.fork.until)
        if self.sizes:
            return Verdict(self.proven, "cut", self.proven, self.sizes[0])
        if self.proven < size:
            return Verdict(self.proven, "added", self.proven, size)
        if self.damaged is not None:
            return Verdict(self.proven, "hash", self.damaged, self.damaged + 1)
        return Verdict(self.proven)

    def _differ(self, leaf: bytes | None, stored: bytes | None) -> Verdict | None:
        """Decide between a record and its stored hash, which differ, by the next checkpoint.

        Returns:
            The verdict; nothing when the records are right and the walk goes on.
        """
        at = self.frontier.size
        if not self.sizes:
            if leaf is not None:
                return Verdict(self.proven, "added", at, at + 1)
            self._blame(at)
            return self._end()
        size = self.sizes[-1]
        leaves = _gather(leaf, self.leaves, size - at)
        listed = _gather(stored, self.hashes or iter(()), size - at)
        if self._signed(listed, size):
            leaves += islice(self.leaves, LOOKAHEAD)
            listed += islice(self.hashes or (), LOOKAHEAD)
            return self.fork or Verdict(self.proven, _kind(leaves, listed), at, at + 1)
        if self._signed(leaves, size):
            self._blame(at)
            for one in leaves:
                self.frontier.append(one)
            return None
        return Verdict(self.proven, "rewritten", self.proven, size)

    def _blame(self, at: int) -> None:
        """Remember the first record whose stored hash is wrong."""
        self.damaged = at if self.damaged is None else self.damaged

    def _signed(self, leaves: list[bytes], size: int) -> bool:
        """Tell whether the tree so far and these leaves have a root that was signed for `size` records."""
        frontier = self.frontier.copy()
        for leaf in leaves:
            frontier.append(leaf)
        roots = self.roots.get(size) or {self.known.root if self.known else b""}
        return frontier.size == size and frontier.root() in roots


def _gather(first: bytes | None, rest: Iterator[bytes], count: int) -> list[bytes]:
    return [] if first is None else [first, *islice(rest, count - 1)]


def _kind(leaves: list[bytes], listed: list[bytes]) -> str:
    """Name what happened to the first of `listed`, which the first of `leaves` is not."""
    if not leaves:
        return "removed"
    found, wanted = leaves[0], listed[0]
    # A copy of a later record stands twice among the leaves but once in the list: it was added.
    belongs = leaves.count(found) <= listed.count(found)
    return _KINDS[belongs, wanted in leaves]


_KINDS = {
    (True, True): "moved",
    (True, False): "removed",
    (False, True): "added",
    (False, False): "altered",
}
"""By whether the record found in a place belongs to the log, and the one signed for it stands elsewhere."""
