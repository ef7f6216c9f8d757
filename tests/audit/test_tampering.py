"""Whoever holds the database, the files or the key changes the log: each way is detected, and nothing else is.

An attacker may change records, hashes and checkpoints as wanted, sign with the log's own key, or with another. The
auditor has the public key, and one checkpoint that a witness has kept. The bar: of a thousand tamperings none is
missed, no record before the first bad one is accused, and no whole log is.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint
from app.audit.note import COSIGNATURE, Signer
from app.audit.succession import succeed
from app.audit.tree import leaf_hash, root
from app.audit.verify import verify

NAME = "hub.example.jp/audit"
FIRST, SECOND, THIEF = (Signer.generate(NAME) for _ in range(3))
WITNESS = Signer.generate("hospital-a.example.jp/witness", COSIGNATURE)


def signed(hashes: list[bytes], *signers: Signer) -> str:
    return checkpoint.sign(Checkpoint(NAME, len(hashes), root(hashes)), *signers)


@dataclass
class Log:
    """What an export holds, and what the auditor has from elsewhere."""

    records: list[bytes]
    changed_key: int
    """The records that the first key has signed."""
    known: int
    """The records of the checkpoint that a witness has kept."""
    hashes: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    successions: list[str] = field(default_factory=list)

    def sign(self, sizes: list[int]) -> None:
        """Make hashes, and checkpoints at `sizes`."""
        self.hashes = [leaf_hash(record) for record in self.records]
        signers = {size: FIRST if size <= self.changed_key else SECOND for size in sizes}
        self.notes = [signed(self.hashes[:size], signers[size]) for size in sizes]
        self.successions = [succeed(NAME, self.changed_key, FIRST, SECOND)]


def a_log(chance: random.Random) -> tuple[Log, list[int]]:
    size = chance.randint(2, 600)
    known = chance.randint(1, size)
    log = Log([b"record %d" % number for number in range(size)], chance.randint(1, size), known)
    sizes = sorted({*(chance.randint(1, size) for _ in range(chance.randint(0, 6))), log.changed_key, known, size})
    log.sign(sizes)
    return log, sizes


def alter(log: Log, chance: random.Random, at: int) -> None:
    octets = bytearray(log.records[at])
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    log.records[at] = bytes(octets)


def delete(log: Log, _: random.Random, at: int) -> None:
    del log.records[at]


def insert(log: Log, _: random.Random, at: int) -> None:
    log.records.insert(at, b"foreign")


def reorder(log: Log, chance: random.Random, at: int) -> None:
    other = (at + chance.randrange(1, len(log.records))) % len(log.records)
    log.records[at], log.records[other] = log.records[other], log.records[at]


def truncate(log: Log, chance: random.Random, at: int) -> None:
    """Cut the end off, and take hashes and checkpoints along or not."""
    if chance.random() < 0.5:
        del log.records[at:]
    else:
        roll_back(log, chance, at)


def roll_back(log: Log, _: random.Random, at: int) -> None:
    """Leave the log as it was before what the witness has kept; its checkpoints too."""
    size = min(at, log.known - 1)
    log.records, log.hashes = log.records[:size], log.hashes[:size]
    log.notes = [one for one in log.notes if checkpoint.parse_text(note.parse(one)[0]).size <= size]


def fork(log: Log, _: random.Random, at: int) -> None:
    """Write a second history, all of it signed by the log's own key: the witness has kept the first."""
    at = min(at, log.known - 1)
    log.records = log.records[:at] + [b"other %d" % number for number in range(at, len(log.records))]
    log.sign([checkpoint.parse_text(note.parse(one)[0]).size for one in log.notes])


