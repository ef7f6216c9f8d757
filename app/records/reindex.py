"""Reading stored resources off again: index rows, fixed columns, charts and grants, a batch a transaction.

A run begins where an interrupted one stopped. What a resource says is read from its stored body; labels are only added
to, for a body does not tell those of the document that it came from.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, SmallInteger, bindparam, or_, select

from app.access import epoch
from app.consent.compile import compile_consents
from app.db import Database, WriteConnection
from app.hub import Hub
from app.imaging.labels import label_images
from app.imaging.told_by import note_written
from app.records.inheritance import inherited
from app.records.labelled import pass_labels_on
from app.records.search_parameters.kept import VERSION as PARAMETERS
from app.records.search_parameters.known import lock_of
from app.records.several import belong_again
from app.records.superseded import kept_since
from app.settings import Settings
from fhir.belonging import POINTERS
from fhir.resource import parse
from fhir.search.extract import NO_INDEX, VERSION, Index, extract
from fhir.search.in_force import InForce
from fhir.search.internal import rows_of_deleted
from fhir.store.facts import Facts, facts
from fhir.store.read import COLUMNS, LAST_BODY, stored
from fhir.store.reindex import FIXED, fixed, replace_facts, replace_index
from fhir.store.stored import Stored
from fhir.store.tables import NO_PATIENT, resource, resource_version
from fhir.store.types import NUMBERS

BATCH = 500

FOLDING = "reindex folding"
"""The counter that says how strings of stored rows are folded: 0 by width, 1 as Japanese."""

EXTRACTED = "reindex version"
"""The counter that says by which `fhir.search.extract.VERSION` all stored rows were made at least."""

BEGUN = "reindex begun by version"
"""The counter that says by which version the last run over all types was begun."""

_LOCK = 0x7265_696E
"""The lock under which these counters begin."""

_ANY = select(resource.c.row).limit(1)
_UPDATED, _ROW = bindparam("at_updated", type_=BigInteger), bindparam("at_row", type_=BigInteger)
_BATCH = (
    select(*COLUMNS, resource.c.deleted, *FIXED, resource.c.last_updated)
    .join(resource_version, LAST_BODY)
    .where(
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.last_updated >= _UPDATED,
        or_(resource.c.last_updated > _UPDATED, resource.c.row > _ROW),
    )
    # As an index has them, so that a batch costs the same wherever it lies. What changes meanwhile is read once more.
    .order_by(resource.c.last_updated, resource.c.row)
    .limit(bindparam("count", type_=Integer))
)
_CONSENTS = _BATCH.with_for_update(read=True, of=resource)
"""The same of Consents: none of them is withdrawn, or withdrawn already, while it is compiled."""


class Progress(NamedTuple):
    """A batch that is done."""

    type: str
    resources: int
    mended: int
    """Resources whose fixed columns were not what their bodies say."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A resource read off again."""

    body: Stored
    deleted: int
    index: Index
    facts: Facts
    stale: bool
    """Whether the fixed columns say something else."""


def _marks(type_name: str) -> tuple[str, str]:
    """Return the counters that say where a run is: last change and row of the resource that was read last."""
    return f"reindex {type_name}", f"reindex {type_name} row"


async def _read(connection: WriteConnection, row: Sequence[Any], settings: Settings, known: InForce) -> _Read:
    body, (deleted, *before, _) = stored(row), row[len(COLUMNS) :]
    parsed = parse(bytes(body.body))
    index = extract(parsed, base_url=settings.fhir_address, japanese=settings.folds_japanese, known=known)
    taken: set[int] = set()
    labels = body.labels
    if body.type in POINTERS:
        taken, labels_taken = await inherited(connection, parsed, {}, body.custodian)
        labels |= labels_taken
    if body.patient_key < NO_PATIENT:
        await belong_again(connection, body, parsed, taken)
    found = facts(parsed, index, inherited_labels=labels)
    if deleted:
        index = NO_INDEX._replace(reference=rows_of_deleted(parsed))
    return _Read(body, deleted, index, found, fixed(found) != tuple(before))


