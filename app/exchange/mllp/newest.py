"""Late messages: what happened before what is known already changes nothing. Sites resend, and queues overtake."""

from sqlalchemy import BigInteger, bindparam, delete, select

from app.db import WriteConnection
from app.exchange.mllp.tables import mllp_newest
from fhir.errors import InvalidValue
from fhir.search import date
from fhir.search.hashing import hash64

_patient = mllp_newest.c.patient_key == bindparam("k_patient", type_=BigInteger)
_identity = mllp_newest.c.identity == bindparam("k_identity", type_=BigInteger)
_KNOWN = select(mllp_newest.c.happened).where(_patient, _identity)
_FORGET = delete(mllp_newest).where(_patient, _identity)


def instant(occurred: str) -> int | None:
    """Return the first instant of a FHIR dateTime in microseconds since 1970 UTC, None for none."""
    try:
        return date.interval(occurred)[0] if occurred else None
    except InvalidValue:
        return None


async def is_late(connection: WriteConnection, patient_key: int, identity: str, happened: int | None) -> bool:
    """Return whether something newer is known of what `identity` means; else note when this happened.

    Args:
        connection: Inside the write.
        patient_key: Whose it is.
        identity: What is meant: a reference by its identifier.
        happened: When it happened, in microseconds since 1970 UTC; None is never late.
    """
    if happened is None:
        return False
    key = {"k_patient": patient_key, "k_identity": hash64(identity)}
    rows = await connection.fetch(_KNOWN, key)
    if rows and int(rows[0][0]) > happened:
        return True
    if rows:
        await connection.execute(_FORGET, key)
    await connection.insert(mllp_newest, [(patient_key, key["k_identity"], happened)])
    return False
