"""XAdES: what a signer says of the signature inside of it, and the time stamps upon it.

ETSI EN 319 132-1
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fhir.signatures.verdict import Invalid, Unchecked
from fhir.signatures.xml_tree import Element, ds, octets_of, text_of

ETSI = "http://uri.etsi.org/01903/v1.3.2#"
MOST_STAMPS = 5
_DEFAULT = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def _xades(*names: str) -> str:
    return "/".join(f"{{{ETSI}}}{one}" for one in names)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signer says; it counts once a reference to `element` has held."""

    element: Element
    claimed: str
    certificate: tuple[str, bytes] | None
    """The signer's certificate as (address of the digest's method, digest)."""


QUALIFYING = _xades("QualifyingProperties")


def _qualifying(signature: Element) -> Element | None:
    found = signature.findall(f"{ds('Object')}/{QUALIFYING}")
    if len(found) > 1:
        raise Invalid("malformed", "The signature has several QualifyingProperties")
    if not found:
        return None
    if found[0].get("Target") not in (None, f"#{signature.get('Id')}"):
        raise Invalid("part", "The QualifyingProperties are those of another signature")
    return found[0]


def signed_properties(signature: Element) -> Signed | None:
    """Return what the signer says of the signature; None when it is plain XML-DSig.

    Raises:
        Invalid: it is said twice, or of another signature.
    """
    whole = _qualifying(signature)
    found = [] if whole is None else whole.findall(_xades("SignedProperties"))
    if not found:
        return None
    if len(found) > 1:
        raise Invalid("malformed", "The signature has several SignedProperties")
    own = found[0].find(_xades("SignedSignatureProperties"))
    time = None if own is None else own.find(_xades("SigningTime"))
    return Signed(found[0], "" if time is None else text_of(time)[:40], None if own is None else _certificate(own))


def _certificate(own: Element) -> tuple[str, bytes] | None:
    for name in ("SigningCertificateV2", "SigningCertificate"):
        digest = own.find(_xades(name, "Cert", "CertDigest"))
        if digest is None:
            continue
        method, value = digest.find(ds("DigestMethod")), digest.find(ds("DigestValue"))
        if method is None or value is None:
            raise Invalid("malformed", "The certificate of the signature is not named whole")
        return method.get("Algorithm", ""), octets_of(value)
    return None


def stamps_of(
    signature: Element, value: Element, canonical: Callable[[Element, Element], bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the time stamps of a signature's value as (token, what it is of).

    Raises:
        Unchecked: there are too many.
    """
    whole = _qualifying(signature)
    path = _xades("UnsignedProperties", "UnsignedSignatureProperties", "SignatureTimeStamp")
    found = [] if whole is None else whole.findall(path)
    if len(found) > MOST_STAMPS:
        raise Unchecked("size", "The signature has too many time stamps")
    for one in found:
        way = one.find(ds("CanonicalizationMethod"))
        if way is None:
            way = one.makeelement(ds("CanonicalizationMethod"), {"Algorithm": _DEFAULT})
        for token in one.findall(_xades("EncapsulatedTimeStamp")):
            yield octets_of(token), canonical(way, value)
