"""Checkpoints: those of the Go checksum database verify, and nothing that is not one does."""

import pytest

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint, MalformedCheckpoint, WrongOrigin
from app.audit.note import Signer, UnknownSigner, Verifier, WrongSignature

# Published tree heads of sum.golang.org and the key that Go clients carry.
GO = Verifier.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
EARLY = (
    "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n"
    "— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9"
    "LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n"
)
WITNESSED = (
    "go.sum database tree\n15067302\ngJyioq6dwR9n+NjEWORfYmH+ubeYm3kH42BBQ0bTpYI=\n\n"
    "— sum.golang.org Az3grp1rvWOs5NKlr/xR4GLN/CDyzzakmt1o61uSxYK"
    "pK1SerqOP2ClbX/peKUZjYnyomH5Xz7GZG3TpB7OeKn4E2ww=\n"
    "— test.example.com qTGhC/xIPQ0AXKHK6Y+9ypRfuvMZWPjRXM8NiOg5M"
    "1WREn07VQXyuIXM3NRNav3ieVFLUqDRK77PWDmL6w8w84UqeAw=\n"
)

SIGNER = Signer.generate("hub.example.jp/audit")
HEAD = Checkpoint("hub.example.jp/audit", 3, bytes(range(32)))


@pytest.mark.parametrize(
    ("signed", "size", "root"),
    [
        (EARLY, 6476701, "99bf102d022cd19d323f90acb6aea0ba3f3ba1759e0bd80433ca158a49a6f569"),
        (WITNESSED, 15067302, "809ca2a2ae9dc11f67f8d8c458e45f6261feb9b7989b7907e360414346d3a582"),
    ],
    ids=["early", "with a witness's signature"],
)
def test_a_published_checkpoint_verifies(signed, size, root):
    found = checkpoint.verify(signed, GO, origin="go.sum database tree")

    assert found == Checkpoint("go.sum database tree", size, bytes.fromhex(root))


def test_a_published_checkpoint_that_was_changed_does_not_verify():
    with pytest.raises(WrongSignature):
        checkpoint.verify(EARLY.replace("6476701", "6476702"), GO, origin="go.sum database tree")


def test_a_checkpoint_is_three_lines_and_a_signature():
    signed = checkpoint.sign(HEAD, SIGNER)

    text, _, line = signed.partition("\n\n")
    assert text == "hub.example.jp/audit\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert line.startswith("— hub.example.jp/audit ")
    assert checkpoint.verify(signed, SIGNER.verifier) == HEAD


def test_a_witness_may_sign_after_the_log():
    witness = Signer.generate("witness.example.jp")

    signed = checkpoint.sign(HEAD, SIGNER, witness)

    assert checkpoint.verify(signed, SIGNER.verifier) == HEAD
    assert note.verify(signed, [witness.verifier])[1] == [witness.verifier]


def test_a_checkpoint_of_another_key_is_refused():
    with pytest.raises(UnknownSigner):
        checkpoint.verify(checkpoint.sign(HEAD, Signer.generate(HEAD.origin)), SIGNER.verifier)


def test_a_checkpoint_of_another_log_is_refused():
    with pytest.raises(WrongOrigin, match=r"not of sum\.golang\.org"):
        checkpoint.verify(EARLY, GO)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        f"\n1\n{'A' * 43}=\n",
        f"a\n1\n{'A' * 43}=",
        f"a\n1\n{'A' * 43}=\nextension\n",
        f"a\n01\n{'A' * 43}=\n",
        f"a\n-1\n{'A' * 43}=\n",
        f"a\n１\n{'A' * 43}=\n",
        f"a\n\n{'A' * 43}=\n",
        f"a\n{'1' * 21}\n{'A' * 43}=\n",
        f"a\n1\n{'A' * 43}\n",
        f"a\n1\n{'A' * 42}B=\n",
        "a\n1\nAAAA\n",
        "a\n1\n!\n",
    ],
    ids=[
        *("empty", "no root", "no origin", "no last newline", "extension", "leading zero", "negative"),
        *(
            "wide digit",
            "no size",
            "size beyond 64 bits",
            "no padding",
            "unused bits set",
            "short root",
            "no base64",
        ),
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(MalformedCheckpoint):
        checkpoint.parse_text(text)


def test_the_empty_log_has_size_zero():
    assert checkpoint.parse_text(f"a\n0\n{'A' * 43}=\n") == Checkpoint("a", 0, bytes(32))
