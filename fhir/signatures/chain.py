"""Whose certificate it is: the way to an anchor, what it may be used for, and whether it was revoked.

The way is found by `cryptography.x509.verification`; what that leaves open is asked here. Nothing is fetched.
https://www.rfc-editor.org/rfc/rfc5280#section-6
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtensionOID, NameOID

from fhir.signatures.verdict import Invalid, Untrusted

MOST_STEPS = 6

_UNDERSTOOD = frozenset(
    (
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
    )
)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the hub trusts, as certificates."""

    anchors: tuple[x509.Certificate, ...] = ()
    """Authorities whose certificates sign documents."""
    between: tuple[x509.Certificate, ...] = ()
    """Authorities between those and signers, where a document does not bring them."""
    stamps: tuple[x509.Certificate, ...] = ()
    """Authorities of time."""
    revoked: tuple[x509.CertificateRevocationList, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchored:
    """The end of a way."""

    anchor: str
    revocation: str
    """`good`, `unknown`, or `stale`."""


def common_name(certificate: x509.Certificate) -> str:
    """Return the common name of a certificate's holder, or its whole name when it has none."""
    return named(certificate, NameOID.COMMON_NAME) or certificate.subject.rfc4514_string()


def named(certificate: x509.Certificate, part: x509.ObjectIdentifier) -> str:
    """Return a part of the name of a certificate's holder; empty when there is none."""
    return next((str(one.value) for one in certificate.subject.get_attributes_for_oid(part)), "")


def anchored(leaf: x509.Certificate, others: Iterable[x509.Certificate], trust: Trust, at: datetime) -> Anchored:
    """Return the anchor that a signer's certificate leads to.

    Args:
        leaf: The signer's certificate.
        others: What came with it.
        trust: Whom the hub trusts.
        at: When the signature was there: certificates must have been good then.

    Raises:
        Untrusted: it leads to none, was not good then, or is not one to sign documents with.
        Invalid: it was revoked.
    """
    _check_purpose(leaf)
    chain = _chain(leaf, [*others, *trust.between], trust.anchors, at)
    for authority in chain[1:]:
        _check_authority(authority)
    return Anchored(common_name(chain[-1]), _revocation(chain, trust.revoked, at))


def _chain(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], at: datetime
) -> list[x509.Certificate]:
    if not anchors:
        raise Untrusted("anchor", "The hub has no anchor for signatures")
    anything = verification.ExtensionPolicy.permit_all()
    of_authorities = anything.require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    policy = (
        verification.PolicyBuilder()
        .store(verification.Store(list(anchors)))
        .time(at)
        .max_chain_depth(MOST_STEPS)
        .extension_policies(ca_policy=of_authorities, ee_policy=anything)
    )
    try:
        return policy.build_client_verifier().verify(leaf, list(others)).chain
    except verification.VerificationError:
        if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
            raise Untrusted("expired", "The certificate was not valid when the signature came") from None
        raise Untrusted("anchor", "The certificate leads to no anchor of the hub") from None


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    except x509.ExtensionNotFound:
        return None
    except ValueError:
        raise Untrusted("purpose", "The extensions of a certificate cannot be read") from None
    return found.value


def _check_purpose(leaf: x509.Certificate) -> None:
    usage = _usage(leaf)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise Untrusted("purpose", "The certificate is not one to sign with")
    for extension in leaf.extensions:
        if extension.oid == ExtensionOID.BASIC_CONSTRAINTS and extension.value.ca:
            raise Untrusted("purpose", "The certificate is an authority's, which signs no documents")
    _check_understood(leaf)


def _check_authority(authority: x509.Certificate) -> None:
    usage = _usage(authority)
    if usage is not None and not usage.key_cert_sign:
        raise Untrusted("anchor", "A certificate on the way is not one that signs certificates")
    _check_understood(authority)


def _check_understood(certificate: x509.Certificate) -> None:
    if any(one.critical and one.oid not in _UNDERSTOOD for one in certificate.extensions):
        raise Untrusted("purpose", "A certificate has a critical extension that is not understood")


def _revocation(
    chain: Sequence[x509.Certificate], lists: Iterable[x509.CertificateRevocationList], at: datetime
) -> str:
    """Return what is known of the revocation of all certificates of a way, but for its anchor.

    Raises:
        Invalid: one was revoked before `at`.
    """
    told = [_told(certificate, issuer, lists, at) for certificate, issuer in pairwise(chain)]
    return max(told, key=("good", "stale", "unknown").index, default="good")


def _told(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    lists: Iterable[x509.CertificateRevocationList],
    at: datetime,
) -> str:
    found = "unknown"
    for one in lists:
        if one.issuer != issuer.subject or not _is_signed_by(one, issuer):
            continue
        entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and entry.revocation_date_utc <= at:
            raise Invalid("revoked", "The certificate was revoked before the signature came")
        is_fresh = one.next_update_utc is None or at <= one.next_update_utc
        found = "good" if is_fresh or found == "good" else "stale"
    return found


def _is_signed_by(revoked: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return revoked.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
