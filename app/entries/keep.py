"""Keeping an entry, in the transaction of what was entered: neither is there without the other."""

from collections.abc import Mapping

from app.access.caller import Caller
from app.db import WriteConnection
from app.entries.entry import Responsible
from app.entries.tables import CONFIRMED, WAITS, entry
from app.hub import Hub
from app.records.request import Settle
from app.records.writing import Writing


async def keep(
    hub: Hub,
    connection: WriteConnection,
    caller: Caller,
    kind: str,
    about: str,
    words: str,
    *,
    patient: str = "",
    responsible: Responsible,
) -> None:
    """Keep an entry that was confirmed.

    Args:
        hub: The running hub.
        connection: That of the write.
        caller: Who entered it.
        kind: One of `KINDS`.
        about: What was made: resources with their versions, or the number of a case.
        words: What was shown before it was confirmed.
        patient: The id of the Patient it is about; empty for several.
        responsible: For whom it was entered.
    """
    state = WAITS if responsible.name else CONFIRMED
    row = (hub.new_row(), kind, about, patient, words, caller.organisation, hub.clock(), caller.user, caller.user_title)
    await connection.insert(entry, [(*row, responsible.name, responsible.title, state, 0, "")])


def settling(
    hub: Hub, caller: Caller, kind: str, words: str, *, about: str = "", patient: str = "", responsible: Responsible
) -> Settle:
    """Return what keeps an entry when a request that writes is committed; it names the versions that were written.

    Args:
        hub: The running hub.
        caller: Who entered it.
        kind: One of `KINDS`.
        words: What was shown before it was confirmed.
        about: What it is about when no resource is written.
        patient: The id of the Patient it is about.
        responsible: For whom it was entered.
    """

    async def settle(writing: Writing, _: Mapping[int, bytes] | None) -> None:
        made = " ".join(f"{one.type}/{one.id}/_history/{one.version}" for one in writing.written)
        place = (hub, writing.connection, caller)
        await keep(*place, kind, about or made, words, patient=patient, responsible=responsible)

    return settle
