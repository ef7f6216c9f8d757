"""What is known of signatures, kept beside the version that carries them: written with it, and removed with it."""

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, delete, select, update

from app.db import DatabaseConnection, WriteConnection
from app.records.signatures.tables import signature_check
from fhir.signatures.verdict import Verdict, verdict_of
from fhir.store.stored import Stored

Signed = tuple[Stored, tuple[Verdict, ...] | None]
"""A version that carries signatures, and what they are; None when nobody has looked yet."""

_VERSION = and_(
    signature_check.c.patient_key == bindparam("k_patient", type_=BigInteger),
    signature_check.c.row == bindparam("k_row", type_=BigInteger),
    signature_check.c.version == bindparam("k_version", type_=Integer),
)
_OF = select(signature_check.c.checked, signature_check.c.verdicts).where(_VERSION)
_FOUND = (
    update(signature_check)
    .where(_VERSION)
    .values(checked=bindparam("n_checked", type_=BigInteger), verdicts=bindparam("n_verdicts", type_=Text))
)
_AGAIN = update(signature_check).values(checked=0)
_FORGET = delete(signature_check).where(
    signature_check.c.patient_key == bindparam("k_patient", type_=BigInteger),
    signature_check.c.row == bindparam("k_row", type_=BigInteger),
    signature_check.c.version < bindparam("k_version", type_=Integer),
)


def _text(verdicts: Sequence[Verdict]) -> str:
    return orjson.dumps([one.as_dict() for one in verdicts]).decode()


def _place(stored: Stored, version: int) -> dict[str, int]:
    return {"k_patient": stored.patient_key, "k_row": stored.row, "k_version": version}


async def keep_verdicts(connection: WriteConnection, signed: Iterable[Signed], now: int) -> bool:
    """Keep what is known of the versions that a transaction writes; return whether one is yet to be looked at."""
    rows = [
        (one.patient_key, one.row, one.version, 0 if verdicts is None else now, _text(verdicts or ()))
        for one, verdicts in signed
    ]
    await connection.insert(signature_check, rows)
    return any(not row[3] for row in rows)


async def settle_verdicts(connection: WriteConnection, stored: Stored, verdicts: Sequence[Verdict], now: int) -> None:
    """Keep what was found of a version that waited."""
    values = {**_place(stored, stored.version), "n_checked": now, "n_verdicts": _text(verdicts)}
    await connection.execute(_FOUND, values)


async def kept_verdicts(connection: DatabaseConnection, stored: Stored) -> list[Verdict] | None:
    """Return the verdicts of a version: none when it carries no signature, None when nobody has looked yet.

    The version is one that the caller may read.
    """
    rows = await connection.fetch(_OF, _place(stored, stored.version))
    if not rows:
        return []
    checked, verdicts = rows[0]
    return [verdict_of(one) for one in orjson.loads(verdicts)] if checked else None


async def forget_verdicts(connection: WriteConnection, stored: Stored, before: int) -> None:
    """Remove what is known of the versions before one, with those versions."""
    await connection.execute(_FORGET, _place(stored, before))


async def check_all_again(connection: WriteConnection) -> int:
    """Have all signatures looked at once more, when whom the hub trusts has changed; return how many versions."""
    return await connection.execute(_AGAIN, {})
