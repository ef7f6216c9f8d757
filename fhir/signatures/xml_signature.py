"""XML signatures: enveloped, enveloping, or beside FHIR's content; nothing outside of the document is fetched.

What is signed must be the document itself, not a part of it that was moved elsewhere.
https://www.w3.org/TR/xmldsig-core1/
"""

import copy
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree

from fhir.signatures.algorithms import ALGORITHMS, Algorithm, check_key, holds
from fhir.signatures.verdict import Invalid, Proof, Unchecked
from fhir.signatures.xades import QUALIFYING, Signed, signed_properties, stamps_of
from fhir.signatures.xml_tree import Element, by_id, ds, is_within, octets_of, only, read_xml

MOST_SIGNATURES = 10
MOST_REFERENCES = 20
MOST_TRANSFORMS = 3
MOST_CERTIFICATES = 10

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_INCLUSIVE_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
CANONICAL: Mapping[str, bool] = {
    _INCLUSIVE: False,
    f"{_INCLUSIVE}#WithComments": False,
    _INCLUSIVE_1_1: False,
    f"{_INCLUSIVE_1_1}#WithComments": False,
    _EXCLUSIVE: True,
    f"{_EXCLUSIVE}WithComments": True,
}
"""Ways to write XML canonically, and whether each is exclusive."""

DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_WEAK = ("sha1", "md5")
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_LATER = "http://www.w3.org/2007/05/xmldsig-more#"
_NEWEST = "http://www.w3.org/2021/04/xmldsig-more#"
METHODS: Mapping[str, Algorithm] = {
    **{f"{_MORE}rsa-sha{bits}": ALGORITHMS[f"RS{bits}"] for bits in (256, 384, 512)},
    **{f"{_LATER}sha{bits}-rsa-MGF1": ALGORITHMS[f"PS{bits}"] for bits in (256, 384, 512)},
    **{f"{_MORE}ecdsa-sha{bits}": ALGORITHMS[f"ES{bits}"] for bits in (256, 384, 512)},
    f"{_NEWEST}eddsa-ed25519": ALGORITHMS["EdDSA"],
}

Forms = Sequence[tuple[str, Element]]
"""What a signature beside its content may be of: its name, and the root of its XML."""


def signatures(root: Element) -> list[Element]:
    """Return the signatures in a document, but for those that lie in another one.

    Raises:
        Unchecked: there are too many.
    """
    name = ds("Signature")
    found = [one for one in root.iter(name) if next(one.iterancestors(name), None) is None]
    if len(found) > MOST_SIGNATURES:
        raise Unchecked("size", "The document has too many signatures")
    return found


def detached(data: bytes) -> Element:
    """Return the signature that an XML text is.

    Raises:
        Invalid: it is something else.
    """
    root = read_xml(data)
    if root.tag != ds("Signature"):
        raise Invalid("malformed", "The XML is no signature")
    return root


def check_xml(signature: Element, forms: Forms = ()) -> Proof:
    """Return the proof of a signature.

    Args:
        signature: The element, in the document it came in.
        forms: Of one that is beside its content: what that may be.

    Raises:
        Invalid: it does not hold, or is not of the document.
        Unchecked: it is weak, carries no certificate, or signs what lies elsewhere.
    """
    info = only(signature, ds("SignedInfo"))
    algorithm = _method(info)
    chain = _certificates(signature)
    own = signed_properties(signature)
    leaf, others = _leaf(chain, own)
    key = check_key(leaf.public_key(), algorithm)
    value = only(signature, ds("SignatureValue"))
    if not holds(key, algorithm, octets_of(value), _canonical(only(info, ds("CanonicalizationMethod")), info)):
        raise Invalid("value", "The signature was not made with the key of its certificate")
    form = _check_references(signature, info, own, forms)
    stamps = tuple(stamps_of(signature, value, _canonical))
    return Proof(leaf, others, algorithm.name, form, own.claimed if own else "", stamps)


def _method(info: Element) -> Algorithm:
    name = only(info, ds("SignatureMethod")).get("Algorithm", "")
    if name in METHODS:
        return METHODS[name]
    if any(weak in name.lower() for weak in _WEAK):
        raise Unchecked("weak", "The signature is made with SHA-1 or MD5, which proves nothing today")
    raise Invalid("algorithm", "The algorithm of the signature is not one that is accepted")


def _certificates(signature: Element) -> list[x509.Certificate]:
    found = signature.findall(f"{ds('KeyInfo')}/{ds('X509Data')}/{ds('X509Certificate')}")
    if not found:
        raise Unchecked("signer", "The signature carries no certificate")
    if len(found) > MOST_CERTIFICATES:
        raise Unchecked("size", "The signature carries too many certificates")
    try:
        return [x509.load_der_x509_certificate(octets_of(one)) for one in found]
    except ValueError as error:
        if isinstance(error, Invalid):
            raise
        raise Invalid("certificate", "A certificate of the signature cannot be read") from None


