"""People who sign: an authority for each region of trust, certificates with roles, and the tools that sign.

Certificates are made here; signatures are those of OpenSSL and xmlsec1.
"""

import base64
import json
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from fhir.signatures.chain import Trust
from fhir.signatures.der import element

NOW = datetime.now(UTC).replace(microsecond=0)
DSIG = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def hc_role(text: str) -> bytes:
    """Return `subjectDirectoryAttributes` with one hcRole, as HPKI writes it."""
    scheme = element(0xA0, element(0x06, bytes.fromhex("2a83088691070106010 1".replace(" ", ""))))
    coded = element(0xA0, element(0x31, scheme + element(0xA2, element(0x0C, text.encode()))))
    actors = element(0x31, element(0x31, element(0x30, coded)))
    return element(0x30, element(0x30, element(0x06, bytes.fromhex("288185420001")) + actors))


@dataclass
class Holder:
    """Somebody with a key and a certificate."""

    key: Key
    certificate: x509.Certificate
    chain: list[x509.Certificate] = field(default_factory=list)
    """The authorities above, without the root."""

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.key.private_bytes(*kinds)

    @property
    def x5c(self) -> list[str]:
        der = serialization.Encoding.DER
        return [base64.b64encode(one.public_bytes(der)).decode() for one in (self.certificate, *self.chain)]


def a_key(kind: str = "ec") -> Key:
    """Return a new key: `ec`, or `rsa` with its bits behind."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    curves = {"ec": ec.SECP256R1(), "ec384": ec.SECP384R1(), "ec521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def _name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in (*names, *more)})


def an_authority(
    common: str, above: Holder | None = None, *, constraints: x509.NameConstraints | None = None
) -> Holder:
    """Return an authority: a root, or one below another."""
    key = a_key()
    issuer = above or Holder(key, None)  # type: ignore[arg-type]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(above.certificate.subject if above else _name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1000))
        .not_valid_after(NOW + timedelta(days=1000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=True)
    made = Holder(key, builder.sign(issuer.key, hashes.SHA256()))
    made.chain = [] if above is None else above.chain
    return made


def a_signer(
    authority: Holder,
    common: str = "山田 太郎",
    *,
    kind: str = "ec",
    role: str = "",
    usage: dict[str, bool] | None = None,
    since: timedelta = timedelta(days=-10),
    until: timedelta = timedelta(days=300),
    is_authority: bool = False,
) -> Holder:
    """Return somebody with a certificate to sign with, by default for non-repudiation alone, as in HPKI."""
    key = a_key(kind)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common, "市立病院"))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + since)
        .not_valid_after(NOW + until)
        .add_extension(_usage(**(usage or {"content_commitment": True})), critical=True)
    )
    if is_authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if role:
        value = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.9"), hc_role(role))
        builder = builder.add_extension(value, critical=False)
    above = [] if authority.certificate.issuer == authority.certificate.subject else [authority.certificate]
    return Holder(key, builder.sign(authority.key, hashes.SHA256()), [*above, *authority.chain])


def revoked(authority: Holder, *holders: Holder, at: datetime = NOW - timedelta(days=1)) -> bytes:
    """Return the revocation list of an authority, PEM."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(NOW - timedelta(days=2))
        .next_update(NOW + timedelta(days=30))
    )
    for one in holders:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(at)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl_jws(holder: Holder, payload: bytes, folder: Path, *, detached: bool = True, **header: Any) -> str:
    """Return a JWS whose value OpenSSL has made: ES256, or PS256 with an RSA key."""
    is_rsa = isinstance(holder.key, rsa.RSAPrivateKey)
    told = {"alg": "PS256" if is_rsa else "ES256", "x5c": holder.x5c, **header}
    protected = base64url(json.dumps({name: value for name, value in told.items() if value is not None}).encode())
    text = base64url(payload)
    (folder / "key.pem").write_bytes(holder.key_pem)
    (folder / "input").write_bytes(f"{protected}.{text}".encode())
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if is_rsa else []
    subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", "key.pem", *pss, "-out", "value", "input"], cwd=folder, check=True
    )
    value = (folder / "value").read_bytes()
    if not is_rsa:
        told_by = subprocess.run(
            ["openssl", "asn1parse", "-inform", "DER", "-in", "value"], cwd=folder, check=True, capture_output=True
        )
        numbers = [line.rpartition(b":")[2] for line in told_by.stdout.splitlines() if b"INTEGER" in line]
        value = b"".join(int(one, 16).to_bytes(32) for one in numbers)
    return f"{protected}.{'' if detached else text}.{base64url(value)}"


