import asyncio
import gc
import threading
import weakref

import pytest
from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from app.db.compiled import LARGE, Compiler
from fhir.store.statement import Statement
from fhir.store.statements import MOST_KEPT, by_shape
from fhir.store.tables import resource

ROW = bindparam("wanted", type_=BigInteger)


class Shaped:
    """A visibility that is only told from others by its shape."""

    values: dict[str, int] = {}  # noqa: RUF012 - never changed

    def __init__(self, shape):
        self.shape = shape


def compiler():
    return Compiler(sqlite.dialect(paramstyle="qmark"))


def test_a_statement_is_built_once_and_its_tree_let_go():
    trees = []

    def build():
        tree = select(resource.c.id).where(resource.c.row == ROW)
        trees.append(weakref.ref(tree))
        return tree

    statement, compile_ = Statement(build), compiler()
    made = compile_(statement)
    gc.collect()

    assert compile_(statement) is made
    assert [tree() for tree in trees] == [None]
    assert made.values({"wanted": 7}) == (7,)


def test_each_dialect_has_a_text_of_its_own():
    statement = Statement(lambda: select(resource.c.id).where(resource.c.row == ROW))

    texts = [
        Compiler(dialect)(statement).text
        for dialect in (sqlite.dialect(paramstyle="qmark"), postgresql.dialect(paramstyle="numeric_dollar"))
    ]

    assert [("?1" in text, "$1" in text) for text in texts] == [(True, False), (False, True)]


def test_a_shape_has_one_statement():
    build = by_shape(lambda _, limit: select(resource.c.id).limit(limit))

    assert build(Shaped("a"), 1) is build(Shaped("a"), 1)
    assert build(Shaped("a"), 1) is not build(Shaped("b"), 1)
    assert build(Shaped("a"), 1) is not build(Shaped("a"), 2)


@pytest.mark.parametrize(("others", "kept"), [(MOST_KEPT - 1, True), (MOST_KEPT, False)])
def test_so_many_statements_are_kept(others, kept):
    build = by_shape(lambda _: select(resource.c.id))
    first = build(Shaped(-1))

    for shape in range(others):
        build(Shaped(shape))

    assert (build(Shaped(-1)) is first) is kept


@pytest.mark.anyio
async def test_a_large_statement_is_compiled_once_and_aside():
    begun, may_end, waited = threading.Event(), threading.Event(), []

    def build():
        # In the event loop nobody could say that it may end.
        begun.set()
        waited.append(may_end.wait(10))
        return select(resource.c.id).where(resource.c.row == ROW)

    statement, compile_ = Statement(build, LARGE), compiler()

    missing = compile_.at_once(statement)
    making = [asyncio.create_task(compile_.aside(statement)) for _ in range(2)]
    await asyncio.to_thread(begun.wait, 10)
    small = compile_.at_once(Statement(lambda: select(resource.c.id)))
    may_end.set()
    first, second = await asyncio.gather(*making)

    assert missing is None
    assert small is not None
    assert waited == [True]
    assert first is second is compile_.at_once(statement)
