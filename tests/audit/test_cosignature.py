"""Cosignatures: what a witness signs beside a checkpoint, and a quorum of them."""

import pytest

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint
from app.audit.note import COSIGNATURE, Signer, Verifier, WrongSignature
from app.audit.tree import leaf_hash, root
from app.audit.verdict import Verdict
from app.audit.verify import verify

LOG = Signer.generate("hub.example.jp/audit")
WITNESSES = [Signer.generate(f"w{number}.example.jp", COSIGNATURE) for number in range(3)]
KEYS = [one.verifier for one in WITNESSES]
RECORDS = [b"record %d" % number for number in range(9)]
HASHES = [leaf_hash(record) for record in RECORDS]

# The example of https://c2sp.org/tlog-cosignature: text, line and time.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def signed(size, *witnesses):
    text = checkpoint.sign(Checkpoint(LOG.name, size, root(HASHES[:size])), LOG)
    return text + "".join(one.sign(note.parse(text)[0], 1_800_000_000) for one in witnesses)


def proof(quorum, *notes, witnesses=KEYS):
    return verify(RECORDS, notes, LOG.verifier, hashes=HASHES, witnesses=witnesses, quorum=quorum)


def test_the_published_example_says_when_it_was_signed():
    _, (signature,) = note.parse(EXAMPLE)

    assert note.cosigned(signature.value) == 1679315147
    assert len(signature.value) == 72


def test_a_cosignature_is_that_of_its_text_and_time():
    text, (_, line) = note.parse(signed(9, WITNESSES[0]))
    key = KEYS[0]

    assert key.accepts(text, line.value)
    assert not key.accepts(text + "x\n", line.value)
    assert not key.accepts(text, bytes(7) + b"\x01" + line.value[8:])
    assert not Verifier(key.name, key.public_key).accepts(text, line.value)


def test_the_keys_of_witnesses_keep_their_text_form():
    assert Verifier.parse(KEYS[0].vkey) == KEYS[0]
    assert Signer.parse(WITNESSES[0].skey).verifier == KEYS[0]
    assert KEYS[0].id != Verifier(KEYS[0].name, KEYS[0].public_key).id


@pytest.mark.parametrize(
    ("quorum", "verdict"),
    [(0, Verdict(9)), (1, Verdict(9)), (2, Verdict(9, "unwitnessed", 5, 9)), (3, Verdict(9, "unwitnessed", 0, 9))],
)
def test_a_quorum_stands_behind_the_records_or_it_is_told_from_where_on_none_does(quorum, verdict):
    assert proof(quorum, signed(5, *WITNESSES[:2]), signed(9, WITNESSES[0])) == verdict


def test_a_witness_counts_once():
    assert proof(2, signed(9, WITNESSES[0], WITNESSES[0])).fault == "unwitnessed"


def test_witnesses_that_nobody_named_do_not_count():
    assert proof(1, signed(9, WITNESSES[2]), witnesses=KEYS[:2]).fault == "unwitnessed"


def test_a_wrong_cosignature_is_told():
    wrong = signed(9)[:-1] + "\n" + note.signature_lines(signed(5, WITNESSES[0])).splitlines(keepends=True)[1]

    with pytest.raises(WrongSignature):
        note.verify(wrong, KEYS)
    assert proof(0, signed(9), wrong) == Verdict(9, "checkpoint")


def test_a_note_that_a_witness_alone_signed_is_not_the_logs():
    text = note.parse(signed(9))[0]

    assert proof(0, signed(9), text + "\n" + WITNESSES[0].sign(text, 1)) == Verdict(9, "checkpoint")
