"""Messages as they came: kept byte for byte with what they became, for their site alone; no door shows them.

A message holds in one piece what consent and labels tell apart, so it is nothing to disclose.
"""

import hashlib
from collections.abc import Iterable

import orjson
from sqlalchemy import BigInteger, Text, bindparam, delete

from app.db import WriteConnection
from app.exchange.mllp.tables import mllp_message, mllp_newest
from app.exchange.mllp.visit import Visit
from app.records.row_ids import new_id
from fhir.store.stored import Stored

_patient = mllp_message.c.patient_key == bindparam("k_patient", type_=BigInteger)
_OF_PATIENT = delete(mllp_message).where(_patient)
_NEWEST = delete(mllp_newest).where(mllp_newest.c.patient_key == bindparam("k_patient", type_=BigInteger))
_OF_RESOURCE = delete(mllp_message).where(_patient, mllp_message.c.written.contains(bindparam("k_link", type_=Text)))


async def keep(visit: Visit, connection: WriteConnection, patient_key: int, said: Iterable[str]) -> None:
    """Keep a message in the transaction that carries it out.

    Args:
        visit: The message.
        connection: The write's.
        patient_key: Whose it is.
        said: The resources that it says something of, `Type/id`: with each of them it is removed.
    """
    message, (row, _) = visit.message, new_id(visit.request.hub)
    links = orjson.dumps(sorted(said)).decode()
    custodian, name = visit.source.caller.organisation, visit.source.binding.name
    values = (
        *(patient_key, row, custodian, name, message.control_id, message.kind, visit.request.now, message.charset),
        *(hashlib.sha256(visit.body).digest(), links, visit.body),
    )
    await connection.insert(mllp_message, [values])


async def forget_messages(connection: WriteConnection, removed: Stored) -> None:
    """Remove the messages that say something of what is removed for good; of a Patient all of its messages."""
    patient = {"k_patient": removed.patient_key}
    if removed.type == "Patient":
        await connection.execute(_OF_PATIENT, patient)
        await connection.execute(_NEWEST, patient)
    else:
        await connection.execute(_OF_RESOURCE, {**patient, "k_link": f'"{removed.type}/{removed.id}"'})
