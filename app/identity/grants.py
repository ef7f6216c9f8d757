"""Grants follow the person: a Consent belongs to the Patient it names, its grants to the person that Patient now is.

When a Patient becomes another person's, the grants of its Consents do, in the same transaction: none of one person's is
left with the other, and none is lost. What they say depends on the Consent alone, so it stays as it was compiled.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, bindparam, exists, or_, select, update

from app.consent.tables import consent_grant
from app.db import DatabaseConnection
from app.identity.tables import person_patient
from fhir.spec.search_parameters import parameters
from fhir.store.tables import NO_PATIENT, index_reference, patient_chart, resource, resource_id
from fhir.store.types import NUMBERS

_NAMED = parameters("Consent")["patient"].id
_key = bindparam("patient_key", type_=BigInteger)

_names_the_patient = exists().where(
    index_reference.c.parameter == _NAMED,
    index_reference.c.patient_key == resource.c.patient_key,
    index_reference.c.row == resource.c.row,
    index_reference.c.version == resource.c.version,
    index_reference.c.target_hash == resource_id.c.hash,
)
_CONSENTS = (
    select(resource.c.row)
    .select_from(patient_chart)
    .join(resource, resource.c.patient_key == patient_chart.c.key)
    # A Patient's row is its patient key.
    .join(resource_id, (resource_id.c.patient_key == _key) & (resource_id.c.row == _key))
    .where(
        patient_chart.c.patient_key == _key,
        resource.c.type == NUMBERS["Consent"],
        # One about several Patients speaks for the one that it names as its patient; a deleted one names none any
        # more, and goes with each of them: that somebody has spoken is the more protective.
        or_(resource.c.patient_key > NO_PATIENT, resource.c.deleted == 1, _names_the_patient),
    )
)
_TAKE_ALONG = (
    update(consent_grant)
    .where(
        consent_grant.c.person == bindparam("k_person", type_=BigInteger),
        consent_grant.c.consent == bindparam("k_consent", type_=BigInteger),
    )
    .values(person=bindparam("n_person", type_=BigInteger))
)
_MOVE = (
    update(person_patient)
    .where(person_patient.c.patient_key == bindparam("k_key", type_=BigInteger))
    .values(person=bindparam("n_person", type_=BigInteger))
)


async def move(connection: DatabaseConnection, patient_keys: Sequence[int], before: int, after: int) -> None:
    """Make Patients of the person `before` those of the person `after`, with the grants of their Consents."""
    consents: set[int] = set()
    for key in patient_keys:
        consents |= {int(row) for (row,) in await connection.fetch(_CONSENTS, {"patient_key": key})}
    for consent in sorted(consents):
        await connection.execute(_TAKE_ALONG, {"k_person": before, "k_consent": consent, "n_person": after})
    await connection.execute_many(_MOVE, [{"k_key": key, "n_person": after} for key in patient_keys])
