"""A version of a resource as a value: what the store gives out."""

from typing import NamedTuple


class Stored(NamedTuple):
    """A version of a resource as it is stored: a tuple, because a page makes many of them."""

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
