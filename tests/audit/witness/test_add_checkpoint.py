"""A witness signs one history of a log, in the words of the standard, and refuses every other."""

import pytest

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint
from app.audit.note import COSIGNATURE, Signer
from app.audit.tree import consistency_proof, leaf_hash, reader, root
from app.audit.witness.add_checkpoint import Submission, add_checkpoint
from app.audit.witness.state import State

LOG = Signer.generate("hub.example.jp/audit")
WITNESS = Signer.generate("hospital-a.example.jp/witness", COSIGNATURE)
LEAVES = [leaf_hash(b"%d" % number) for number in range(40)]
FORKED = LEAVES[:5] + [leaf_hash(b"other %d" % number) for number in range(5, 40)]


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state.sqlite3")


def signed(size, leaves=LEAVES, signer=LOG, name=LOG.name):
    return checkpoint.sign(Checkpoint(name, size, root(leaves[:size])), signer)


def sent(old, new, leaves=LEAVES, **fields):
    proof = consistency_proof(old, new, reader(leaves)) if old <= new else []
    return Submission(old, tuple(proof), signed(new, leaves, **fields)).to_bytes()


def ask(state, body, seconds=1_800_000_000):
    return add_checkpoint(body, state, WITNESS, {LOG.name: [LOG.verifier]}, seconds)


def test_a_log_that_grows_is_signed_each_time(state):
    for old, new in ((0, 3), (3, 3), (3, 8), (8, 40)):
        answer = ask(state, sent(old, new))

        assert answer.status == 200
        text, signers = note.verify(signed(new) + answer.body, [WITNESS.verifier])
        assert (text, signers) == (note.parse(signed(new))[0], [WITNESS.verifier])


def test_a_size_that_was_not_signed_last_is_answered_by_the_one_that_was(state):
    ask(state, sent(0, 8))

    answer = ask(state, sent(3, 20))

    assert (answer.status, answer.body, answer.type) == (409, "8\n", "text/x.tlog.size")


def test_another_history_is_refused_and_kept_as_proof(state):
    ask(state, sent(0, 8))

    answers = [ask(state, sent(8, 20, FORKED)), ask(state, sent(8, 8, FORKED)), ask(state, sent(0, 6))]

    assert [one.status for one in answers] == [422, 409, 409]
    last, refused = state.notes(LOG.name)
    assert last == signed(8)
    assert refused == [signed(20, FORKED), signed(8, FORKED), signed(6)]
    assert ask(state, sent(8, 20)).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (sent(0, 8, signer=Signer.generate(LOG.name)), 403),
        (sent(0, 8, signer=Signer.generate("other.example"), name="other.example"), 404),
        (sent(9, 8), 400),
        (b"", 400),
        (b"\xff", 400),
        (b"old 0\n\ngarbage", 400),
        (sent(0, 8).replace(b"old 0", b"old 00"), 400),
        (sent(0, 8).replace(b"old 0", b"old -1"), 400),
        (sent(0, 8).replace(b"old 0", b"new 0"), 400),
        (sent(0, 8).replace(b"old 0\n", b"old 0\n!!!\n"), 400),
        (sent(0, 8).replace(b"old 0\n", b"old 0\nAAAA\n"), 400),
        (sent(0, 8).replace(b"old 0\n", b"old 0\n" + b"AAAA\n" * 64), 400),
        (sent(0, 8) + b" " * 70_000, 400),
        (Submission(0, (bytes(32),), signed(8)).to_bytes(), 422),
    ],
    ids=[
        *("another key", "another log", "shrinks", "empty", "no text", "no checkpoint", "zeros", "minus", "no old"),
        *("no base64", "no hash", "many lines", "long", "a proof from nothing"),
    ],
)
def test_what_is_not_a_known_logs_is_refused(state, body, status):
    assert ask(state, body).status == status
    assert state.notes(LOG.name)[0] == ""


def test_a_witness_remembers_across_restarts(tmp_path):
    ask(State(tmp_path / "file"), sent(0, 8))

    assert ask(State(tmp_path / "file"), sent(0, 3)).status == 409
