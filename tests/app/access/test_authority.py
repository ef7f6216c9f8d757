"""The region's certificate authority: what it issues, to whom it refuses, and what it revokes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.access.authority import (
    CERTIFICATE,
    ISSUED,
    KEY,
    REVOKED,
    Refused,
    issue,
    issued,
    list_revoked,
    make_authority,
    revoke,
)
from app.cli import main

NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def region(tmp_path: Path) -> Path:
    make_authority(tmp_path / "region", "北圏域", days=3650, now=NOW)
    return tmp_path / "region"


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "what the machine says")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def _crl(region: Path) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((region / REVOKED).read_bytes())


def test_keys_are_for_their_owner_only(region: Path) -> None:
    issue(region, "ehr", days=10, now=NOW)

    modes = [oct(path.stat().st_mode & 0o777) for path in (region / KEY, region / ISSUED / "ehr-key.pem")]
    assert modes == ["0o600", "0o600"]


def test_a_client_certificate_is_for_clients_alone_and_of_this_authority(region: Path) -> None:
    made = issue(region, "ehr.hospital-a", days=398, now=NOW)

    held = x509.load_pem_x509_certificate((region / ISSUED / "ehr.hospital-a.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((region / CERTIFICATE).read_bytes())
    held.verify_directly_issued_by(authority)
    assert held.subject.rfc4514_string() == "CN=ehr.hospital-a"
    assert held.not_valid_after_utc == made.ends == NOW + timedelta(days=398)
    assert not held.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(held.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert held.fingerprint(hashes.SHA256()).hex() == made.thumbprint


def test_no_certificate_outlives_its_authority(region: Path) -> None:
    assert issue(region, "ehr", days=9999, now=NOW).ends == NOW + timedelta(days=3650)


def test_a_machine_may_keep_its_key_to_itself_and_says_nothing_of_its_name(region: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    issue(region, "pacs", days=10, now=NOW, request=_request(key))

    held = x509.load_pem_x509_certificate((region / ISSUED / "pacs.pem").read_bytes())
    assert held.public_key() == key.public_key()
    assert held.subject.rfc4514_string() == "CN=pacs"
    assert not (region / ISSUED / "pacs-key.pem").exists()


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("../escape", None),
        ("UPPER", None),
        ("", None),
        ("pacs", b"nonsense"),
        ("pacs", _request(rsa.generate_private_key(65537, 2048))),
    ],
    ids=["a path", "capitals", "nothing", "no request", "a short key"],
)
def test_it_refuses(region: Path, name: str, request_: bytes | None) -> None:
    with pytest.raises(Refused):
        issue(region, name, days=10, now=NOW, request=request_)

    assert issued(region) == []


def test_a_name_has_one_certificate_at_a_time(region: Path) -> None:
    first = issue(region, "ehr", days=10, now=NOW)
    with pytest.raises(Refused):
        issue(region, "ehr", days=10, now=NOW)
    revoke(region, "ehr", now=NOW)
    second = issue(region, "ehr", days=10, now=NOW)

    assert [one.serial for one in issued(region)] == [second.serial]
    assert [one.serial_number for one in _crl(region)] == [first.serial]


def test_the_list_of_revoked_certificates_is_signed_and_outdated_after_a_month(region: Path) -> None:
    issue(region, "ehr", days=10, now=NOW)
    revoke(region, "ehr", now=NOW)
    numbers = [_crl(region).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number]
    due = list_revoked(region, now=NOW + timedelta(days=20))
    numbers.append(_crl(region).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)

    key = x509.load_pem_x509_certificate((region / CERTIFICATE).read_bytes()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert _crl(region).is_signature_valid(key)
    assert due == _crl(region).next_update_utc == NOW + timedelta(days=50)
    assert numbers == sorted(set(numbers))
    assert len(list(_crl(region))) == 1


def test_there_is_one_authority_a_folder(region: Path) -> None:
    before = (region / KEY).read_bytes()

    with pytest.raises(Refused):
        make_authority(region, "another", days=1, now=NOW)

    assert (region / KEY).read_bytes() == before


def test_the_commands(tmp_path: Path) -> None:
    folder = str(tmp_path / "region")
    said = [
        CliRunner().invoke(main, ["certificate", *arguments])
        for arguments in (
            ["authority", folder],
            ["issue", folder, "ehr"],
            ["list", folder],
            ["revoke", folder, "ehr"],
            ["revoke", folder, "ehr"],
            ["revoked", folder],
        )
    ]

    assert [one.exit_code for one in said] == [0, 0, 0, 0, 1, 0]
    assert said[2].output.startswith("ehr\t")
    assert "has no certificate" in said[4].output
    assert len(list(_crl(tmp_path / "region"))) == 1
