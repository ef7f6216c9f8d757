"""JWS over content that lies elsewhere: compact or JSON, with the signer's certificate in its header (`x5c`).

No key is taken from the header itself, and nothing that it names is fetched: `jwk`, `jku`, `x5u` and `kid` are not
looked at. https://www.rfc-editor.org/rfc/rfc7515, https://www.rfc-editor.org/rfc/rfc7797, ETSI TS 119 182-1 (JAdES)
"""

import base64
import binascii
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from fhir.signatures.algorithms import ALGORITHMS, Algorithm, check_key, holds
from fhir.signatures.verdict import Invalid, Proof, Unchecked

MOST_HEADER_BYTES = 200_000
MOST_CERTIFICATES = 10
MOST_STAMPS = 5
UNDERSTOOD = frozenset(("b64", "sigT", "x5t#S256"))
"""Header parameters that may be critical."""


@dataclass(frozen=True, slots=True)
class Jws:
    """One signature as it was read; nothing of it is proven."""

    header: Mapping[str, Any]
    """The protected header."""
    protected: str
    """The same as it is signed."""
    payload: bytes | None
    """None when it is detached."""
    value: bytes
    value_text: str
    tokens: tuple[bytes, ...] = ()
    """RFC 3161 tokens of `sigTst`."""


def decoded(text: object) -> bytes:
    """Return the bytes of base64url without padding.

    Raises:
        Invalid: it is none.
    """
    try:
        if not isinstance(text, str) or "=" in text:
            raise ValueError
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise Invalid("malformed", "A part of the JWS is no base64url") from None


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _object(data: bytes) -> dict[str, Any]:
    """Return a JSON object in which no name stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a name stands twice")
        return made

    try:
        found = json.loads(data.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid("malformed", "A part of the JWS is no JSON object")
    return found


def parse_jws(data: bytes) -> Jws:
    """Return a JWS in compact form, or in JSON with one signature.

    Raises:
        Invalid: it is none.
        Unchecked: it has several signatures.
    """
    text = data.strip()
    if text.startswith(b"{"):
        return _of_json(_object(text))
    parts = text.split(b".")
    if len(parts) != 3:
        raise Invalid("malformed", "The signature is neither XML nor a JWS")
    protected, payload, value = (one.decode("latin-1") for one in parts)
    return _made(protected, decoded(payload) if payload else None, value)


def _of_json(whole: Mapping[str, Any]) -> Jws:
    signed = whole
    if "signatures" in whole:
        several = whole["signatures"]
        if not isinstance(several, list) or len(several) != 1 or not isinstance(several[0], dict):
            raise Unchecked("format", "A JWS with several signatures is not looked at")
        signed = several[0]
    payload = whole.get("payload")
    unprotected = signed.get("header")
    tokens = _tokens(unprotected.get("etsiU")) if isinstance(unprotected, dict) else ()
    made = _made(str(signed.get("protected")), decoded(payload) if payload else None, str(signed.get("signature")))
    return Jws(made.header, made.protected, made.payload, made.value, made.value_text, tokens)


def _made(protected: str, payload: bytes | None, value: str) -> Jws:
    if len(protected) > MOST_HEADER_BYTES:
        raise Unchecked("size", "The header of the JWS is too long")
    return Jws(_object(decoded(protected)), protected, payload, decoded(value), value)


def _tokens(unsigned: object) -> tuple[bytes, ...]:
    """Return the tokens of `sigTst` among the unsigned properties of JAdES, each clear or as base64url."""
    found: list[bytes] = []
    for one in unsigned if isinstance(unsigned, list) else ():
        clear = one if isinstance(one, dict) else _object(decoded(one))
        stamps = clear.get("sigTst")
        for token in stamps.get("tstTokens", ()) if isinstance(stamps, dict) else ():
            try:
                found.append(base64.b64decode(token["val"], validate=True))
            except (ValueError, TypeError, KeyError):
                raise Invalid("stamp", "A time stamp in the JWS is no base64") from None
    if len(found) > MOST_STAMPS:
        raise Unchecked("size", "The JWS has too many time stamps")
    return tuple(found)


def _algorithm(header: Mapping[str, Any]) -> Algorithm:
    name = header.get("alg")
    found = ALGORITHMS.get(name) if isinstance(name, str) else None
    if found is None:
        raise Invalid("algorithm", "The algorithm of the JWS is not one that is accepted")
    critical = header.get("crit", [])
    if not isinstance(critical, list) or not UNDERSTOOD.issuperset(map(str, critical)):
        raise Unchecked("format", "The JWS has a critical parameter that is not understood")
    return found


def _certificates(header: Mapping[str, Any]) -> list[x509.Certificate]:
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain:
        raise Unchecked("signer", "The JWS carries no certificate (x5c)")
    if len(chain) > MOST_CERTIFICATES:
        raise Unchecked("size", "The JWS carries too many certificates")
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in chain]
    except (ValueError, TypeError):
        raise Invalid("certificate", "A certificate of the JWS cannot be read") from None


def check_jws(jws: Jws, forms: Iterable[tuple[str, bytes]]) -> Proof:
    """Return the proof of a signature.

    Args:
        jws: The signature.
        forms: What it may be of, as (form, bytes). A payload of its own counts only when it is one of them.

    Raises:
        Invalid: it is of none of them, or is not a signature that is accepted.
        Unchecked: it has no certificate, or parameters that are not understood.
    """
    algorithm = _algorithm(jws.header)
    chain = _certificates(jws.header)
    stated = jws.header.get("x5t#S256")
    if stated is not None and decoded(stated) != chain[0].fingerprint(hashes.SHA256()):
        raise Invalid("certificate", "The JWS names another certificate than it carries")
    key = check_key(chain[0].public_key(), algorithm)
    if algorithm.curve and getattr(getattr(key, "curve", None), "name", "") != algorithm.curve:
        raise Invalid("key", f"The key is on another curve than {algorithm.name} has")
    for form, content in forms:
        if jws.payload is not None and not hmac.compare_digest(jws.payload, content):
            continue
        if holds(key, algorithm, jws.value, _signed(jws, content)):
            claimed = jws.header.get("sigT", "")
            stamps = tuple((token, jws.value_text.encode()) for token in jws.tokens)
            return Proof(chain[0], tuple(chain[1:]), algorithm.name, form, str(claimed)[:40], stamps)
    raise Invalid("content", "The content is not what was signed with the certificate")


def _signed(jws: Jws, content: bytes) -> bytes:
    plain = jws.header.get("b64") is False and "b64" in jws.header.get("crit", [])
    return jws.protected.encode() + b"." + (content if plain else encoded(content).encode())
