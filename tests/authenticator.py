"""A device with passkeys, made in software: what a browser would send, and what an attacker might.

https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(octets: bytes) -> str:
    """Return octets as base64url without padding."""
    return urlsafe_b64encode(octets).decode().rstrip("=")


@dataclass
class Device:
    """One passkey."""

    party: str = "hub.example"
    origin: str = "https://hub.example"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    counter: int = 0

    def _data(self, flags: int, attested: bytes = b"") -> bytes:
        return hashlib.sha256(self.party.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4) + attested

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, **response: bytes) -> str:
        found: dict[str, Any] = {"id": text(self.id), "rawId": text(self.id), "type": "public-key"}
        found["response"] = {name: text(value) for name, value in response.items()}
        return json.dumps(found | {"clientExtensionResults": {}})

    def register(self, options: dict[str, Any]) -> str:
        """Return the answer to the options of a registration."""
        point = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(public)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(PRESENT | VERIFIED | ATTESTED, attested)}
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._answer(attestationObject=cbor2.dumps(made), clientDataJSON=client_data)

    def prove(self, options: dict[str, Any], *, flags: int = PRESENT | VERIFIED) -> str:
        """Return the answer to the options of a sign-in."""
        self.counter += 1
        data, client_data = self._data(flags), self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._answer(authenticatorData=data, clientDataJSON=client_data, signature=signature)
