"""Proofs and tiles out of the database: each reads a few hundred hashes, whatever the log's size.

https://www.rfc-editor.org/rfc/rfc9162#section-2.1
https://c2sp.org/tlog-tiles
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, SmallInteger, bindparam, select

from app.audit import tree
from app.audit.proof_text import inclusion_text
from app.audit.tables import audit_checkpoint, audit_cosignature, audit_leaf, audit_node, audit_record, audit_tree
from app.audit.tile import HEIGHT, MOST_LEVEL, Tile
from app.audit.tree import Node
from app.audit.witness.add_checkpoint import Submission
from app.db import DatabaseConnection

_SIZE = select(audit_tree.c.size).where(audit_tree.c.id == 1)
_LEAVES = (
    select(audit_leaf.c.hash)
    .where(
        audit_leaf.c.leaf >= bindparam("first", type_=BigInteger),
        audit_leaf.c.leaf < bindparam("end", type_=BigInteger),
    )
    .order_by(audit_leaf.c.leaf)
)
_NODES = (
    select(audit_node.c.hash)
    .where(
        audit_node.c.level == bindparam("level", type_=SmallInteger),
        audit_node.c.position >= bindparam("first", type_=BigInteger),
        audit_node.c.position < bindparam("end", type_=BigInteger),
    )
    .order_by(audit_node.c.position)
)
_NEWEST = select(audit_checkpoint.c.size, audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc()).limit(1)
_RECORD = (
    select(audit_record.c.record)
    .join(audit_leaf, audit_leaf.c.row == audit_record.c.row)
    .where(audit_leaf.c.leaf == bindparam("leaf", type_=BigInteger))
)

_LINES = (
    select(audit_cosignature.c.line)
    .where(audit_cosignature.c.size == bindparam("size", type_=BigInteger))
    .order_by(audit_cosignature.c.witness)
)


class DamagedTree(Exception):
    """Hashes of the tree are missing in the database."""


async def size(connection: DatabaseConnection) -> int:
    """Return the number of records in the tree."""
    rows = await connection.fetch(_SIZE, {})
    return int(rows[0][0]) if rows else 0


async def tile(connection: DatabaseConnection, wanted: Tile) -> bytes:
    """Return the hashes of a tile that the tree holds, 32 bytes each."""
    first = wanted.first
    return b"".join(await _hashes(connection, wanted.level, first, first + wanted.width))


async def root(connection: DatabaseConnection, size: int) -> bytes:
    """Return the root of the first `size` leaves."""
    if not size:
        return tree.EMPTY_ROOT
    hashes = await _read(connection, tree.perfect_subtrees(0, size))
    result = hashes.pop()
    while hashes:
        result = tree.node_hash(hashes.pop(), result)
    return result


async def inclusion(connection: DatabaseConnection, index: int, size: int) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of the first `size` leaves.

    Raises:
        IndexError: it is not.
    """
    nodes: list[Node] = []
    tree.inclusion_proof(index, size, _asked(nodes))
    return tree.inclusion_proof(index, size, _told(await _read(connection, nodes)))


async def consistency(connection: DatabaseConnection, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of the first `new` leaves begins with that of the first `old`.

    Raises:
        IndexError: not 0 <= old <= new.
    """
    nodes: list[Node] = []
    tree.consistency_proof(old, new, _asked(nodes))
    return tree.consistency_proof(old, new, _told(await _read(connection, nodes)))


def _asked(nodes: list[Node]) -> tree.HashReader:
    """Return a reader that notes what a proof is made of: reading is done by the event loop, before the second run."""

    def read(wanted: Sequence[Node]) -> list[bytes]:
        nodes.extend(wanted)
        return [tree.EMPTY_ROOT] * len(wanted)

    return read


def _told(hashes: list[bytes]) -> tree.HashReader:
    return lambda _: hashes


async def _read(connection: DatabaseConnection, nodes: Sequence[Node]) -> list[bytes]:
    """Return the roots of perfect subtrees, each from at most 128 hashes of the level of tiles below it."""
    roots = []
    for level, position in nodes:
        below = min(level // HEIGHT, MOST_LEVEL)
        count = 1 << (level - below * HEIGHT)
        hashes = await _hashes(connection, below, position * count, (position + 1) * count)
        while len(hashes) > 1:
            pairs = range(0, len(hashes), 2)
            hashes = [tree.node_hash(hashes[at], hashes[at + 1]) for at in pairs]
        roots += hashes
    return roots


async def _hashes(connection: DatabaseConnection, level: int, first: int, end: int) -> list[bytes]:
    values = {"first": first, "end": end}
    if level:
        rows = await connection.fetch(_NODES, values | {"level": level})
    else:
        rows = await connection.fetch(_LEAVES, values)
    if len(rows) != end - first:
        raise DamagedTree(f"of the hashes {first} to {end - 1} of level {level}, {len(rows)} are there")
    return [bytes(one) for (one,) in rows]


async def newest(connection: DatabaseConnection) -> tuple[int, str]:
    """Return the newest checkpoint: its size, and the note with what witnesses have signed beside it.

    Raises:
        IndexError: nothing was signed yet.
    """
    rows = await connection.fetch(_NEWEST, {})
    if not rows:
        raise IndexError("the log has no checkpoint yet")
    size, signed = int(rows[0][0]), str(rows[0][1])
    return size, signed + "".join(str(line) for (line,) in await connection.fetch(_LINES, {"size": size}))


async def record(connection: DatabaseConnection, index: int) -> bytes:
    """Return the sealed record of a leaf.

    Raises:
        IndexError: there is none.
    """
    rows = await connection.fetch(_RECORD, {"leaf": index})
    if not rows:
        raise IndexError(f"the log has no record {index}")
    return bytes(rows[0][0])


async def record_text(connection: DatabaseConnection, index: int) -> str:
    """Return the proof, as text, that a record is in the log of the newest checkpoint.

    Raises:
        IndexError: it is not, or not yet.
    """
    covered, signed = await newest(connection)
    return inclusion_text(index, await inclusion(connection, index, covered), signed)


async def growth_text(connection: DatabaseConnection, old: int) -> str:
    """Return the proof, as text, that the log of the newest checkpoint begins with that of `old` records.

    Raises:
        IndexError: the log has no so many records.
    """
    covered, signed = await newest(connection)
    return Submission(old, tuple(await consistency(connection, old, covered)), signed).to_bytes().decode()
