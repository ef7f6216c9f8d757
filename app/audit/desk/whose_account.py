"""Whose person a patient's account is: the secretariat says so, once it has seen who comes to the counter."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, Text, bindparam, delete, select

from app.access.caller import Caller
from app.access.events import by, event
from app.access.tables import account
from app.audit.desk.own_log import Known, patients_of
from app.audit.desk.tables import account_patient
from app.db import DatabaseConnection
from app.db.padded import padded, parameters
from app.hub import Hub
from fhir.errors import InvalidValue

_KEY = select(account_patient.c.patient_key).where(account_patient.c.account == bindparam("account", type_=Integer))
_ACCOUNT = select(account.c.key, account.c.disabled).where(
    account.c.name == bindparam("name", type_=Text), account.c.role == "patient"
)
_UNLINK = delete(account_patient).where(account_patient.c.account == bindparam("k_account", type_=Integer))


@lru_cache(maxsize=16)
def _names(count: int) -> Select[Any]:
    keys = parameters("key", count, BigInteger)
    return (
        select(account.c.name)
        .join(account_patient, account_patient.c.account == account.c.key)
        .where(account_patient.c.patient_key.in_(keys))
        .order_by(account.c.name)
    )


async def patient_of(connection: DatabaseConnection, account_key: int) -> int | None:
    """Return the key of a Patient of the person whose account this is; None when nobody has said."""
    rows = await connection.fetch(_KEY, {"account": account_key})
    return int(rows[0][0]) if rows else None


async def accounts_of(connection: DatabaseConnection, patients: Sequence[Known]) -> list[str]:
    """Return the names of the accounts that were linked with one of a person's Patients."""
    if not patients:
        return []
    values = padded("key", [one.key for one in patients])
    return [str(name) for (name,) in await connection.fetch(_names(len(values)), values)]


async def _before(connection: DatabaseConnection, held: int | None) -> Known | None:
    """Return the Patient that an account is linked with."""
    if held is None:
        return None
    return next((one for one in await patients_of(connection, held) if one.key == held), None)


async def link(
    hub: Hub, caller: Caller, name: str, patient: str, patient_key: int, *, take: bool, network: str, path: str
) -> None:
    """Say, or take back, that a patient's account is that of the person with a Patient.

    An account that was another person's is no longer: that is put on record of the other person too.

    Args:
        hub: The running hub.
        caller: The secretariat.
        name: The account; a disabled one is only taken.
        patient: `Patient/<id>`.
        patient_key: Its key.
        take: Whether it is taken back.
        network: The address the request came from.
        path: The form's address.

    Raises:
        InvalidValue: there is no such account of a patient, or it is not this person's that is taken back.
    """
    async with hub.database.write() as connection:
        rows = await connection.fetch(_ACCOUNT, {"name": name})
        if not rows or (rows[0][1] and not take):
            raise InvalidValue("There is no such account of a patient", "account")
        key, held = int(rows[0][0]), await patient_of(connection, int(rows[0][0]))
        own = {patient_key, *(one.key for one in await patients_of(connection, patient_key))}
        if take and held not in own:
            raise InvalidValue("The account is not that of this person", "account")
        before = await _before(connection, None if held in own else held)
        await connection.execute(_UNLINK, {"k_account": key})
        if not take:
            await connection.insert(account_patient, [(key, patient_key, hub.clock(), caller.user)])
        said = event(hub, "account", network=network, path=path, **by(caller), entities=(name,))
        events = []
        if before is not None:
            text = f"The account {name} is no longer that of {before.reference}"
            events.append(said._replace(patient=before.reference, patient_key=before.key, description=text))
        text = f"The account {name} is {'no longer ' if take else ''}that of {patient}"
        events.append(said._replace(patient=patient, patient_key=patient_key, description=text))
        await hub.audit.stage(connection, events)
