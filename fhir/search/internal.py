"""Index rows for the hub itself: who belongs with whom, under numbers that no query reaches.

They are references, as those of a search parameter are; codes lead to the numbers of R4's parameters alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from fhir.belonging import POINTERS, extracted_from, pointed_at
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters

BELONGS_WITH = -1
"""From what points to what it belongs with, where `TARGET` does not say so."""

EXTRACTED_FROM = -2
"""From the Provenance of an extraction to the document."""

TARGET = parameters("Provenance")["target"].id

Row = tuple[int, int]


def internal_rows(resource: Mapping[str, Any], known: Iterable[Row] = ()) -> list[Row]:
    """Return the rows of a resource, each of an internal number and the hash of what it points at.

    Args:
        resource: The resource.
        known: The rows of its search parameters; what they say is not said again.
    """
    if resource["resourceType"] not in POINTERS:
        return []
    said = {target for number, target in known if number == TARGET}
    rows = [(BELONGS_WITH, target) for link in pointed_at(resource) if (target := hash64(link)) not in said]
    return rows + [(EXTRACTED_FROM, hash64(link)) for link in extracted_from(resource)]