async def _replace(
    connection: WriteConnection,
    found: Sequence[_Read],
    type_number: int,
    known: InForce,
    since: int,
    settings: Settings,
) -> int:
    """Write what was read off and return how many resources' fixed columns that changed.

    Index rows stay of older versions of what changed since the instant `since`.
    """
    there = [(one.body.patient_key, one.body.row, one.body.version + one.deleted, one.index) for one in found]
    changed = {(one.body.patient_key, one.body.row) for one in found if one.body.last_updated >= since}
    await replace_index(connection, there, type_number, known, changed=changed)
    stale = [one for one in found if one.stale]
    await replace_facts(
        connection,
        [(one.body.patient_key, one.body.row, one.body.version + one.deleted, one.facts) for one in stale],
    )
    await compile_consents(
        connection,
        [one.body for one in found if not one.deleted],
        base_url=settings.fhir_address,
        majority=settings.majority,
        refuse=False,
    )
    labelled = [one.body._replace(labels=one.facts.labels) for one in found if one.facts.labels]
    passed_on = await pass_labels_on(connection, labelled)
    mended = [one.body._replace(labels=one.facts.labels) for one in stale]
    await label_images(connection, [*mended, *passed_on])
    await note_written(connection, [one.body._replace(version=one.body.version + one.deleted) for one in found])
    return len(stale)


async def reindex_types(hub: Hub, types: Sequence[str], *, again: bool) -> AsyncIterator[Progress]:
    """Read the resources of `types` off again and yield what became of each batch.

    Where a run stopped is kept in the database, in the same transaction as the batch.
    """
    # Those that take over the labels of others come after these.
    known = await hub.search_parameters.refresh()
    again |= await _begins(hub, types)
    for type_name in sorted(types, key=POINTERS.__contains__):
        marks = _marks(type_name)
        updated, row = [0 if again else await epoch.value(hub.database.reader, one) for one in marks]
        while True:
            async with hub.database.write(sharing=lock_of(known.version)) as connection:
                known = await _known(hub, connection, known)
                values = {"type": NUMBERS[type_name], "at_updated": updated, "at_row": row, "count": BATCH}
                rows = await connection.fetch(_CONSENTS if type_name == "Consent" else _BATCH, values)
                # Written in the order of their rows, as by others.
                found = [await _read(connection, one, hub.settings, known) for one in sorted(rows, key=_row_of)]
                mended = await _replace(connection, found, NUMBERS[type_name], known, kept_since(hub), hub.settings)
                # Of what was deleted the last change is the deletion, not the body that is read.
                updated, row = (rows[-1][-1], _row_of(rows[-1])) if rows else (0, 0)
                for mark, at in zip(marks, (updated, row), strict=True):
                    await epoch.set_value(connection, mark, at)
            if not found:
                break
            yield Progress(type_name, len(found), mended)
    if set(types) == set(NUMBERS):
        async with hub.database.write() as connection:
            await epoch.set_value(connection, FOLDING, int(hub.settings.folds_japanese))
            await epoch.set_value(connection, EXTRACTED, VERSION)


def _row_of(row: Sequence[Any]) -> int:
    return stored(row).row


async def _begins(hub: Hub, types: Sequence[str]) -> bool:
    """Return whether a run over all types goes on from one of another release, and so begins anew."""
    if set(types) != set(NUMBERS) or await epoch.value(hub.database.reader, BEGUN) == VERSION:
        return False
    async with hub.database.write() as connection:
        await connection.lock(_LOCK)
        await epoch.set_value(connection, BEGUN, VERSION)
    return True


async def _known(hub: Hub, connection: WriteConnection, known: InForce) -> InForce:
    """Return the search parameters in force; rows of those that are gone would be left for ever."""
    if await epoch.value(connection, PARAMETERS) == known.version:
        return known
    return await hub.search_parameters.refresh()


async def note_version(database: Database) -> None:
    """Note that a hub without resources has no index rows of an older release."""
    if await is_due(database) and not await database.reader.fetch(_ANY, {}):
        async with database.write() as connection:
            # Several processes may start at once.
            await connection.lock(_LOCK)
            await epoch.set_value(connection, EXTRACTED, VERSION)


async def is_due(database: Database) -> bool:
    """Return whether there may be index rows that this release would make otherwise."""
    return await epoch.value(database.reader, EXTRACTED) != VERSION


async def is_folded_otherwise(database: Database, settings: Settings) -> bool:
    """Return whether the last whole run folded strings otherwise than the hub is set to now."""
    return await epoch.value(database.reader, FOLDING) != int(settings.folds_japanese)
