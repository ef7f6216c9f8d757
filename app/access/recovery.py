"""Recovery codes: for the day the device is not at hand. Ten, shown once, kept as digests, each good once.

Sixteen letters and digits each, 80 random bits; I, O, 0 and 1 do not occur in base32 as it is written here.
"""

import re
import secrets
from collections.abc import Sequence

from sqlalchemy import BigInteger, Integer, LargeBinary, bindparam, delete, insert

from app.access.caller import Caller
from app.access.events import by, event
from app.access.person_tables import recovery_code
from app.access.tokens import digest
from app.db import WriteConnection
from app.hub import Hub

CODES = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 16

_FORGET = delete(recovery_code).where(recovery_code.c.account == bindparam("account", type_=Integer))
_ADD = insert(recovery_code).values({column: bindparam(f"n_{column.name}") for column in recovery_code.columns})
_USE = (
    recovery_code.update()
    .where(
        recovery_code.c.account == bindparam("k_account", type_=Integer),
        recovery_code.c.digest == bindparam("k_digest", type_=LargeBinary),
        recovery_code.c.used == 0,
    )
    .values(used=bindparam("n_used", type_=BigInteger))
)


def new_code() -> str:
    """Return a code in groups of four, as a person reads it."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[at : at + 4] for at in range(0, _LENGTH, 4))


def normal(typed: str) -> str:
    """Return a code without what people put between its letters; empty when it is none."""
    plain = re.sub(r"[\s-]", "", typed).upper()
    return plain if len(plain) == _LENGTH and all(one in _LETTERS for one in plain) else ""


def digest_of(account: int, typed: str) -> bytes:
    """Return the digest under which a person's code is kept."""
    return digest(f"recovery\n{account}\n{normal(typed)}")


async def renew(hub: Hub, caller: Caller, *, network: str = "") -> Sequence[str]:
    """Return new codes of the caller; the older ones are forgotten. They are never shown again.

    Raises:
        DatabaseUnavailable: the older ones still hold.
    """
    codes, now = [new_code() for _ in range(CODES)], hub.clock()
    async with hub.database.write() as connection:
        await connection.execute(_FORGET, {"account": caller.account})
        for code in codes:
            row = {"n_account": caller.account, "n_digest": digest_of(caller.account, code), "n_made": now, "n_used": 0}
            await connection.execute(_ADD, row)
        text = "New recovery codes were made"
        told = event(hub, "account", network=network, path="/account/recovery-codes", **by(caller), description=text)
        await hub.audit.stage(connection, [told])
    return codes


async def use(connection: WriteConnection, account: int, typed: str, now: int) -> bool:
    """Return whether a code is one of the person's that was not used, and use it up."""
    if not normal(typed):
        return False
    values = {"k_account": account, "k_digest": digest_of(account, typed), "n_used": now}
    return await connection.execute(_USE, values) == 1
