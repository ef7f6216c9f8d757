"""A version of a resource as a value: what the store gives out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of a resource as it is stored."""

    type: str
    id: str
    patient_key: int
    row: int
    version: int
    deleted: bool
    custodian: int
    labels: int
    last_updated: int
    """Microseconds since 1970 UTC."""
    body: bytes
