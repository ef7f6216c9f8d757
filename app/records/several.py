"""Rows that belong to several patients: whose they are, and in whose charts they lie.

Such a row is about those of its patients that the type's own `patient` parameter reads, or about all when it reads
none. https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import BigInteger, and_, bindparam, delete, select

from app.db import DatabaseConnection
from fhir.search.hashing import hash64
from fhir.store.facts import patients, subjects
from fhir.store.stored import Stored
from fhir.store.tables import key_of_several, patient_chart, resource_id, resource_patient

_PATIENTS_OF = select(resource_patient.c.patient_key).where(
    resource_patient.c.row == bindparam("row", type_=BigInteger)
)
_WITH_CHARTS = (
    select(resource_patient.c.patient_key, patient_chart.c.key)
    .outerjoin(
        patient_chart,
        and_(
            patient_chart.c.patient_key == resource_patient.c.patient_key,
            patient_chart.c.key == bindparam("key", type_=BigInteger),
        ),
    )
    .where(resource_patient.c.row == bindparam("row", type_=BigInteger))
)
_OF_ID = select(resource_id.c.row).where(
    resource_id.c.hash == bindparam("hash", type_=BigInteger), resource_id.c.patient_key == resource_id.c.row
)
_TAKE_OUT = delete(patient_chart).where(
    patient_chart.c.patient_key == bindparam("k_patient", type_=BigInteger),
    patient_chart.c.key == bindparam("k_key", type_=BigInteger),
)


async def patients_of(connection: DatabaseConnection, patient_key: int) -> set[int]:
    """Return the keys of the Patients of a row with this patient key: itself, unless it belongs to several."""
    if patient_key >= 0:
        return {patient_key}
    return {key for (key,) in await connection.fetch(_PATIENTS_OF, {"row": key_of_several(patient_key)})}


class Several:
    """What a write transaction gathers of such rows."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection
        self._new: dict[int, set[int]] = {}
        self._put_in: list[tuple[int, int]] = []
        self._taken_out: list[dict[str, int]] = []

    async def patients_of(self, patient_keys: Iterable[int]) -> set[int]:
        """Return the keys of the Patients that rows with these patient keys belong to."""
        found: set[int] = set()
        for key in patient_keys:
            found |= await patients_of(self._connection, key) | self._new.get(key_of_several(key), set())
        return found

    async def belong(
        self, row: int, stored: Mapping[str, Any], named: Mapping[str, int], taken: AbstractSet[int]
    ) -> int:
        """Note whom a row belongs to and whom it is about, and return its patient key.

        A row that spoke of a patient once stays with that patient too: its older versions still do. It leaves the
        chart, though, when it is not about the patient any more.

        Args:
            row: Its number.
            stored: The resource.
            named: The keys of the Patients that it refers to, by their ids.
            taken: The keys of Patients that it takes over from what it points at.
        """
        key, ids = key_of_several(row), subjects(stored)
        everybody = {*named.values(), *taken}
        about = {named[id_] for id_ in named if id_ in ids} or everybody
        rows = await self._connection.fetch(_WITH_CHARTS, {"row": row, "key": key})
        known = {patient for patient, _ in rows}
        charts = {patient for patient, lies in rows if lies is not None}
        self._new[row] = everybody - known
        self._put_in += [(patient, key) for patient in sorted(about - charts)]
        self._taken_out += [{"k_patient": patient, "k_key": key} for patient in sorted(charts - about)]
        return key

    async def flush(self) -> None:
        """Write what was gathered."""
        belonging = [(row, key) for row, keys in self._new.items() for key in sorted(keys)]
        await self._connection.insert(resource_patient, belonging)
        await self._connection.insert(patient_chart, self._put_in)
        if self._taken_out:
            await self._connection.execute_many(_TAKE_OUT, self._taken_out)


async def belong_again(
    connection: DatabaseConnection, body: Stored, parsed: Mapping[str, Any], taken: Iterable[int]
) -> None:
    """Put a row of several patients into the charts that its body says, and take it out of the others.

    Args:
        connection: Inside a write transaction.
        body: The row.
        parsed: Its body.
        taken: The patient keys of what it points at.
    """
    several = Several(connection)
    named: dict[str, int] = {}
    for id_ in patients(bytes(body.body)):
        for (key,) in await connection.fetch(_OF_ID, {"hash": hash64(f"Patient/{id_}")}):
            named[id_] = key
    await several.belong(body.row, parsed, named, await several.patients_of(taken))
    await several.flush()
