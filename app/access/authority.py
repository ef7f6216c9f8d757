"""The region's certificate authority: a folder of files that nginx reads, and the private key that signs them.

It issues client certificates for the machines of the sites, and lists those that were revoked. RFC 5280. Keys are
P-384, signatures SHA-384, as the 高セキュリティ型 of the TLS暗号設定ガイドライン 3.0.1 allows.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CERTIFICATE, KEY, REVOKED, ISSUED = "client-authority.pem", "client-authority-key.pem", "client-revoked.pem", "issued"
"""The files of the folder; the first and the third are what nginx reads."""

SHORTEST_RSA_BITS = 3072
CRL_DAYS = 30
"""How long a list of revoked certificates is good; without a newer one nginx refuses everybody."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}[a-z0-9]")
_LEAF = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
_SIGNER = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Refused(ValueError):
    """The authority does not do this; the text says why."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A client certificate."""

    name: str
    serial: int
    ends: datetime
    revoked: bool
    thumbprint: str
    """Its SHA-256 in hexadecimal digits."""


def make_authority(folder: Path, title: str, *, days: int, now: datetime) -> None:
    """Make an authority: its certificate, its private key, and an empty list of revoked certificates.

    Args:
        folder: Where; made when it is not there.
        title: The authority's name as people read it.
        days: How long its certificate is good.
        now: The present.

    Raises:
        Refused: there is one already.
    """
    if (folder / KEY).exists():
        raise Refused(f"There is an authority in {folder} already")
    (folder / ISSUED).mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP384R1())
    name = _subject(title)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), days, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNER, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA384())
    )
    _write_key(folder / KEY, key)
    _write(folder / CERTIFICATE, certificate)
    list_revoked(folder, now=now)


def issue(folder: Path, name: str, *, days: int, now: datetime, request: bytes | None = None) -> Issued:
    """Issue a client certificate and write it to `issued/NAME.pem`.

    Args:
        folder: The authority's.
        name: The machine's name: the certificate's subject.
        days: How long it is good; not longer than the authority is.
        now: The present.
        request: The machine's PKCS #10 request (PEM), so that its private key stays with it. None: a key is made and
            written to `issued/NAME-key.pem`.

    Raises:
        Refused: the name is not of its form or is taken, or the request is not a good one.
    """
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name of a machine: small letters, digits, dots and hyphens")
    place = folder / ISSUED / f"{name}.pem"
    if place.exists():
        raise Refused(f"{name} has a certificate already; revoke it first")
    authority, signer = _read(folder)
    key = None if request is not None else ec.generate_private_key(ec.SECP384R1())
    public = key.public_key() if key is not None else _asked(request or b"")
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(_subject(name), authority.subject, public, days, now, authority.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_LEAF, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(signer, hashes.SHA384())
    )
    if key is not None:
        _write_key(folder / ISSUED / f"{name}-key.pem", key)
    _write(place, certificate)
    return _issued(name, certificate, revoked=False)


def revoke(folder: Path, name: str, *, now: datetime) -> Issued:
    """Revoke a machine's certificate and write the list anew; the name may then get another one.

    Raises:
        Refused: the machine has none.
    """
    place = folder / ISSUED / f"{name}.pem"
    if not _NAME.fullmatch(name) or not place.exists():
        raise Refused(f"{name!r} has no certificate of this authority")
    certificate = x509.load_pem_x509_certificate(place.read_bytes())
    known = _revoked(folder)
    known[certificate.serial_number] = now.timestamp()
    (folder / "revoked.json").write_text(json.dumps({str(serial): at for serial, at in known.items()}))
    place.rename(place.with_name(f"{name}-{certificate.serial_number:x}.revoked"))
    (folder / ISSUED / f"{name}-key.pem").unlink(missing_ok=True)
    list_revoked(folder, now=now)
    return _issued(name, certificate, revoked=True)


def list_revoked(folder: Path, *, now: datetime) -> datetime:
    """Write the list of revoked certificates anew and return when the next one is due."""
    authority, signer = _read(folder)
    due = now + timedelta(days=CRL_DAYS)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - timedelta(minutes=5))
        .next_update(due)
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
    )
    for serial, at in _revoked(folder).items():
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(datetime.fromtimestamp(at, UTC))
        builder = builder.add_revoked_certificate(one.build())
    _write(folder / REVOKED, builder.sign(signer, hashes.SHA384()))
    return due


def issued(folder: Path) -> Sequence[Issued]:
    """Return the certificates that were issued and are not revoked, by name."""
    _read(folder)
    places = [path for path in sorted((folder / ISSUED).glob("*.pem")) if not path.name.endswith("-key.pem")]
    return [_issued(path.stem, x509.load_pem_x509_certificate(path.read_bytes()), revoked=False) for path in places]


def _subject(title: str) -> x509.Name:
    if not 0 < len(title) <= 64:
        raise Refused("A name has 1 to 64 characters")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    days: int,
    now: datetime,
    latest: datetime | None = None,
) -> x509.CertificateBuilder:
    ends = now + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Clocks of sites are not all exact.
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(min(ends, latest) if latest else ends)
    )


def _asked(request: bytes) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    try:
        asked = x509.load_pem_x509_csr(request)
    except ValueError as error:
        raise Refused("This is no certificate request (PKCS #10, PEM)") from error
    key = asked.public_key()
    strong = (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 256) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= SHORTEST_RSA_BITS
    )
    if not asked.is_signature_valid or not strong:
        raise Refused(f"The request is not signed by its key, or this is no EC or RSA key of {SHORTEST_RSA_BITS} bits")
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)  # noqa: S101 - `strong` has tested it
    return key


def _read(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if not (folder / KEY).exists():
        raise Refused(f"There is no authority in {folder}")
    key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused(f"The key in {folder} is not one of this command's")
    return x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes()), key


def _revoked(folder: Path) -> dict[int, float]:
    place = folder / "revoked.json"
    known = json.loads(place.read_text()) if place.exists() else {}
    return {int(serial): float(at) for serial, at in known.items()}


def _issued(name: str, certificate: x509.Certificate, *, revoked: bool) -> Issued:
    thumbprint = certificate.fingerprint(hashes.SHA256()).hex()
    return Issued(name, certificate.serial_number, certificate.not_valid_after_utc, revoked, thumbprint)


def _write(place: Path, what: x509.Certificate | x509.CertificateRevocationList) -> None:
    new = place.with_suffix(".new")
    new.write_bytes(what.public_bytes(serialization.Encoding.PEM))
    new.chmod(0o644)
    new.replace(place)


def _write_key(place: Path, key: ec.EllipticCurvePrivateKey) -> None:
    place.touch(mode=0o600)
    form = serialization.PrivateFormat.PKCS8
    place.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
