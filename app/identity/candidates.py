"""Who may be the same person: Patients that share a key, as far as they exist under a visibility.

A key that too many share says nothing, and is passed over: so the cost of a Patient does not grow with the region.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Select, Subquery, bindparam, literal, select, union_all

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.identity.keys import MOST
from app.identity.tables import identity_key, person_patient
from app.identity.traits import Traits, traits_of
from fhir.store.connection import Visibility
from fhir.store.read import COLUMNS, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, resource, resource_version
from fhir.store.types import NUMBERS

PER_KEY = 40
"""Patients that may share a key before it is passed over."""

MOST_CANDIDATES = 50
"""Candidates that are compared: those that share the most keys."""

_NOBODY = 0
"""The hash in the place of a key that a Patient does not have; no Patient has the key 0 either."""


class Candidate(NamedTuple):
    """A Patient with what is compared of it."""

    stored: Stored
    person: int
    traits: Traits

    @property
    def key(self) -> int:
        """The key of the Patient."""
        return self.stored.patient_key


def _one_key(number: int) -> Select[tuple[int, int]]:
    found: Subquery = (
        select(identity_key.c.patient_key)
        .where(identity_key.c.hash == bindparam(f"key{number}", type_=BigInteger))
        .limit(PER_KEY + 1)
        .subquery(f"k{number}")
    )
    return select(literal(number).label("number"), found.c.patient_key)


_BY_KEYS = union_all(*(_one_key(number) for number in range(MOST)))


@by_shape
def _visible_by_key(visibility: Visibility) -> Select[tuple[int]]:
    """Return the Patients with one key that exist for the caller: the hidden fill no bucket."""
    return (
        select(identity_key.c.patient_key)
        .join(
            resource,
            (resource.c.patient_key == identity_key.c.patient_key) & (resource.c.row == identity_key.c.patient_key),
        )
        .where(identity_key.c.hash == bindparam("key", type_=BigInteger), visibility.condition(resource))
        .limit(PER_KEY + 1)
    )


@by_shape
def _read(visibility: Visibility) -> Select[tuple[object, ...]]:
    return (
        select(*COLUMNS, person_patient.c.person)
        .select_from(resource)
        .join(resource_version, CURRENT_VERSION)
        .join(person_patient, person_patient.c.patient_key == resource.c.patient_key)
        .where(
            resource.c.patient_key.in_([bindparam(f"p{n}", type_=BigInteger) for n in range(MOST_CANDIDATES)]),
            resource.c.row == resource.c.patient_key,
            resource.c.type == NUMBERS["Patient"],
            resource.c.deleted == 0,
            visibility.condition(resource),
        )
    )


async def _sharing(connection: DatabaseConnection, visibility: Visibility, keys: Sequence[int]) -> list[list[int]]:
    """Return, for each key, the Patients that have it; nobody for one that too many have."""
    found: list[list[int]] = [[] for _ in keys]
    if visibility is EVERYTHING_VISIBLE:
        padded = [*keys, *[_NOBODY] * (MOST - len(keys))]
        for number, patient in await connection.fetch(_BY_KEYS, {f"key{n}": key for n, key in enumerate(padded)}):
            found[number].append(int(patient))
    else:
        for number, key in enumerate(keys):
            rows = await connection.fetch(_visible_by_key(visibility), {"key": key, **visibility.values})
            found[number] = [int(patient) for (patient,) in rows]
    return [shared if len(shared) <= PER_KEY else [] for shared in found]


async def read_candidates(
    connection: DatabaseConnection, visibility: Visibility, patient_keys: Sequence[int]
) -> list[Candidate]:
    """Return Patients with what is compared of them, those that exist under `visibility`, in the order of the keys."""
    found: dict[int, Candidate] = {}
    for start in range(0, len(patient_keys), MOST_CANDIDATES):
        some = patient_keys[start : start + MOST_CANDIDATES]
        padded = [*some, *[_NOBODY] * (MOST_CANDIDATES - len(some))]
        values = {f"p{n}": key for n, key in enumerate(padded)} | dict(visibility.values)
        for *columns, person in await connection.fetch(_read(visibility), values):
            patient = stored(columns)
            found[patient.patient_key] = Candidate(patient, int(person), traits_of(bytes(patient.body)))
    return [found[key] for key in patient_keys if key in found]


async def find_candidates(
    connection: DatabaseConnection, visibility: Visibility, keys: Sequence[int], *, without: int = 0
) -> list[Candidate]:
    """Return those who may be the same person as a Patient with `keys`, no more than `MOST_CANDIDATES`.

    Args:
        connection: Where to read.
        visibility: Whose world it is.
        keys: By `app.identity.keys`.
        without: The key of the Patient itself.
    """
    shared = Counter(patient for some in await _sharing(connection, visibility, keys) for patient in some)
    shared.pop(without, None)
    nearest = sorted(shared, key=lambda patient: (-shared[patient], patient))[:MOST_CANDIDATES]
    return await read_candidates(connection, visibility, nearest)
