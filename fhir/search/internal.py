"""Index rows for the hub itself: who belongs with whom, under numbers that no query reaches.

They are references, as those of a search parameter are; codes lead to the numbers of R4's parameters alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir.belonging import ATTACHING, POINTERS, all_references, attached, authors, encounters, made_from, pointed_at
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters
from fhir.store.types import NUMBERS

BELONGS_WITH = -1
"""From what points to what it belongs with, where `TARGET` does not say so."""

EXTRACTED_FROM = -2
"""From the Provenance of an extraction to the document."""

RELATES_TO = -3
"""From a record to the Encounter, EpisodeOfCare, CarePlan or ImagingStudy that it is of, where no parameter says so."""

AUTHORED_BY = -4
"""From a record to who wrote it, where none of `AUTHOR_PARAMETERS` says so."""

DESCRIBES = -5
"""From an ImagingStudy that a site writes itself to the study of which it tells: the target is the study's row number
in the image tables, and no hash. It follows not from what the resource says alone: whoever knows both writes it."""

ATTACHES = -6
"""From a document to the Binary or Bundle that an attachment of it names by `url`."""

TARGET = parameters("Provenance")["target"].id

_AUTHOR_CODES = (
    *("author", "asserter", "recorder", "requester", "results-interpreter", "enterer", "assessor", "agent"),
    *("prescriber", "performer"),
)

AUTHOR_PARAMETERS = frozenset(
    parameters(type_name)[code].id
    for type_name in NUMBERS
    for code in _AUTHOR_CODES
    # Who is asked to perform has written nothing.
    if code in parameters(type_name) and not (code == "performer" and type_name.endswith(("Request", "CarePlan")))
)
"""The search parameters that say who wrote a record."""

Row = tuple[int, int]


def _standing(resource: Mapping[str, Any], known: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows of what a record is of and of who wrote it."""
    related, written = encounters(resource), authors(resource)
    if not related and not written:
        return
    rows = list(known)
    said = {target for _, target in rows} if related else set()
    yield from ((RELATES_TO, target) for link in related if (target := hash64(link)) not in said)
    signed = {target for number, target in rows if number in AUTHOR_PARAMETERS} if written else set()
    yield from ((AUTHORED_BY, target) for link in written if (target := hash64(link)) not in signed)


def internal_rows(resource: Mapping[str, Any], known: Iterable[Row] = ()) -> list[Row]:
    """Return the rows of a resource, each of an internal number and the hash of what it points at.

    Args:
        resource: The resource.
        known: The rows of its search parameters; what they say is not said again.
    """
    rows = list(_standing(resource, known))
    if (element := ATTACHING.get(resource["resourceType"])) is not None:
        rows += [(ATTACHES, hash64(link)) for link in dict.fromkeys(attached(resource.get(element)))]
    if resource["resourceType"] not in POINTERS:
        return rows
    said = {target for number, target in known if number == TARGET}
    rows += [(BELONGS_WITH, target) for link in pointed_at(resource) if (target := hash64(link)) not in said]
    return rows + [(EXTRACTED_FROM, hash64(link)) for link in made_from(resource)]


def rows_of_deleted(resource: Mapping[str, Any]) -> list[Row]:
    """Return the rows that a resource keeps when it is deleted: its history stays, and what hides it must hide that.

    Args:
        resource: The last version that has a body.
    """
    rows = [*internal_rows(resource), *((RELATES_TO, hash64(link)) for link in all_references(resource))]
    return list(dict.fromkeys(rows))
