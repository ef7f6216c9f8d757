"""Which algorithms and keys a signature may have, and whether its value holds.

SHA-256 or longer; RSA of 2048 bits or more, the NIST curves, Ed25519. https://www.rfc-editor.org/rfc/rfc7518#section-3.1
"""

from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from fhir.signatures.verdict import Invalid

LEAST_RSA_BITS = 2048
CURVES = ("secp256r1", "secp384r1", "secp521r1")

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey


class Algorithm(NamedTuple):
    """How a value is made: with which kind of key, over which hash."""

    name: str
    """As JWS names it."""
    kind: str
    hash: hashes.HashAlgorithm | None
    curve: str = ""
    """The only one that JWS has it with."""


ALGORITHMS: Mapping[str, Algorithm] = {
    one.name: one
    for one in (
        Algorithm("RS256", "rsa", hashes.SHA256()),
        Algorithm("RS384", "rsa", hashes.SHA384()),
        Algorithm("RS512", "rsa", hashes.SHA512()),
        Algorithm("PS256", "pss", hashes.SHA256()),
        Algorithm("PS384", "pss", hashes.SHA384()),
        Algorithm("PS512", "pss", hashes.SHA512()),
        Algorithm("ES256", "ec", hashes.SHA256(), "secp256r1"),
        Algorithm("ES384", "ec", hashes.SHA384(), "secp384r1"),
        Algorithm("ES512", "ec", hashes.SHA512(), "secp521r1"),
        Algorithm("EdDSA", "ed25519", None),
    )
}

_KINDS = {"rsa": rsa.RSAPublicKey, "pss": rsa.RSAPublicKey, "ec": ec.EllipticCurvePublicKey}


def check_key(key: object, algorithm: Algorithm) -> PublicKey:
    """Return the key, when it may be used with this algorithm.

    Raises:
        Invalid: it is of another kind, too short, or on another curve.
    """
    if not isinstance(key, _KINDS.get(algorithm.kind, Ed25519PublicKey)):
        raise Invalid("key", f"The key is of another kind than {algorithm.name} has")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise Invalid("key", f"An RSA key of {key.key_size} bits is too short")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVES:
        raise Invalid("key", f"The curve {key.curve.name} is not accepted")
    return key  # type: ignore[return-value]


def _der(key: ec.EllipticCurvePublicKey, value: bytes) -> bytes:
    """Return the two numbers of an ECDSA value, which JWS and XML write one after the other, as DER."""
    size = (key.curve.key_size + 7) // 8
    if len(value) != 2 * size:
        return b""
    return encode_dss_signature(int.from_bytes(value[:size]), int.from_bytes(value[size:]))


def holds(key: PublicKey, algorithm: Algorithm, value: bytes, signed: bytes) -> bool:
    """Return whether `value` is this key's over `signed`; the key has passed `check_key`."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(value, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(key, value), signed, ec.ECDSA(_hash(algorithm)))
        else:
            key.verify(value, signed, _padding(algorithm), _hash(algorithm))
    except InvalidSignature:
        return False
    return True


def _hash(algorithm: Algorithm) -> hashes.HashAlgorithm:
    assert algorithm.hash is not None  # noqa: S101 - of Ed25519 nobody asks
    return algorithm.hash


def _padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    if algorithm.kind == "rsa":
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(_hash(algorithm)), _hash(algorithm).digest_size)


def algorithm_for(key: PrivateKey) -> Algorithm:
    """Return with which algorithm a key signs; RSA keys with PSS.

    Raises:
        Invalid: the key may not sign.
    """
    if isinstance(key, Ed25519PrivateKey):
        return ALGORITHMS["EdDSA"]
    if isinstance(key, rsa.RSAPrivateKey):
        made = ALGORITHMS["PS256"]
    else:
        made = next((one for one in ALGORITHMS.values() if one.curve == key.curve.name), ALGORITHMS["ES256"])
    check_key(key.public_key(), made)
    return made


def sign(key: PrivateKey, algorithm: Algorithm, data: bytes) -> bytes:
    """Return the value of a signature, as JWS writes it."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, _padding(algorithm), _hash(algorithm))
    size = (key.curve.key_size + 7) // 8
    first, second = decode_dss_signature(key.sign(data, ec.ECDSA(_hash(algorithm))))
    return first.to_bytes(size) + second.to_bytes(size)
