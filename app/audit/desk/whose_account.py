"""Whose person a patient's account is: the secretariat says so, once it has seen who comes to the counter."""

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select

from app.access.caller import Caller
from app.access.events import by, event
from app.access.tables import account
from app.audit.desk.tables import account_patient
from app.db import DatabaseConnection
from app.hub import Hub
from fhir.errors import InvalidValue

_KEY = select(account_patient.c.patient_key).where(account_patient.c.account == bindparam("account", type_=Integer))
_NAMES = (
    select(account.c.name)
    .join(account_patient, account_patient.c.account == account.c.key)
    .where(account_patient.c.patient_key == bindparam("patient_key", type_=BigInteger))
    .order_by(account.c.name)
)
_ACCOUNT = select(account.c.key).where(
    account.c.name == bindparam("name", type_=Text), account.c.role == "patient", account.c.disabled == 0
)
_UNLINK = delete(account_patient).where(account_patient.c.account == bindparam("k_account", type_=Integer))


async def patient_of(connection: DatabaseConnection, account_key: int) -> int | None:
    """Return the key of a Patient of the person whose account this is; None when nobody has said."""
    rows = await connection.fetch(_KEY, {"account": account_key})
    return int(rows[0][0]) if rows else None


async def accounts_of(connection: DatabaseConnection, patient_key: int) -> list[str]:
    """Return the names of the accounts that were linked with a Patient."""
    return [str(name) for (name,) in await connection.fetch(_NAMES, {"patient_key": patient_key})]


async def link(
    hub: Hub, caller: Caller, name: str, patient: str, patient_key: int, *, take: bool, network: str, path: str
) -> None:
    """Say, or take back, that a patient's account is that of the person with a Patient.

    Args:
        hub: The running hub.
        caller: The secretariat.
        name: The account.
        patient: `Patient/<id>`.
        patient_key: Its key.
        take: Whether it is taken back.
        network: The address the request came from.
        path: The form's address.

    Raises:
        InvalidValue: there is no such account of a patient.
    """
    async with hub.database.write() as connection:
        rows = await connection.fetch(_ACCOUNT, {"name": name})
        if not rows:
            raise InvalidValue("There is no such account of a patient", "account")
        key = int(rows[0][0])
        await connection.execute(_UNLINK, {"k_account": key})
        if not take:
            await connection.insert(account_patient, [(key, patient_key, hub.clock(), caller.user)])
        text = f"The account {name} is {'no longer ' if take else ''}that of {patient}"
        said = event(hub, "account", network=network, path=path, **by(caller), description=text, entities=(name,))
        await hub.audit.stage(connection, [said._replace(patient=patient, patient_key=patient_key)])
