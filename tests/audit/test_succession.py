"""Keys that follow each other: who trusts one trusts the next, and nobody else."""

import pytest

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint
from app.audit.note import NoteError, Signer
from app.audit.succession import Keyring, follow, last, succeed
from app.audit.tree import leaf_hash, root
from app.audit.verdict import Verdict
from app.audit.verify import verify

NAME = "hub.example.jp/audit"
A, B, C, THIEF = (Signer.generate(NAME) for _ in range(4))
NOTES = [succeed(NAME, 10, A, B), succeed(NAME, 20, B, C)]
RECORDS = [b"record %d" % number for number in range(30)]
HASHES = [leaf_hash(record) for record in RECORDS]


def signed(size, *signers, hashes=HASHES):
    return checkpoint.sign(Checkpoint(NAME, size, root(hashes[:size])), *signers)


def proof(trusted, notes, *checkpoints):
    return verify(RECORDS, checkpoints, trusted.verifier, hashes=HASHES, successions=notes)


@pytest.mark.parametrize(
    ("trusted", "keys", "ends"),
    [(A, (A, B, C), (10, 20)), (B, (B, C), (20,)), (C, (C,), ()), (THIEF, (THIEF,), ())],
    ids=["the first", "one between", "the newest", "a stranger"],
)
def test_a_trusted_key_is_followed_to_the_newest(trusted, keys, ends):
    assert follow(trusted.verifier, NOTES) == Keyring(tuple(one.verifier for one in keys), ends)


def test_the_last_note_names_the_key_that_signs():
    assert last(NOTES) == C.verifier.vkey
    assert last([]) == ""


@pytest.mark.parametrize("trusted", [A, B, C], ids=["the first", "one between", "the newest"])
def test_a_log_of_several_keys_is_proven_from_any_of_them(trusted):
    assert proof(trusted, NOTES, signed(10, A), signed(20, B), signed(30, C)) == Verdict(30)


def test_a_key_that_was_given_up_signs_no_more():
    assert proof(A, NOTES, signed(10, A), signed(30, C), signed(25, A)) == Verdict(30, "checkpoint")
    assert proof(A, NOTES, signed(10, A), signed(30, C), signed(5, A)) == Verdict(30)


def test_a_key_that_nobody_named_signs_nothing():
    assert proof(A, [succeed(NAME, 10, None, THIEF)], signed(10, A), signed(30, THIEF)) == Verdict(10, "added", 10, 30)
    assert proof(A, NOTES, signed(30, THIEF)) == Verdict(0, "unsigned", 0)


def test_a_succession_that_was_left_out_leaves_records_unproven():
    assert proof(A, [], signed(10, A), signed(30, C)) == Verdict(10, "added", 10, 30)


@pytest.mark.parametrize(
    "wrong",
    [
        NOTES[0].replace("\n10\n", "\n15\n"),
        note.sign(f"renkei audit key\n{NAME}\n10\n{B.verifier.vkey}\n", A),
        note.sign(f"renkei audit key\nother.example\n10\n{B.verifier.vkey}\n", A, B),
        note.sign(f"renkei audit key\n{NAME}\nten\n{B.verifier.vkey}\n", A, B),
        succeed(NAME, 10, A, Signer.generate("other.example")),
        succeed(NAME, 10, A, Signer.generate(NAME, note.COSIGNATURE)),
        "garbage",
    ],
    ids=["altered", "not taken", "another log's", "no size", "another name", "a witness's key", "no note"],
)
def test_a_succession_that_does_not_hold_is_told(wrong):
    with pytest.raises(NoteError):
        follow(A.verifier, [wrong])
    assert proof(A, [wrong], signed(30, A)) == Verdict(0, "succession", 0)


def test_a_key_answers_for_no_fewer_records_than_the_one_before_it():
    with pytest.raises(NoteError, match="fewer"):
        follow(A.verifier, [NOTES[0], succeed(NAME, 9, B, C)])
