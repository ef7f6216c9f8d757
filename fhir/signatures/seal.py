"""Signatures that the hub makes: a JWS over the canonical form of a Bundle, or over the bytes of a file.

https://hl7.org/fhir/R4/datatypes.html#Signature, ETSI TS 119 182-1 (JAdES)
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from fhir.signatures.algorithms import PrivateKey, algorithm_for, sign
from fhir.signatures.jws import encoded

SOURCE = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.14", "display": "Source Signature"}
JOSE = "application/jose"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signature of the hub, detached from what it is of."""

    protected: str
    value: str
    """As base64url; this text is what a time stamp is of."""

    def compact(self) -> bytes:
        """Return it as it is without a time stamp."""
        return f"{self.protected}..{self.value}".encode()

    def stamped(self, token: bytes) -> bytes:
        """Return it with a time stamp, which needs the JSON form."""
        told = {"tstTokens": [{"val": base64.b64encode(token).decode()}]}
        return json.dumps(
            {"protected": self.protected, "header": {"etsiU": [{"sigTst": told}]}, "signature": self.value}
        ).encode()


def seal(key: PrivateKey, chain: Sequence[x509.Certificate], content: bytes, claimed: str) -> Sealed:
    """Sign some content.

    Args:
        key: The key.
        chain: Its certificate, and those above.
        content: What is signed.
        claimed: The present, as `2026-05-01T09:00:00Z`.

    Raises:
        Invalid: the key is not one that may sign.
    """
    algorithm = algorithm_for(key)
    header: dict[str, Any] = {
        "alg": algorithm.name,
        "sigT": claimed,
        "x5t#S256": encoded(chain[0].fingerprint(hashes.SHA256())),
        "x5c": [base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode() for one in chain],
    }
    protected = encoded(orjson.dumps(header))
    return Sealed(protected, encoded(sign(key, algorithm, f"{protected}.{encoded(content)}".encode())))


def with_signature(body: bytes, jws: bytes, *, when: str, who: str) -> bytes:
    """Return the JSON of a Bundle with the signature of its canonical form added as its last member."""
    signature = {
        "type": [SOURCE],
        "when": when,
        "who": {"display": who},
        "targetFormat": "application/fhir+json",
        "sigFormat": JOSE,
        "data": base64.b64encode(jws).decode(),
    }
    return body[: body.rindex(b"}")] + b',"signature":' + orjson.dumps(signature) + b"}"
