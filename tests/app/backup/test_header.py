import pytest

from app.audit import note
from app.audit.note import Signer
from app.backup.failures import Damaged
from app.backup.header import Header, sign, verify

SIGNER = Signer.generate("hub.example/audit")
TAKEN = "2026-11-22T12:00:00.123Z"
SIGNED = sign(TAKEN, 12, 3, "a" * 64, SIGNER)


def test_a_header_says_in_plain_words_what_the_backup_is() -> None:
    lines = SIGNED.decode().splitlines()

    assert lines[:6] == [
        "renkei-backup 1",
        f"taken {TAKEN}",
        "segments 12",
        "blobs 3",
        f"sums {'a' * 64}",
        f"key {SIGNER.verifier.vkey}",
    ]
    assert verify(SIGNED, SIGNER.verifier.vkey) == Header(TAKEN, 12, 3, "a" * 64, SIGNER.verifier.vkey)


@pytest.mark.parametrize("at", range(0, len(SIGNED), 7))
def test_a_header_with_one_altered_octet_is_refused(at: int) -> None:
    altered = bytearray(SIGNED)
    altered[at] ^= 1

    with pytest.raises(Damaged, match="HEADER"):
        verify(bytes(altered))


def test_another_hub_s_header_is_refused_by_who_knows_the_key() -> None:
    other = Signer.generate("hub.example/audit")

    assert verify(SIGNED).segments == 12
    with pytest.raises(Damaged, match="The backup is signed by"):
        verify(SIGNED, other.verifier.vkey)


def test_a_signed_text_that_is_no_header_is_refused() -> None:
    signed = note.sign("something else\n", SIGNER).encode()

    with pytest.raises(Damaged, match="HEADER is not the header"):
        verify(signed)
