"""Indexing what came before a parameter, and forgetting one that is gone: beside the requests, in small transactions.

Where a parameter is lies in its row, in the transaction of each batch: after a restart it goes on from there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, SmallInteger, and_, bindparam, delete, or_, select, update

from app.background import started
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.records.search_parameters.follow import changed
from app.records.search_parameters.kept import BLOCK, Kept, all_kept
from app.records.search_parameters.tables import ACTIVE, INDEXING, REMOVING, search_parameter
from app.records.search_parameters.turn import Lost, Turn, settle, taken
from fhir.resource import parse
from fhir.search.extract import extract_own
from fhir.search.in_force import InForce, in_force
from fhir.store.fill import add_index, remove_index
from fhir.store.read import COLUMNS, LAST_BODY, stored
from fhir.store.tables import resource, resource_version

EVERY_SECONDS = 5.0
"""How often a process looks for parameters that another has been given or has left."""

BATCH = 200
"""Resources that one transaction reads, and rows of a table that one removes."""

_UPDATED, _ROW = bindparam("at_updated", type_=BigInteger), bindparam("at_row", type_=BigInteger)
_AFTER = or_(resource.c.last_updated > _UPDATED, and_(resource.c.last_updated == _UPDATED, resource.c.row > _ROW))
_BATCH = (
    select(*COLUMNS, resource.c.deleted, resource.c.last_updated)
    .join(resource_version, LAST_BODY)
    .where(resource.c.type == bindparam("type", type_=SmallInteger))
    .where(resource.c.last_updated >= _UPDATED, _AFTER, resource.c.last_updated <= bindparam("until", type_=BigInteger))
    .order_by(resource.c.last_updated, resource.c.row)
    .limit(bindparam("count", type_=Integer))
)
_NUMBER = bindparam("k_number", type_=Integer)
_ADVANCE = (
    update(search_parameter)
    .where(search_parameter.c.number == _NUMBER, search_parameter.c.state == INDEXING)
    .values(
        at_updated=bindparam("n_updated", type_=BigInteger),
        at_row=bindparam("n_row", type_=BigInteger),
        done=search_parameter.c.done + bindparam("n_count", type_=BigInteger),
        state=bindparam("n_state", type_=SmallInteger),
    )
)
_FORGET = delete(search_parameter).where(search_parameter.c.number == _NUMBER)

logger = logging.getLogger(__name__)


def _together(rows: Sequence[Kept]) -> list[Kept]:
    """Return the parameters that are indexed next: of one type, and as far as each other."""
    waiting = [one for one in rows if one.state == INDEXING and one.until]
    place = min(((one.type, one.at_updated, one.at_row, one.until) for one in waiting), default=None)
    return [one for one in waiting if (one.type, one.at_updated, one.at_row, one.until) == place]


async def _index_batch(hub: Hub, turn: Turn) -> bool:
    """Index the next resources and return whether there were any parameters to do it for."""
    async with hub.database.write() as connection:
        await turn.keep(connection)
        group = _together(await all_kept(connection))
        if not group:
            return False
        known, at = in_force(0, [one.parameter for one in group], {}), group[0]
        values = {"type": at.type, "at_updated": at.at_updated, "at_row": at.at_row, "until": at.until, "count": BATCH}
        rows = await connection.fetch(_BATCH, values)
        await add_index(connection, [_read(hub, row, known) for row in rows if not row[len(COLUMNS)]])
        whole = len(rows) < BATCH
        last = stored(rows[-1]) if rows else None
        for one in group:
            step = {"k_number": one.number, "n_count": len(rows), "n_state": ACTIVE if whole else INDEXING}
            step["n_updated"] = rows[-1][len(COLUMNS) + 1] if rows else at.at_updated
            step["n_row"] = last.row if last else at.at_row
            await connection.execute(_ADVANCE, step)
        if whole:
            await changed(connection)
    if whole:
        logger.info("Indexed: %s", ", ".join(f"{one.parameter.base} {one.code}" for one in group))
    return True


def _read(hub: Hub, row: Sequence[Any], known: InForce) -> tuple[int, int, int, Any]:
    one, settings = stored(row), hub.settings
    body = parse(bytes(one.body))
    index = extract_own(body, base_url=settings.fhir_address, japanese=settings.folds_japanese, known=known)
    return one.patient_key, one.row, one.version, index


async def _remove_batch(hub: Hub, turn: Turn) -> bool:
    """Remove the next rows of a parameter that is gone, and return whether there is one."""
    async with hub.database.write() as connection:
        await turn.keep(connection)
        gone = [one.number for one in await all_kept(connection) if one.state == REMOVING and one.until]
        if not gone:
            return False
        if await remove_index(connection, gone[0], gone[0] + BLOCK, most=BATCH) == 0:
            await connection.execute(_FORGET, {"k_number": gone[0]})
    return True


async def run_waiting(hub: Hub, *, rest: bool = True) -> None:
    """Do all that waits, unless another process is at it.

    Args:
        hub: The running hub.
        rest: Whether to pause as long as was worked, so that requests and writes come in between.
    """
    while any(one.state != ACTIVE for one in await all_kept(hub.database.reader)):
        turn = await taken(hub)
        if turn is None:
            return
        try:
            await settle(hub)
            for work in (_remove_batch, _index_batch):
                begun = time.monotonic()
                while await work(hub, turn):
                    await asyncio.sleep(time.monotonic() - begun if rest else 0)
                    begun = time.monotonic()
        except Lost:
            return
        finally:
            await turn.end()


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(hub, every_seconds), "search parameters")


async def _run(hub: Hub, every_seconds: float) -> None:
    while True:
        try:
            await run_waiting(hub)
            await hub.search_parameters.follow()
        except DatabaseUnavailable as error:
            logger.warning("Search parameters wait for the database: %s", error)
        except Exception:
            logger.exception("Search parameters cannot be indexed")
        try:
            async with asyncio.timeout(every_seconds):
                await hub.search_parameters_wait.wait()
        except TimeoutError:
            logger.debug("Another process may have left a search parameter")
        hub.search_parameters_wait.clear()
