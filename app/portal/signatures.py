"""The signatures of a document, as its page shows them.

https://hl7.org/fhir/R4/signatures.html
"""

from dataclasses import dataclass

from app.portal.gate import Visit
from app.records.signatures.operation import PENDING
from app.records.signatures.related import signatures_of
from fhir.signatures.verdict import Verdict
from fhir.store.stored import Stored

MARKS = {"valid": "✔", "untrusted": "⚠", "invalid": "✘", "unchecked": "?", PENDING: "…"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One signature."""

    state: str
    mark: str
    verdict: Verdict | None
    """None while nobody has looked."""
    is_of_others: bool
    """Whether it is a statement about the document, and not the document itself."""


async def shown_signatures(visit: Visit, document: Stored) -> list[Shown]:
    """Return the signatures of a document that exist for the caller, its own before those of others."""
    found = []
    for one in await signatures_of(visit.fhir.record, document):
        for verdict in [None] if one.verdicts is None else one.verdicts:
            state = PENDING if verdict is None else str(verdict.state)
            found.append(Shown(state, MARKS[state], verdict, one.is_of_others))
    return sorted(found, key=lambda one: one.is_of_others)
