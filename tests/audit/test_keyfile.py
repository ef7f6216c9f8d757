"""Key files: made once, private, rotated in place, and refused when others could read them."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.audit import keyfile
from app.audit.keyfile import ExposedKeyFile, MalformedKeyFile

NAME = "hub.example.jp/audit"


def written(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_created_ring_is_private_and_reads_back(tmp_path):
    path = tmp_path / "audit.keys"

    keys = keyfile.create_master(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert keyfile.read_master(path).identifier_key(2026) == keys.identifier_key(2026)
    assert path.read_text().startswith("renkei-audit-key 1 ")


def test_a_key_file_is_never_overwritten(tmp_path):
    path = tmp_path / "audit.keys"
    keyfile.create_master(path)
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        keyfile.create_master(path)
    with pytest.raises(FileExistsError):
        keyfile.create_signer(path, NAME)

    assert path.read_bytes() == before


def test_rotation_adds_a_key_and_keeps_the_old_ones(tmp_path):
    path = tmp_path / "audit.keys"
    old = keyfile.create_master(path)
    (tmp_path / "audit.keys.new").write_text("left behind by a crash")

    new = keyfile.rotate_master(path)

    assert (old.current, new.current) == (1, 2)
    assert new.identifier_key(2026, 1) == old.identifier_key(2026)
    assert new.identifier_key(2026) != old.identifier_key(2026)
    assert keyfile.read_master(path).ids == (2, 1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["audit.keys"]


def test_a_missing_file_is_not_made_by_reading(tmp_path):
    with pytest.raises(FileNotFoundError):
        keyfile.read_master(tmp_path / "audit.keys")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666, 0o601])
def test_a_file_others_can_open_is_refused(tmp_path, mode):
    path = tmp_path / "key"
    keyfile.create_master(path)
    path.chmod(mode)

    with pytest.raises(ExposedKeyFile, match="mode"):
        keyfile.read_master(path)


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o640])
def test_a_file_the_group_may_read_is_accepted(tmp_path, mode):
    path = tmp_path / "key"
    keyfile.create_master(path)
    path.chmod(mode)

    assert keyfile.read_master(path).current == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something else\n",
        "renkei-audit-key 1 AAAA\n",
        f"renkei-audit-key 0 {'A' * 43}=\n",
        f"renkei-audit-key 256 {'A' * 43}=\n",
        f"renkei-audit-key x {'A' * 43}=\n",
        f"other-key 1 {'A' * 43}=\n",
        f"renkei-audit-key 1 {'A' * 43}=\nrenkei-audit-key 1 {'A' * 43}=\n",
    ],
    ids=["empty", "no ring", "short", "id 0", "id 256", "id no number", "another tag", "one id twice"],
)
def test_a_file_that_is_no_ring_is_refused(tmp_path, text):
    with pytest.raises(MalformedKeyFile):
        keyfile.read_master(written(tmp_path / "key", text))


def test_a_created_signer_reads_back(tmp_path):
    path = tmp_path / "log.skey"

    signer = keyfile.create_signer(path, NAME)

    assert path.stat().st_mode & 0o777 == 0o600
    assert keyfile.read_signer(path, NAME).verifier == signer.verifier


def test_a_signer_may_be_pem(tmp_path):
    key = Ed25519PrivateKey.generate()

    signer = keyfile.read_signer(written(tmp_path / "log.pem", pem(key)), NAME)

    assert signer.name == NAME
    assert signer.verifier.public_key == key.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "text",
    [pem(generate_private_key(SECP256R1())), "-----BEGIN PRIVATE KEY-----\n", "PRIVATE+KEY+x", ""],
    ids=["another kind of key", "cut off", "no signer key", "empty"],
)
def test_a_file_that_is_no_signer_is_refused(tmp_path, text):
    with pytest.raises(MalformedKeyFile):
        keyfile.read_signer(written(tmp_path / "log.skey", text), NAME)


def test_the_signer_of_another_log_is_refused(tmp_path):
    keyfile.create_signer(tmp_path / "log.skey", "other.example.jp")

    with pytest.raises(MalformedKeyFile, match=r"other\.example\.jp"):
        keyfile.read_signer(tmp_path / "log.skey", NAME)
