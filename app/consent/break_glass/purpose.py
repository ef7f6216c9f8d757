"""What an access was for: BTG, when only an open case of break-glass can have shown it."""

from collections.abc import Iterable

from sqlalchemy import select

from app.access.caller import Caller
from app.db import DatabaseConnection
from app.identity.same_person import OF_PATIENT, OTHER, SAME_PERSON

PURPOSE = "BTG"
HEADER = b"x-renkei-break-glass"
"""In each answer to a caller for whom a case is open: its number, and until when."""

_KEYS = select(OTHER.c.patient_key).select_from(SAME_PERSON).where(OF_PATIENT)


async def keys_behind_glass(connection: DatabaseConnection, caller: Caller) -> frozenset[int]:
    """Return the keys of all Patients of the persons whose cases are open for a caller."""
    found: set[int] = set()
    for case in caller.glass:
        rows = await connection.fetch(_KEYS, {"patient_key": case.patient_key})
        found |= {int(key) for (key,) in rows}
    return frozenset(found)


def purpose_of(caller: Caller, keys: frozenset[int], patient_key: int, custodian: int) -> str:
    """Return the purpose of an access to another site's record of a person, or to any other.

    What a consent would have shown as well is among what was read in the case: nobody asked for it separately.
    """
    return PURPOSE if patient_key in keys and custodian != caller.organisation else caller.purpose


def header(caller: Caller, instants: Iterable[str]) -> tuple[bytes, bytes]:
    """Return the header that says which cases are open, each with its end as a FHIR instant."""
    parts = [f"{case.number}; until={until}" for case, until in zip(caller.glass, instants, strict=True)]
    return HEADER, ", ".join(parts).encode()