def swap_keys(log: Log, chance: random.Random, at: int) -> None:
    """Sign a history that was changed with a key of the attacker's own, which the exchanged one may seem to name."""
    log.records[at] = b"other"
    log.hashes = [leaf_hash(record) for record in log.records]
    log.notes = [signed(log.hashes, THIEF)]
    text = f"renkei audit key\n{NAME}\n{log.changed_key}\n{THIEF.verifier.vkey}\n"
    pretended = note.sign(text, SECOND, THIEF).replace(SECOND.verifier.vkey, FIRST.verifier.vkey)
    log.successions = chance.choice([[], log.successions, [note.sign(text, THIEF)], [pretended]])


def rewrite(log: Log, chance: random.Random, at: int) -> None:
    """Change a record and its stored hash."""
    chance.choice([alter, delete, insert, reorder])(log, chance, at)
    log.hashes = [leaf_hash(record) for record in log.records]


def forge_checkpoint(log: Log, chance: random.Random, _: int) -> None:
    """Change one character of a checkpoint's text or of its signature."""
    which = chance.randrange(len(log.notes))
    lines = log.notes[which].split("\n")
    line = chance.choice([1, 2])
    lines[line] = str(int(lines[1]) + 1) if line == 1 else root([b"x" * 32]).hex()
    log.notes[which] = "\n".join(lines)


def damage_hash(log: Log, chance: random.Random, at: int) -> None:
    log.hashes[at] = leaf_hash(b"other %d" % chance.randrange(10))


WAYS = (alter, delete, insert, reorder, truncate, roll_back, fork, swap_keys, rewrite, forge_checkpoint, damage_hash)


def proof(log: Log, known: Checkpoint) -> Any:
    return verify(
        iter(log.records),
        log.notes,
        FIRST.verifier,
        hashes=iter(log.hashes),
        known=known,
        successions=log.successions,
    )


def first_difference(before: list[bytes], after: list[bytes]) -> int:
    pairs = enumerate(zip(before, after, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(before), len(after)))


def _tamper(seed: int) -> None:
    chance = random.Random(seed)
    log, _ = a_log(chance)
    whole = list(log.records)
    known = Checkpoint(NAME, log.known, root(log.hashes[: log.known]))
    assert proof(log, known).ok, f"seed {seed}: a whole log is accused"
    way = WAYS[seed % len(WAYS)]

    way(log, chance, chance.randrange(len(log.records)))
    verdict = proof(log, known)

    assert not verdict.ok, f"seed {seed}: {way.__name__} is missed"
    first = first_difference(whole, log.records)
    if way in (damage_hash, forge_checkpoint):
        # No record is accused; without its checkpoint what follows the one before is not proven.
        assert verdict.fault in ("hash", "checkpoint", "added"), (seed, verdict)
        return
    assert verdict.index is not None, (seed, verdict)
    assert verdict.index <= first, f"seed {seed}: {way.__name__}: {verdict}, the first is {first}"
    assert verdict.proven <= first or verdict.fault == "forked", (seed, way.__name__, verdict)
    if way in (alter, delete, insert, reorder):
        assert (verdict.index, verdict.until) == (first, first + 1), (seed, way.__name__, verdict)


@pytest.mark.parametrize("way", range(len(WAYS)), ids=[way.__name__ for way in WAYS])
def test_each_way_is_detected_and_the_first_bad_record_named(way: int) -> None:
    for round_ in range(15):
        _tamper(round_ * len(WAYS) + way)


@pytest.mark.parametrize("count", [1_000, pytest.param(20_000, marks=pytest.mark.soak)])
def test_of_a_thousand_tamperings_none_is_missed(count: int) -> None:
    for seed in range(10_000, 10_000 + count):
        _tamper(seed)


def test_the_attacker_of_these_tests_does_change_the_log() -> None:
    """A way that changes nothing would pass for one that is detected."""
    for seed in range(len(WAYS) * 3):
        chance = random.Random(seed)
        log, _ = a_log(chance)
        before = (list(log.records), list(log.hashes), list(log.notes))
        WAYS[seed % len(WAYS)](log, chance, chance.randrange(len(log.records)))
        assert before != (log.records, log.hashes, log.notes)
