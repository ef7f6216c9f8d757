"""One StudyInstanceUID at several sites: what they keep is shown together only where it is of one person.

UIDs are to be unique in the world, and are not: devices repeat them, and nothing keeps a site from using another's.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from app.db import DatabaseConnection
from app.identity.person import persons_of


class _Copy(Protocol):
    @property
    def patient_key(self) -> int:
        """The site's Patient."""
        ...

    @property
    def custodian(self) -> int:
        """Who keeps it."""
        ...


Copy = TypeVar("Copy", bound=_Copy)


async def of_one_person(connection: DatabaseConnection, found: Sequence[Copy], organisation: int) -> list[Copy]:
    """Return what is of the same person as the organisation's own, or else as what the first of the sites has.

    Args:
        connection: Where persons are looked up.
        found: What exists for the caller of one study.
        organisation: The caller's.
    """
    if not found:
        return []
    first = min(found, key=lambda one: (one.custodian != organisation, one.custodian))
    return await of_persons(connection, found, [first.patient_key])


async def of_persons(connection: DatabaseConnection, found: Sequence[Copy], patient_keys: Iterable[int]) -> list[Copy]:
    """Return what is of one of the persons that some Patients are."""
    wanted = set(patient_keys)
    keys = list(dict.fromkeys([*wanted, *(one.patient_key for one in found)]))
    persons = await persons_of(connection, keys) if len(keys) > len(wanted) else {}
    those = {persons[key] for key in wanted if key in persons}
    return [one for one in found if one.patient_key in wanted or persons.get(one.patient_key) in those]
