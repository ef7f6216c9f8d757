"""The keys of texts that are removed for good, as far as no other text of the same patient has them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, or_, select

from fhir.store.connection import WriteConnection
from fhir.store.tables import NO_PATIENT, index_gram, index_text
from fhir.store.write import REMOVE, Texts, removal

CHUNK = 200
"""Texts that are read at once."""

_LAST_ROW = 2**63 - 1
_after = bindparam("after", type_=BigInteger)
_OTHERS = (
    select(index_text)
    .where(
        index_text.c.parameter == bindparam("parameter", type_=Integer),
        index_text.c.patient_key == bindparam("key", type_=BigInteger),
        # Said apart, so that both databases begin there in the index.
        index_text.c.row >= _after,
        or_(index_text.c.row > _after, index_text.c.version > bindparam("after_version", type_=Integer)),
        index_text.c.row <= bindparam("last", type_=BigInteger),
    )
    .order_by(index_text.c.row, index_text.c.version)
    .limit(bindparam("limit", type_=Integer))
)


async def forget(connection: WriteConnection, gone: Sequence[tuple[Any, ...]]) -> None:
    """Remove the keys that the texts of expunged versions alone have.

    Whoever writes texts meanwhile waits: a key that another transaction found there must not be taken from it.

    Args:
        connection: Inside a write transaction, which has removed the rows of the texts.
        gone: Those rows of `index_text`.
    """
    texts = Texts()
    texts.add(gone)
    keys = texts.keys
    if not keys:
        return
    await connection.keep_out(index_gram)
    places = {(parameter, key, row) for parameter, _, key, row in keys}
    for place in sorted(places):
        keys -= await _kept(connection, *place)
    if keys:
        await connection.execute_many(REMOVE[index_gram], [removal(index_gram, key) for key in sorted(keys)])


async def _kept(connection: WriteConnection, parameter: int, key: int, row: int) -> set[tuple[int, int, int, int]]:
    """Return the keys that texts of a place still have."""
    after, last = (row, row) if key == NO_PATIENT else (0, _LAST_ROW)
    version = 0
    found: set[tuple[int, int, int, int]] = set()
    while True:
        values = {"parameter": parameter, "key": key, "after": after, "after_version": version}
        rows = [tuple(one) for one in await connection.fetch(_OTHERS, {**values, "last": last, "limit": CHUNK})]
        texts = Texts()
        texts.add(rows)
        found |= texts.keys
        if len(rows) < CHUNK:
            return found
        _, _, after, version, *_ = rows[-1]