def xml_template(
    *,
    uri: str = "",
    method: str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256",
    transforms: tuple[str, ...] = (f"{DSIG}enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"),
    holder: Holder | None = None,
    objects: str = "",
    time: str = "2026-11-20T09:00:00+09:00",
) -> str:
    """Return a signature that xmlsec1 fills in; with a holder it is XAdES, and names their certificate."""
    steps = "".join(f'<ds:Transform Algorithm="{one}"/>' for one in transforms)
    properties = reference = ""
    if holder is not None:
        print_ = base64.b64encode(holder.certificate.fingerprint(hashes.SHA256())).decode()
        properties = (
            f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#sig">'
            '<xades:SignedProperties Id="props"><xades:SignedSignatureProperties>'
            f"<xades:SigningTime>{time}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            f"<ds:DigestValue>{print_}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
            "</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>"
        )
        reference = (
            '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#props"><ds:Transforms>'
            '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>'
        )
    return (
        f'<ds:Signature xmlns:ds="{DSIG}" Id="sig"><ds:SignedInfo>'
        '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="{uri}"><ds:Transforms>{steps}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>{reference}</ds:SignedInfo>'
        f"<ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>{objects}{properties}</ds:Signature>"
    )


def xmlsec(holder: Holder, document: str, folder: Path, *ids: str) -> bytes:
    """Return a document whose signature template xmlsec1 has filled in; `ids` name elements with an attribute ID."""
    (folder / "key.pem").write_bytes(holder.key_pem)
    (folder / "certificate.pem").write_bytes(holder.pem)
    names = ["key.pem", "certificate.pem"]
    for number, one in enumerate(holder.chain):
        (folder / f"above{number}.pem").write_bytes(one.public_bytes(serialization.Encoding.PEM))
        names.append(f"above{number}.pem")
    (folder / "template.xml").write_text(document, encoding="utf-8")
    attributes = [part for one in (f"{XADES}:SignedProperties", *ids) for part in ("--id-attr:Id", one)]
    command = ["xmlsec1", "--sign", "--privkey-pem", ",".join(names), *attributes, "--output", "signed.xml"]
    subprocess.run([*command, "template.xml"], cwd=folder, check=True, capture_output=True)
    return (folder / "signed.xml").read_bytes()


@dataclass
class Region:
    """Whom a region trusts: an authority, one below it, and people of theirs."""

    root: Holder
    below: Holder
    doctor: Holder
    """With an ECDSA key and a role, as HPKI."""
    pharmacist: Holder
    """With an RSA key."""
    stranger: Holder
    """Of an authority that nobody knows."""

    @property
    def trust(self) -> Trust:
        return Trust(anchors=(self.root.certificate,))


@cache
def region() -> Region:
    """Return one region for all tests of a process."""
    root = an_authority("HPKI root")
    below = an_authority("HPKI signing", root)
    doctor = a_signer(below, role="Medical Doctor")
    pharmacist = a_signer(below, "鈴木 花子", kind="rsa", role="Pharmacist")
    return Region(root, below, doctor, pharmacist, a_signer(an_authority("nobody"), "mallory"))


def write_trust(folder: Path, **parts: bytes) -> None:
    """Write whom a hub trusts into its folder: `documents`, `between`, `stamps`, `revoked`."""
    for purpose, data in parts.items():
        place = folder / purpose
        place.mkdir(parents=True, exist_ok=True)
        (place / "test.pem").write_bytes(data)
