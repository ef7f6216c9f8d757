from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.audit.checkpoint import Checkpoint, sign
from app.audit.note import Signer
from app.audit.tree import Frontier, leaf_hash
from app.backup.audit_tree import prove
from app.backup.failures import Damaged
from app.backup.manifest import AuditState

SIGNER = Signer.generate("hub.example/audit")
Tables = dict[str, list[tuple[Any, ...]]]


def a_log(*order: int, staged: tuple[int, ...] = ()) -> tuple[Tables, AuditState]:
    """Return the tables of a log whose leaves are the records of rows `order`; `staged` wait."""
    frontier = Frontier()
    leaves = []
    for leaf, row in enumerate(order):
        hashed = leaf_hash(b"record %d" % row)
        frontier.append(hashed)
        leaves.append((leaf, row, hashed))
    tables: Tables = {
        "audit_record": [(row, b"record %d" % row) for row in sorted([*order, *staged])],
        "audit_leaf": leaves,
        "audit_tree": [(1, frontier.size, frontier.to_bytes())],
        "audit_stage": [(row,) for row in staged],
        "audit_expired": [],
    }
    note = sign(Checkpoint("hub.example/audit", frontier.size, frontier.root()), SIGNER)
    return tables, AuditState(frontier.size, len(staged), note)


def _rows(tables: Tables) -> Callable[[str], Iterator[tuple[Any, ...]]]:
    return lambda name: iter(tables[name])


def test_a_log_holds_whose_records_came_into_the_tree_out_of_order_or_wait() -> None:
    tables, state = a_log(10, 30, 20, 60, 50, staged=(40, 70))

    prove(_rows(tables), state, SIGNER.verifier)


def test_a_log_holds_whose_first_records_retention_has_removed() -> None:
    tables, state = a_log(10, 30, 20, 60, 50, staged=(40,))
    tables["audit_record"] = [one for one in tables["audit_record"] if one[0] not in (10, 30)]

    with pytest.raises(Damaged, match="Record 0"):
        prove(_rows(tables), state, SIGNER.verifier)
    tables["audit_expired"] = [(1, 10, 0), (2, 30, 0)]

    prove(_rows(tables), state, SIGNER.verifier)


def test_a_log_that_has_not_begun_holds() -> None:
    tables: Tables = {name: [] for name in ("audit_record", "audit_leaf", "audit_tree", "audit_stage", "audit_expired")}

    prove(_rows(tables), AuditState(0, 0, ""), SIGNER.verifier)


def _alter(tables: Tables) -> None:
    tables["audit_record"][1] = (20, b"forged")


def _remove(tables: Tables) -> None:
    del tables["audit_record"][1]


def _remove_last(tables: Tables) -> None:
    del tables["audit_record"][2:]


def _add(tables: Tables) -> None:
    tables["audit_record"].append((99, b"slipped in"))


def _cut(tables: Tables) -> None:
    del tables["audit_leaf"][2]


def _unstage(tables: Tables) -> None:
    tables["audit_stage"].clear()


def _stage(tables: Tables) -> None:
    tables["audit_stage"].append((99,))


def _edge(tables: Tables) -> None:
    other, _ = a_log(1, 2, 3)
    tables["audit_tree"] = other["audit_tree"]


def _size(tables: Tables) -> None:
    tables["audit_tree"] = []


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_alter, "record 1 was altered"),
        (_remove, "Record 1 of the audit log is missing"),
        (_remove_last, "Record 2 of the audit log is missing"),
        (_add, "record of row 99 is neither in the tree nor waiting"),
        (_cut, "some are missing"),
        (_unstage, "record of row 40 is neither in the tree nor waiting"),
        (_stage, "A staged audit record is missing"),
        (_edge, "right edge"),
        (_size, "The audit tree has 0 records, the manifest names 3"),
    ],
)
def test_a_log_that_is_not_as_it_was_signed_is_refused(damage: Callable[[Tables], None], reason: str) -> None:
    tables, state = a_log(10, 20, 30, staged=(40,))
    damage(tables)

    with pytest.raises(Damaged, match=reason):
        prove(_rows(tables), state, SIGNER.verifier)


def test_a_log_of_another_key_is_refused() -> None:
    tables, state = a_log(10, 20, 30)

    with pytest.raises(Damaged, match="nothing is proven"):
        prove(_rows(tables), state, Signer.generate("hub.example/audit").verifier)


def test_records_without_a_checkpoint_are_refused() -> None:
    tables, _ = a_log(10)

    with pytest.raises(Damaged, match="records but no checkpoint"):
        prove(_rows(tables), AuditState(1, 0, ""), SIGNER.verifier)
