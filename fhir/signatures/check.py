"""The checks put together: from a signature and what it may be of, to a verdict.

https://hl7.org/fhir/R4/signatures.html
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from lxml import etree

from fhir.signatures.canonical import forms
from fhir.signatures.chain import Trust, anchored, common_name, named
from fhir.signatures.fhir_xml import xml_forms
from fhir.signatures.hpki import roles
from fhir.signatures.jws import check_jws, parse_jws
from fhir.signatures.stamp import as_answer, stamped
from fhir.signatures.verdict import Failed, Invalid, Proof, State, Unchecked, Untrusted, Verdict
from fhir.signatures.xml_signature import Forms, check_xml, detached, signatures
from fhir.signatures.xml_tree import Element, read_xml

_SPACE = b"\xef\xbb\xbf \t\r\n"


UNREADABLE = (
    *(ValueError, TypeError, OverflowError, RecursionError, MemoryError, etree.LxmlError, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
"""What libraries say of certificates, keys and trees that are not well-formed."""


def concluded(prove: Callable[[], Proof], trust: Trust, now: datetime) -> Verdict:
    """Return the verdict of one signature.

    Args:
        prove: Checks its value and what it is of.
        trust: Whom the hub trusts.
        now: When it came. Without a time stamp nothing proves that it is older.
    """
    try:
        proof = prove()
        return _of(proof, trust, now)
    except Failed as failed:
        return Verdict(failed.state, failed.reason, failed.detail)
    except UNREADABLE:
        return Verdict(State.INVALID, "malformed", "The signature cannot be read")


def _of(proof: Proof, trust: Trust, now: datetime) -> Verdict:
    """Return the verdict of a signature whose value holds.

    Raises:
        Invalid: a time stamp does not hold.
    """
    leaf = proof.certificate
    told = Verdict(
        State.VALID,
        signer=common_name(leaf),
        organisation=named(leaf, NameOID.ORGANIZATION_NAME),
        roles=roles(leaf),
        certificate=leaf.fingerprint(hashes.SHA256()).hex(),
        algorithm=proof.algorithm,
        form=proof.form,
        claimed=proof.claimed,
    )
    at = now
    seen = list(_seen(proof, trust))
    if seen:
        # The earliest counts.
        at, by = min(seen)
        told = replace(told, stamped=at.astimezone(UTC).isoformat().replace("+00:00", "Z"), stamped_by=by)
    try:
        end = anchored(leaf, proof.others, trust, at)
    except Failed as failed:
        return replace(told, state=failed.state, reason=failed.reason, detail=failed.detail)
    return replace(told, anchor=end.anchor, revocation=end.revocation)


def _seen(proof: Proof, trust: Trust) -> Iterator[tuple[datetime, str]]:
    """Yield when authorities of time that are trusted saw the signature; a stamp of another authority proves nothing.

    Raises:
        Invalid: a stamp is of something else, so the signature was altered.
    """
    for token, content in proof.stamps:
        with suppress(Untrusted):
            yield stamped(as_answer(token), content, trust.stamps)


def check_data(data: bytes, body: bytes, trust: Trust, now: datetime, *, received: bytes | None = None) -> Verdict:
    """Return the verdict of a signature beside a resource: the content of `Signature.data`.

    Args:
        data: The signature, a JWS or XML.
        body: The resource's JSON.
        trust: Whom the hub trusts.
        now: When it came.
        received: The XML that the resource came as.
    """

    def prove() -> Proof:
        if not data.lstrip().startswith(b"<"):
            return check_jws(parse_jws(data), forms(body))
        return check_xml(detached(data), xml_forms(body, received))

    return concluded(prove, trust, now)


def check_content(
    data: bytes,
    contents: Iterable[tuple[str, bytes]],
    trust: Trust,
    now: datetime,
    trees: Callable[[], Forms] = tuple,
) -> Verdict:
    """Return the verdict of a signature beside what it is of: a target of a Provenance, a file.

    Args:
        data: The signature, a JWS or XML.
        contents: What a JWS may be of, as (form, bytes).
        trust: Whom the hub trusts.
        now: When it came.
        trees: What XML may be of beside those contents that are XML themselves.
    """

    def prove() -> Proof:
        if not data.lstrip().startswith(b"<"):
            return check_jws(parse_jws(data), contents)
        found = [*_trees(contents), *trees()]
        if not found:
            raise Unchecked("format", "An XML signature is looked at when it is of XML")
        return check_xml(detached(data), found)

    return concluded(prove, trust, now)


def _trees(contents: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Element]]:
    for name, one in contents:
        if one.lstrip(_SPACE).startswith(b"<"):
            with suppress(Invalid):
                yield name, read_xml(one)


def check_document(data: bytes, trust: Trust, now: datetime) -> Sequence[Verdict]:
    """Return the verdicts of the signatures in an XML document; none when it has none."""
    try:
        root = read_xml(data)
        found = signatures(root)
    except Failed as failed:
        return [Verdict(failed.state, failed.reason, failed.detail)]
    return [concluded(partial(check_xml, one), trust, now) for one in found]