def _leaf(
    chain: Sequence[x509.Certificate], own: Signed | None
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """Return the signer's certificate and the others: the one that the signed properties name, else the first."""
    named = [chain[0]]
    if own is not None and own.certificate is not None:
        name, digest = own.certificate
        made = _HASHES[_hash(name)]
        named = [one for one in chain if hmac.compare_digest(one.fingerprint(made), digest)]
        if not named:
            raise Invalid("certificate", "The signature names another certificate than it carries")
    return named[0], tuple(one for one in chain if one is not named[0])


def _hash(name: str) -> str:
    if name in DIGESTS:
        return DIGESTS[name]
    if any(one in name.lower() for one in _WEAK):
        raise Unchecked("weak", "A digest is made with SHA-1 or MD5, which proves nothing today")
    raise Invalid("algorithm", "The algorithm of a digest is not one that is accepted")


def _check_references(signature: Element, info: Element, own: Signed | None, forms: Forms) -> str:
    """Check the digest of each reference and return what of the document is signed.

    Raises:
        Invalid: a digest is of something else, or none of them is of the document.
    """
    references = info.findall(ds("Reference"))
    if not 0 < len(references) <= MOST_REFERENCES:
        raise Unchecked("size", "The signature has no references, or too many")
    checked = [_check_reference(one, signature, forms) for one in references]
    if own is not None and not any(one is own.element for one, _ in checked):
        raise Invalid("part", "What the signer says of the signature is not signed")
    found = next((form for _, form in checked if form), "")
    if not found:
        raise Invalid("part", "What is signed is not the document")
    return found


def _check_reference(reference: Element, signature: Element, forms: Forms) -> tuple[Element, str]:
    """Check one digest; return the element it is of, and the form of the document that this is, or nothing.

    Raises:
        Invalid: the digest is of something else.
    """
    name = _hash(only(reference, ds("DigestMethod")).get("Algorithm", ""))
    digest = octets_of(only(reference, ds("DigestValue")))
    address = reference.get("URI")
    root = signature.getroottree().getroot()
    if address is None or (address and not address.startswith("#")):
        return _beside(reference, name, digest, forms)
    if address == "" and root is signature:
        return _beside(reference, name, digest, forms)
    if address.startswith("#xpointer("):
        raise Unchecked("format", "What is signed is named by an XPointer, which is not supported")
    target = root if address == "" else by_id(root, address[1:])
    written = _transformed(reference, target, signature)
    if not hmac.compare_digest(hashlib.new(name, written).digest(), digest):
        raise Invalid("content", "The content is not what was signed")
    # Beside its content, what a signature envelops is not that content.
    return target, "xml" if not forms and _is_document(target, signature, root) else ""


def _is_document(target: Element, signature: Element, root: Element) -> bool:
    """Return whether what is signed is what is shown: all of the document, or all that the signature envelops."""
    if root is signature:
        contents = [one for one in signature.findall(ds("Object")) if one.find(QUALIFYING) is None]
        return contents == [target] and len(target) == 1
    return target is root


def _beside(reference: Element, name: str, digest: bytes, forms: Forms) -> tuple[None, str]:
    if not forms:
        raise Unchecked("elsewhere", "The signature is of something outside of the document; nothing is fetched")
    for form, root in forms:
        for written in _ways(reference, root):
            if hmac.compare_digest(hashlib.new(name, written).digest(), digest):
                return None, form
    raise Invalid("content", "The content is not what was signed")


def _ways(reference: Element, root: Element) -> Iterator[bytes]:
    asked = [one for one in _transforms(reference) if one.get("Algorithm") in CANONICAL]
    if asked:
        yield _canonical(asked[-1], root)
        return
    yield etree.tostring(root, method="c14n")
    yield etree.tostring(root, method="c14n", exclusive=True)


def _transforms(reference: Element) -> list[Element]:
    found: list[Element] = reference.findall(f"{ds('Transforms')}/{ds('Transform')}")
    if len(found) > MOST_TRANSFORMS:
        raise Unchecked("size", "A reference has too many transforms")
    for one in found:
        if one.get("Algorithm") not in (ENVELOPED, *CANONICAL):
            raise Unchecked("format", "A reference has a transform that is not supported")
    if len({one.get("Algorithm") == ENVELOPED for one in found}) < len(found):
        raise Unchecked("format", "A reference has transforms that follow each other otherwise than supported")
    return found


def _transformed(reference: Element, target: Element, signature: Element) -> bytes:
    """Return what the digest of a reference is over."""
    asked = _transforms(reference)
    ways = [one for one in asked if one.get("Algorithm") in CANONICAL]
    if len(asked) > len(ways) and is_within(signature, target) and target is not signature:
        target = _without(target, signature)
    return _canonical(ways[-1], target) if ways else etree.tostring(target, method="c14n", with_comments=False)


def _without(target: Element, signature: Element) -> Element:
    """Return a copy of an element in which a signature is missing, whatever stood behind it being kept."""
    path = []
    at = signature
    while at is not target:
        path.append(at.getparent().index(at))
        at = at.getparent()
    whole = copy.deepcopy(target)
    found = whole
    for place in reversed(path):
        found = found[place]
    parent, before = found.getparent(), found.getprevious()
    if found.tail and before is not None:
        before.tail = (before.tail or "") + found.tail
    elif found.tail:
        parent.text = (parent.text or "") + found.tail
    parent.remove(found)
    return whole


def _canonical(way: Element, element: Element) -> bytes:
    """Return an element as one of the canonical forms writes it; comments are left out, as in every reference."""
    name = way.get("Algorithm", "")
    if name not in CANONICAL:
        raise Unchecked("format", "A canonical form is not supported")
    prefixes = way.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces")
    listed = prefixes.get("PrefixList", "").split() if prefixes is not None else None
    written: bytes = etree.tostring(
        element,
        method="c14n",
        exclusive=CANONICAL[name],
        with_comments=False,
        inclusive_ns_prefixes=listed if CANONICAL[name] else None,
    )
    return written
