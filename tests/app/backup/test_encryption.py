import shutil
import subprocess
from pathlib import Path

import pytest

from app.backup.encryption import decrypt, encrypt, identities, new_identity, recipients
from app.backup.failures import Damaged, UnknownRecipient, WrongIdentity
from tests.backups import KeyPair, a_key_pair


def test_a_new_identity_opens_what_is_encrypted_to_its_public_key(tmp_path: Path) -> None:
    recipient = new_identity(tmp_path / "key")

    encrypted = encrypt(b"octets", recipients([recipient]))

    assert decrypt(encrypted, identities(tmp_path / "key"), "file") == b"octets"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_private_key_is_never_overwritten(tmp_path: Path) -> None:
    new_identity(tmp_path / "key")

    with pytest.raises(FileExistsError):
        new_identity(tmp_path / "key")


def test_each_of_several_recipients_can_read() -> None:
    both = [a_key_pair(), a_key_pair()]

    encrypted = encrypt(b"octets", recipients([one.recipient for one in both]))

    assert [decrypt(encrypted, [one.identity], "file") for one in both] == [b"octets", b"octets"]


@pytest.mark.parametrize("texts", [[], ["age1x"], ["AGE-SECRET-KEY-1"]], ids=["none", "cut off", "a private key"])
def test_what_is_no_public_key_is_refused(texts: list[str]) -> None:
    with pytest.raises(UnknownRecipient):
        recipients(texts)


@pytest.mark.parametrize(
    "octets", [b"", b"# a comment\n", b"age1x\n", b"\xff\xfe"], ids=["empty", "a comment", "another key", "not text"]
)
def test_what_holds_no_private_key_is_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "key").write_bytes(octets)

    with pytest.raises(WrongIdentity):
        identities(tmp_path / "key")


def test_another_identity_does_not_read(keys: KeyPair) -> None:
    encrypted = encrypt(b"octets", recipients([keys.recipient]))

    with pytest.raises(WrongIdentity, match=r"000001.age was not encrypted to this identity"):
        decrypt(encrypted, [a_key_pair().identity], "000001.age")


def test_altered_octets_do_not_decrypt(keys: KeyPair) -> None:
    encrypted = bytearray(encrypt(b"octets", recipients([keys.recipient])))
    encrypted[-1] ^= 1

    with pytest.raises(Damaged, match=r"000001.age does not decrypt"):
        decrypt(bytes(encrypted), [keys.identity], "000001.age")


@pytest.mark.skipif(shutil.which("age") is None, reason="the program age is not installed")
def test_the_program_age_reads_it(tmp_path: Path) -> None:
    recipient = new_identity(tmp_path / "key")
    (tmp_path / "file.age").write_bytes(encrypt(b"octets", recipients([recipient])))

    done = subprocess.run(["age", "-d", "-i", tmp_path / "key", tmp_path / "file.age"], capture_output=True, check=True)

    assert done.stdout == b"octets"
