"""Extends the tree by records: their leaves, the index by which they are found, and the tree's own row.

Inside a write transaction that holds the tree's row, so that no two extend one tree.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import orjson
from sqlalchemy import bindparam, insert, select, update

from app.audit.pointer import hash_of
from app.audit.tables import KINDS, audit_index, audit_leaf, audit_node, audit_tree
from app.audit.tile import HEIGHT
from app.audit.tree import Frontier
from app.db import DatabaseUnavailable, WriteConnection

BEGINNING = 0x7472_6565
"""The key of the lock under which the tree begins."""

MEMBERS = {"patient": "p", "user": "u", "organisation": "g", "client": "c", "custodian": "h"}
"""The members of a record that are indexed, by kind."""

_INDEXED = tuple((KINDS[kind], member) for kind, member in MEMBERS.items())

_TREE = select(audit_tree.c.size, audit_tree.c.frontier).where(audit_tree.c.id == 1).with_for_update()
_GROW = (
    update(audit_tree)
    .where(audit_tree.c.id == 1, audit_tree.c.size == bindparam("k_size"))
    .values(size=bindparam("n_size"), frontier=bindparam("n_frontier"))
)
_BEGIN = insert(audit_tree).values(id=1, size=0, frontier=bindparam("n_frontier"))


@lru_cache(maxsize=65_536)
def _key(text: str) -> int:
    """Return the first 64 bits of an HMAC in base64url, signed; the same few people ask again and again."""
    return hash_of(text)


def index_of(row: int, record: bytes) -> list[tuple[int, int, int]]:
    """Return the index rows of a record: the first 64 bits of each HMAC in it."""
    members = orjson.loads(record)
    return [(number, _key(members[member]), row) for number, member in _INDEXED if member in members]


async def frontier(connection: WriteConnection) -> Frontier:
    """Return the tree's right edge; its row is held until the transaction ends."""
    rows = await connection.fetch(_TREE, {})
    if not rows:
        # Two processes may begin the tree at once: the second one waits, and looks again.
        await connection.lock(BEGINNING)
        rows = await connection.fetch(_TREE, {})
    if rows:
        return Frontier.from_bytes(bytes(rows[0][1]))
    await connection.execute(_BEGIN, {"n_frontier": Frontier().to_bytes()})
    return Frontier()


async def grow(connection: WriteConnection, edge: Frontier, records: Sequence[tuple[int, bytes]]) -> None:
    """Put records in the tree, in their order.

    Args:
        connection: Inside the transaction.
        edge: What `frontier` returned in it; it grows.
        records: The number and the bytes of each.

    Raises:
        DatabaseUnavailable: another process extended the tree at the same time.
    """
    size = edge.size
    hashes = [hashlib.sha256(b"\x00" + record).digest() for _, record in records]
    nodes = []
    for leaf in hashes:
        completed = edge.append(leaf)
        levels = range(HEIGHT, len(completed), HEIGHT)
        nodes += [(level // HEIGHT, (edge.size - 1) >> level, completed[level]) for level in levels]
    leaves = [(leaf, row, digest) for leaf, ((row, _), digest) in enumerate(zip(records, hashes, strict=True), size)]
    await connection.insert(audit_leaf, leaves)
    if nodes:
        await connection.insert(audit_node, nodes)
    await connection.insert(audit_index, [key for row, record in records for key in index_of(row, record)])
    grown = {"k_size": size, "n_size": edge.size, "n_frontier": edge.to_bytes()}
    if await connection.execute(_GROW, grown) != 1:
        raise DatabaseUnavailable("Another process extended the audit tree at the same time")
