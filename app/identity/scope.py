"""From one of a person's Patients to all of them: searches of any find the records of each, as far as visible.

What is about them lies under their own keys, and under those of rows that belong to other patients as well.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sqlalchemy import ColumnElement, FromClause, Select, or_, select

from app.identity.tables import person_patient
from fhir.store.connection import Visibility
from fhir.store.in_order import by_hash, in_order
from fhir.store.tables import patient_chart, resource, resource_id
from fhir.store.types import NUMBERS


@runtime_checkable
class Naming(Protocol):
    """A visibility under which a Patient may be named that is not itself shown."""

    def names(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a Patient may be named."""
        ...


def _may_be_named(visibility: Visibility, patient: FromClause) -> ColumnElement[bool]:
    return visibility.names(patient) if isinstance(visibility, Naming) else visibility.condition(patient)


def patient_keys(hashes: Sequence[ColumnElement[int]], visibility: Visibility) -> Select[tuple[int]]:
    """Return the select of the patient keys of what is about the person whose Patient has one of `hashes`.

    The key of a row about two Patients of the person comes twice.

    The Patient itself must exist for the caller: a link through a hidden one would tell of it.
    """
    patient, one, other = resource.alias("p"), person_patient.alias("l"), person_patient.alias("o")
    chart = patient_chart.alias("h")
    return (
        select(chart.c.key.label("patient_key"))
        .select_from(
            in_order(
                in_order(
                    in_order(by_hash(patient), one, one.c.patient_key == patient.c.patient_key),
                    other,
                    other.c.person == one.c.person,
                ),
                chart,
                chart.c.patient_key == other.c.patient_key,
            )
        )
        .where(
            or_(*(resource_id.c.hash == one_hash for one_hash in hashes)),
            patient.c.type == NUMBERS["Patient"],
            patient.c.deleted == 0,
            _may_be_named(visibility, patient),
        )
    )


def own_keys(hashes: Sequence[ColumnElement[int]], visibility: Visibility) -> Select[tuple[int]]:
    """Return the select of the patient keys of what is about the Patient that has one of `hashes`, at its site alone.

    The Patient itself must exist for the caller.
    """
    patient, chart = resource.alias("p"), patient_chart.alias("h")
    return (
        select(chart.c.key.label("patient_key"))
        .select_from(in_order(by_hash(patient), chart, chart.c.patient_key == patient.c.patient_key))
        .where(
            or_(*(resource_id.c.hash == one_hash for one_hash in hashes)),
            patient.c.type == NUMBERS["Patient"],
            patient.c.deleted == 0,
            _may_be_named(visibility, patient),
        )
    )
