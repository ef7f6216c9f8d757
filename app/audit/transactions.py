"""Which transaction of IHE an event was, by how it was asked: its code stands beside that of the interaction.

https://profiles.ihe.net/ITI/PDQm/, https://profiles.ihe.net/ITI/PIXm/, https://profiles.ihe.net/ITI/MHD/:
the audit profiles of each transaction
"""

import re

from app.access.transactions import EXISTING_DATA
from app.audit.patterns import PATTERNS, Coding, Pattern, coding, pattern_of
from app.audit.record import Event


def _ihe(code: str, display: str) -> Coding:
    return coding("urn:ihe:event-type-code", code, display)


_FEED = _ihe("ITI-104", "Patient Identity Feed FHIR")
_BY_PATH = {
    ("search-type", "/fhir/Patient"): _ihe("ITI-78", "Mobile Patient Demographics Query"),
    ("search-type", "/fhir/Patient/_search"): _ihe("ITI-78", "Mobile Patient Demographics Query"),
    ("operation", "/fhir/Patient/$match"): _ihe("ITI-119", "Patient Demographics Match"),
    ("operation", "/fhir/Patient/$ihe-pix"): _ihe("ITI-83", "Mobile Patient Identifier Cross-reference Query"),
    ("search-type", "/fhir/List"): _ihe("ITI-66", "Find Document Lists"),
    ("search-type", "/fhir/List/_search"): _ihe("ITI-66", "Find Document Lists"),
    ("search-type", "/fhir/DocumentReference"): _ihe("ITI-67", "Find Document References"),
    ("search-type", "/fhir/DocumentReference/_search"): _ihe("ITI-67", "Find Document References"),
    # With a condition, which is why the path names no id.
    ("update", "/fhir/Patient"): _FEED,
    ("delete", "/fhir/Patient"): _FEED,
}
"""By interaction and path."""

_BY_INTERACTION = {
    "publish": _ihe("ITI-105", "Simplified Publish"),
    "generate-metadata": _ihe("ITI-106", "Generate Metadata"),
}
_RETRIEVE = _ihe("ITI-68", "Retrieve Document")
_DOCUMENT = re.compile(r"/fhir/(?:Binary|Bundle)/[A-Za-z0-9\-.]{1,64}")


_EXISTING_DATA = coding("urn:ihe:event-type-code", "PCC-44", "Mobile Query Existing Data")


def _is_existing_data(event: Event) -> bool:
    """Return whether a search is one of QEDm: of one patient's data, of a type that it names."""
    name = (event.path or "").removeprefix("/fhir/").removesuffix("/_search")
    asked = (pair.partition("=")[0].partition(":")[0] for pair in (event.query or "").split("&"))
    return name in EXISTING_DATA and any(one in ("patient", "subject") for one in asked)


def transaction_of(event: Event) -> Coding | None:
    """Return the transaction that an event was; None for none, and once its details are erased."""
    path = event.path or ""
    if event.interaction == "read" and _DOCUMENT.fullmatch(path):
        return _RETRIEVE
    found = _BY_PATH.get((event.interaction, path)) or _BY_INTERACTION.get(event.interaction)
    if found is None and event.interaction == "search-type" and _is_existing_data(event):
        return _EXISTING_DATA
    if found is _FEED and not (event.query or "").startswith("identifier="):
        return None
    return found


def kind_of(event: Event) -> Pattern:
    """Return how an event looks: an operation that is a transaction's query looks as a search does."""
    if event.interaction == "operation" and transaction_of(event) is not None:
        return PATTERNS["search"]
    return pattern_of(event.interaction)


def subtypes(event: Event, pattern: Pattern) -> list[Coding]:
    """Return the subtypes of an event, that of the transaction first."""
    transaction = transaction_of(event)
    return [pattern.subtype] if transaction is None else [transaction, pattern.subtype]
