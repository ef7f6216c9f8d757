"""Signed notes against the vectors of golang.org/x/mod/sumdb/note, with which C2SP's are interchangeable."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit import note
from app.audit.note import MalformedKey, MalformedNote, Signer, UnknownSigner, Verifier, WrongSignature

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
NOTE = TEXT + "\n" + PETER_LINE

peter, enoch = Verifier.parse(VKEY), Verifier.parse(ENOCH)


def test_a_note_signed_in_go_verifies():
    assert note.verify(NOTE, [peter]) == (TEXT, [peter])
    assert note.verify(NOTE.encode(), [peter]) == (TEXT, [peter])


def test_signing_gives_the_bytes_that_go_gives():
    assert note.sign(TEXT, Signer.parse(SKEY)) == NOTE


def test_a_text_in_japanese_is_signed_as_go_signs_it():
    text = "árvore de transparência 日本語 🌲\n"

    assert note.sign(text, Signer.parse(SKEY)) == (
        text + "\n— PeterNeumann x08go++3OV7s/KeQz0gcxdTb0xCe6RGE+WqNgFmfn4c7Kh2Tj4rq"
        "MVeBKDYPti8V31GF/I1uTTEjjn8pxz1ai4qlEwM=\n"
    )


def test_a_name_outside_ascii_has_the_key_id_that_go_gives_it():
    signer = Signer("Señor-0", Ed25519PrivateKey.from_private_bytes(bytes(32)))

    assert signer.verifier.vkey == "Señor-0+2b9e7c9d+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"


def test_keys_keep_their_text_form():
    assert peter.vkey == VKEY
    assert Signer.parse(SKEY).skey == SKEY
    assert Signer.parse(SKEY).verifier == peter


def test_a_generated_key_signs_what_its_verifier_accepts():
    signer = Signer.parse(Signer.generate("hub.example.jp/audit").skey)

    signed = note.sign("記録\n", signer)

    assert note.verify(signed, [Verifier.parse(signer.verifier.vkey)]) == ("記録\n", [signer.verifier])
    with pytest.raises(WrongSignature):
        note.verify(signed.replace("記録", "記憶"), [signer.verifier])


def test_a_note_may_carry_several_signatures_and_unknown_ones_are_ignored():
    both = NOTE + ENOCH_LINE

    assert note.verify(both, [peter]) == (TEXT, [peter])
    assert note.verify(both, [enoch]) == (TEXT, [enoch])
    assert note.verify(both + PETER_LINE, [enoch, peter]) == (TEXT, [peter, enoch])


def test_a_note_nobody_known_signed_is_refused():
    with pytest.raises(UnknownSigner, match="EnochRoot"):
        note.verify(NOTE, [enoch])


def test_a_wrong_signature_of_a_known_key_refuses_the_whole_note():
    wrong = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]

    with pytest.raises(WrongSignature, match=r"PeterNeumann\+c74f20a3"):
        note.verify(TEXT + "\n" + ENOCH_LINE + wrong, [peter, enoch])


def test_the_name_belongs_to_the_key():
    renamed = NOTE.replace("PeterNeumann", "CarmenSandiego")

    with pytest.raises(UnknownSigner):
        note.verify(renamed, [peter])


@pytest.mark.parametrize(
    "bad",
    [
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        "\x01" + NOTE,
        b"\xff" + NOTE.encode(),
        NOTE.replace("PeterNeumann", "Bad Name"),
        NOTE.replace("PeterNeumann", "Bad+Name"),
        NOTE.replace("PeterNeumann", "Bad\u3000Name"),
        NOTE + "Unexpected line.\n",
        TEXT + "\n— PeterNeumann \n",
        TEXT + "\n— PeterNeumann x08gow==\n",
        TEXT + "\n— PeterNeumann x08g*\n",
        NOTE.replace("nAM=", "nAN="),
        TEXT + "\n" + PETER_LINE * 101,
    ],
    ids=[
        *("no signature", "empty signature", "cut off", "control character", "not UTF-8", "space in a name"),
        *(
            "plus in a name",
            "wide space in a name",
            "line that is none",
            "no base64",
            "id only",
            "not base64",
        ),
        *("unused bits set", "too many signatures"),
    ],
)
def test_a_malformed_note_is_refused(bad):
    with pytest.raises(MalformedNote):
        note.verify(bad, [peter])


@pytest.mark.parametrize("text", ["no newline", "", "a\x00b\n", "a\tb\n"])
def test_a_text_that_is_no_note_is_not_signed(text):
    with pytest.raises(MalformedNote):
        note.sign(text, Signer.parse(SKEY))


def test_a_note_is_signed_by_somebody():
    with pytest.raises(MalformedNote):
        note.sign(TEXT)


@pytest.mark.parametrize(("whole", "parse"), [(VKEY, Verifier.parse), (SKEY, Signer.parse)])
def test_no_part_of_a_key_is_a_key(whole, parse):
    for start in range(len(whole)):
        for end in range(start + 1, len(whole) + 1):
            if (start, end) != (0, len(whole)):
                with pytest.raises(MalformedKey):
                    parse(whole[start:end])


@pytest.mark.parametrize(("whole", "parse"), [(VKEY, Verifier.parse), (SKEY, Signer.parse)])
def test_no_changed_key_is_a_key(whole, parse):
    for at, character in enumerate(whole):
        with pytest.raises(MalformedKey):
            parse(whole[:at] + chr(ord(character) + 1) + whole[at + 1 :])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
    ids=["wrong length", "unknown type"],
)
def test_a_key_of_another_kind_is_refused(vkey):
    with pytest.raises(MalformedKey):
        Verifier.parse(vkey)


def test_a_public_key_has_32_bytes_and_a_name():
    with pytest.raises(MalformedKey, match="31"):
        Verifier("a", bytes(31))
    with pytest.raises(MalformedKey, match="name"):
        Verifier("", bytes(32))
