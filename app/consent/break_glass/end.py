"""Ending a case of break-glass before its time: by who broke the glass, by the secretariat, or with its session."""

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, update

from app.access import epoch
from app.access.caller import Caller
from app.access.events import by, event
from app.consent.break_glass.cases import Case, case_of
from app.consent.break_glass.tables import break_glass
from app.db import WriteConnection
from app.hub import Hub
from fhir.errors import NotFound

_values = {
    "ended": bindparam("n_now", type_=BigInteger),
    "ended_by": bindparam("n_by", type_=Text),
}
_live = (break_glass.c.ended == 0, break_glass.c.ends > bindparam("k_now", type_=BigInteger))
_END = (
    update(break_glass).where(break_glass.c.number == bindparam("k_number", type_=BigInteger), *_live).values(**_values)
)
_END_OF_HOLDER = (
    update(break_glass)
    .where(break_glass.c.holder == bindparam("k_holder", type_=LargeBinary), *_live)
    .values(**_values)
)


def may_end(caller: Caller, case: Case, now: int) -> bool:
    """Return whether a person may end a case now: who broke the glass, and the secretariat."""
    return case.is_open(now) and (case.is_of(caller) or caller.role == "secretariat")


async def end(hub: Hub, caller: Caller, number: int, *, network: str, path: str) -> None:
    """End a case; nothing is opened by it from the next request on, in every process.

    Raises:
        NotFound: there is none that is open and that the caller may end.
    """
    now = hub.clock()
    async with hub.database.write() as connection:
        case = await case_of(connection, number)
        if case is None or not may_end(caller, case, now):
            raise NotFound("There is no such case that can be ended")
        await connection.execute(_END, {"k_number": number, "k_now": now, "n_now": now, "n_by": caller.user})
        await epoch.grow(connection)
        text = f"The case of {case.user_title or case.user} was ended"
        told = event(
            *(hub, "break-glass-ended"),
            **{**by(caller), "patient": f"Patient/{case.patient}", "patient_key": case.patient_key},
            network=network,
            path=path,
            client=caller.client,
            description=text,
        )
        await hub.audit.stage(connection, [told])


async def end_of_holder(connection: WriteConnection, holder: bytes, now: int, by: str) -> None:
    """End the cases of a session or a token that ends, inside a write transaction."""
    values = {"k_holder": holder, "k_now": now, "n_now": now, "n_by": by}
    if await connection.execute(_END_OF_HOLDER, values):
        await epoch.grow(connection)
