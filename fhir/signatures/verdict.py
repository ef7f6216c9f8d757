"""What a check of a signature comes to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.x509 import Certificate


class State(StrEnum):
    """The four answers."""

    VALID = "valid"
    """The content is what was signed, by somebody whose certificate leads to an anchor of this hub."""
    UNTRUSTED = "untrusted"
    """The content is what was signed, but nothing that the hub trusts says by whom."""
    INVALID = "invalid"
    """The content is not what was signed, or the certificate was revoked."""
    UNCHECKED = "unchecked"
    """It cannot be told."""


class Failed(ValueError):
    """A check that does not come to the end.

    Args:
        reason: A word of `REASONS`.
        detail: What was found, as an English sentence without anything about a patient.
    """

    state = State.UNCHECKED

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Invalid(Failed):
    """The signature does not hold."""

    state = State.INVALID


class Unchecked(Failed):
    """It cannot be told whether the signature holds."""


class Untrusted(Failed):
    """It holds, but its certificate is nobody's whom the hub trusts."""

    state = State.UNTRUSTED


REASONS: Mapping[State, tuple[str, ...]] = {
    State.INVALID: (
        "content",
        "value",
        "part",
        "id",
        "malformed",
        "algorithm",
        "key",
        "certificate",
        "revoked",
        "stamp",
    ),
    State.UNTRUSTED: ("anchor", "expired", "purpose"),
    State.UNCHECKED: ("weak", "signer", "format", "size", "elsewhere", "target", "earlier", "other", "missing"),
}
"""Why, for each state but valid; docs/signatures.md and the portal's texts explain each."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature whose value holds: what is left to ask is whose it is, and since when."""

    certificate: Certificate
    others: tuple[Certificate, ...]
    """What came with it, to find the way to an anchor."""
    algorithm: str
    form: str
    """What of the content is signed: the URL of a canonical form, or `bytes`, or `xml`."""
    claimed: str = ""
    """When it was signed, as the signer says."""
    stamps: tuple[tuple[bytes, bytes], ...] = ()
    """Time stamps as (token, what it is of)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one signature."""

    state: State
    reason: str = ""
    """A word of `REASONS`; empty when it is valid."""
    detail: str = ""
    signer: str = ""
    """The certificate's common name."""
    organisation: str = ""
    roles: tuple[str, ...] = ()
    """The hcRoles of ISO 17090, as in the certificate: `Medical Doctor`."""
    certificate: str = ""
    """Its SHA-256, in hexadecimal."""
    anchor: str = ""
    """The common name of the anchor that it leads to."""
    revocation: str = ""
    """`good`, `unknown` without a list of its authority, or `stale` with one that has run out."""
    algorithm: str = ""
    form: str = ""
    claimed: str = ""
    stamped: str = ""
    """When an authority of time saw the signature, as an instant; the only time that is proven."""
    stamped_by: str = ""
    target: str = field(default="")
    """What it is of, when that is not the resource that carries it: `Binary/x/_history/1`."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that say something, for JSON."""
        return {name: value for name, value in asdict(self).items() if value}


def verdict_of(fields: Mapping[str, Any]) -> Verdict:
    """Return the verdict that `as_dict` wrote."""
    told = dict(fields)
    return Verdict(**{**told, "state": State(told["state"]), "roles": tuple(told.get("roles", ()))})
