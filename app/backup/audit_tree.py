"""The proof of a backup's audit log: its records, in the tree's order, give the root that the hub signed.

https://www.rfc-editor.org/rfc/rfc9162#section-2.1
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import desc, func, select

from app.audit import note
from app.audit.checkpoint import parse_text
from app.audit.note import Verifier
from app.audit.tables import audit_checkpoint, audit_expired, audit_leaf, audit_record, audit_stage, audit_tree
from app.audit.tree import Frontier
from app.audit.verify import verify
from app.backup.failures import Damaged
from app.backup.manifest import AuditState
from app.db import DatabaseConnection

Rows = Callable[[str], Iterator[tuple[Any, ...]]]
"""From a table's name to its rows in the order of its key."""

_SIZE = select(audit_tree.c.size)
_STAGED = select(func.count()).select_from(audit_stage)
_CHECKPOINT = select(audit_checkpoint.c.note).order_by(desc(audit_checkpoint.c.size)).limit(1)


async def state(connection: DatabaseConnection) -> AuditState:
    """Return the state of the log as `connection` sees it."""
    size = await connection.fetch(_SIZE, {})
    staged = await connection.fetch(_STAGED, {})
    checkpoint = await connection.fetch(_CHECKPOINT, {})
    return AuditState(
        size=int(size[0][0]) if size else 0,
        staged=int(staged[0][0]),
        checkpoint=str(checkpoint[0][0]) if checkpoint else "",
    )


class _Records:
    """Records in the order of the leaves: nearly that of their rows, so few of them wait."""

    def __init__(self, rows: Rows, gone: int) -> None:
        self._gone = gone
        """How many leaves, from the first, have no records: retention has removed them."""
        self._records = rows(audit_record.name)
        self._leaves = rows(audit_leaf.name)
        self._waiting: dict[int, bytes] = {}
        self._last = -1

    def __iter__(self) -> Iterator[bytes]:
        for leaf, row, _ in self._leaves:
            if leaf < self._gone:
                continue
            while self._last < row and (found := next(self._records, None)):
                self._last = found[0]
                self._waiting[self._last] = found[1]
            if row not in self._waiting:
                raise Damaged(f"Record {leaf} of the audit log is missing")
            yield self._waiting.pop(row)

    def outside(self) -> Iterator[int]:
        """Return the rows of the records that are in no leaf, in order, once the leaves have been read."""
        yield from sorted(self._waiting)
        for row, _ in self._records:
            yield row


def prove(rows: Rows, stated: AuditState, verifier: Verifier) -> None:
    """Prove that the rows are those of the log that `stated` describes and `verifier` signed.

    Raises:
        Damaged: they are not; the message names the first record that is wrong.
    """
    size, frontier = next(((one[1], bytes(one[2])) for one in rows(audit_tree.name)), (0, Frontier().to_bytes()))
    if size != stated.size:
        raise Damaged(f"The audit tree has {size} records, the manifest names {stated.size}")
    gone = max((int(one[0]) for one in rows(audit_expired.name)), default=0)
    records = _Records(rows, gone)
    hashes = (bytes(leaf[2]) for leaf in rows(audit_leaf.name))
    if stated.checkpoint:
        verdict = verify(iter(records), [stated.checkpoint], verifier, hashes=hashes, expired=gone)
        if not verdict.ok or verdict.proven != size:
            raise Damaged(f"The audit log does not hold: {verdict.message}")
        root = _root(stated.checkpoint)
        if Frontier.from_bytes(frontier).root() != root:
            raise Damaged("The audit tree's right edge is not that of its leaves")
    elif size or next(hashes, None) is not None:
        raise Damaged("The audit log has records but no checkpoint")
    staged = rows(audit_stage.name)
    for row in records.outside():
        if next(staged, (None,))[0] != row:
            raise Damaged(f"The audit record of row {row} is neither in the tree nor waiting for it")
    if next(staged, None) is not None:
        raise Damaged("A staged audit record is missing")


def _root(signed: str) -> bytes:
    """Return the root that a verified checkpoint states."""
    return parse_text(note.parse(signed)[0]).root
