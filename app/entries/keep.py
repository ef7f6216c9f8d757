"""Keeping an entry, in the transaction of what was entered: neither is there without the other."""

from collections.abc import Mapping

from app.access.caller import Caller
from app.access.events import by, event
from app.db import WriteConnection
from app.entries.entry import Responsible
from app.entries.patient import about
from app.entries.tables import CONFIRMED, WAITS, entry
from app.hub import Hub
from app.records.request import Settle
from app.records.writing import Writing


async def keep(
    hub: Hub,
    connection: WriteConnection,
    caller: Caller,
    kind: str,
    made: str,
    words: str,
    *,
    patient: str = "",
    responsible: Responsible,
    network: str = "",
    path: str = "",
) -> None:
    """Keep an entry that was confirmed; that it was entered for somebody else is on record.

    Args:
        hub: The running hub.
        connection: That of the write.
        caller: Who entered it.
        kind: One of `KINDS`.
        made: What was made: resources with their versions, or the number of a case.
        words: What was shown before it was confirmed.
        patient: The id of the Patient it is about; empty for several.
        responsible: For whom it was entered.
        network: The address the request came from.
        path: The form's address.
    """
    state, number = WAITS if responsible.name else CONFIRMED, hub.new_row()
    row = (number, kind, made, patient, words, caller.organisation, hub.clock(), caller.user, caller.user_title)
    await connection.insert(entry, [(*row, responsible.name, responsible.title, state, 0, "")])
    if responsible.name:
        description = f"Entry {number} of {caller.user}, {kind} {made}: entered for {responsible.name}"
        said = event(hub, "entry", network=network, path=path, **by(caller), description=description)
        await hub.audit.stage(connection, [await about(connection, patient, said)])


def settling(
    hub: Hub, caller: Caller, kind: str, words: str, *, made: str = "", patient: str = "", responsible: Responsible
) -> Settle:
    """Return what keeps an entry when a request that writes is committed; it names the versions that were written.

    Args:
        hub: The running hub.
        caller: Who entered it.
        kind: One of `KINDS`.
        words: What was shown before it was confirmed.
        made: What it is about when no resource is written.
        patient: The id of the Patient it is about.
        responsible: For whom it was entered.
    """

    async def settle(writing: Writing, _: Mapping[int, bytes] | None) -> None:
        written = " ".join(f"{one.type}/{one.id}/_history/{one.version}" for one in writing.written)
        await keep(
            *(hub, writing.connection, caller, kind, made or written, words),
            patient=patient,
            responsible=responsible,
            network=writing.request.network,
            path=writing.request.path,
        )

    return settle
