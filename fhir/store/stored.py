"""A version of a resource as a value: what the store gives out."""

from typing import NamedTuple

from fhir.store.types import NAMES

DELETE = 3
"""`method` of a version that is a deletion."""


class Stored(NamedTuple):
    """A version of a resource as it is stored, a row of `fhir.store.read.COLUMNS`: a page makes many of them."""

    type_number: int
    id: str
    patient_key: int
    row: int
    version: int
    custodian: int
    labels: int
    last_updated: int
    """Microseconds since 1970 UTC."""
    method: int
    body: bytes

    @property
    def type(self) -> str:
        """The resource type."""
        return NAMES[self.type_number]

    def labelled(self, labels: int) -> "Stored":
        """Return the version with the labels its row has now: they may be added to without a new version."""
        return self if self.labels == labels else self._replace(labels=labels)

    @property
    def deleted(self) -> bool:
        """Whether the version is a deletion."""
        return self.method == DELETE
