"""The word of the responsible person on what was entered for them: approved, or declined with a reason.

What was entered counts from its confirmation on. Declined, it is put right by a new entry: nothing is undone by itself.
"""

from sqlalchemy import BigInteger, Text, bindparam, update

from app.access.caller import Caller
from app.access.events import by, event
from app.entries.entry import LONGEST, Entry
from app.entries.patient import about
from app.entries.tables import APPROVED, DECLINED, WAITS, entry
from app.hub import Hub
from fhir.errors import Conflict, Forbidden, InvalidValue

_SET = (
    update(entry)
    .where(entry.c.number == bindparam("k_number", type_=BigInteger), entry.c.state == WAITS)
    .values(
        state=bindparam("n_state", type_=Text),
        decided=bindparam("n_decided", type_=BigInteger),
        remark=bindparam("n_remark", type_=Text),
    )
)


def may_decide(caller: Caller, one: Entry) -> bool:
    """Return whether a person approves an entry: the one for whom it was entered, and nobody the own work."""
    return one.waits and caller.user == one.for_whom and caller.user != one.by


async def decide(hub: Hub, caller: Caller, one: Entry, act: str, remark: str, *, network: str, path: str) -> None:
    """Approve or decline an entry.

    Raises:
        Forbidden: it was entered for somebody else.
        InvalidValue: there is no such act, or it is declined without a reason.
        Conflict: it does not wait any more.
    """
    states = {"approve": APPROVED, "decline": DECLINED}
    if act not in states:
        raise InvalidValue("An entry is approved or declined", "act")
    text = " ".join(remark.split())
    if len(text) > LONGEST or not text.isprintable() or (act == "decline" and not text):
        raise InvalidValue(f"A reason is needed, of {LONGEST} characters at most", "remark")
    if not one.waits:
        raise Conflict("It was approved or declined before")
    if not may_decide(caller, one):
        raise Forbidden("It was entered for somebody else")
    async with hub.database.write() as connection:
        values = {"k_number": one.number, "n_state": states[act], "n_decided": hub.clock(), "n_remark": text}
        if not await connection.execute(_SET, values):
            raise Conflict("It was approved or declined before")
        description = f"Entry {one.number} of {one.by}, {one.kind} {one.about}: {states[act]}"
        said = event(hub, "entry", network=network, path=path, **by(caller), description=description)
        await hub.audit.stage(connection, [await about(connection, one.patient, said)])
