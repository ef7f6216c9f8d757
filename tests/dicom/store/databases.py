"""SQLite and PostgreSQL behind the store's Connection, as plainly as their drivers allow."""

import sqlite3

import asyncpg
from sqlalchemy import true
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from dicom.store.tables import metadata

_SQLITE = sqlite.dialect(paramstyle="named")
_POSTGRESQL = postgresql.dialect()


def schema(dialect):
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda one: one.name):
            yield str(CreateIndex(index).compile(dialect=dialect))


class SQLite:
    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        for statement in schema(_SQLITE):
            self.db.execute(statement)

    async def fetch(self, statement, values):
        compiled = statement.compile(dialect=_SQLITE)
        assert not compiled.post_compile_params
        assert set(compiled.params) <= set(values), "a bind without a value"
        return self.db.execute(str(compiled), values).fetchall()

    async def execute(self, statement, values):
        return self.db.execute(str(statement.compile(dialect=_SQLITE)), values).rowcount

    async def execute_many(self, statement, rows):
        self.db.executemany(str(statement.compile(dialect=_SQLITE)), rows)

    async def explain(self, statement, values):
        compiled = str(statement.compile(dialect=_SQLITE))
        return "\n".join(row[3] for row in self.db.execute(f"EXPLAIN QUERY PLAN {compiled}", values))

    async def close(self):
        self.db.close()


class PostgreSQL:
    def __init__(self, connection):
        self.db = connection

    @classmethod
    async def open(cls, address):
        connection = await asyncpg.connect(**address)
        await connection.execute("DROP SCHEMA IF EXISTS dicom_test CASCADE; CREATE SCHEMA dicom_test")
        await connection.execute("SET search_path TO dicom_test")
        for statement in schema(_POSTGRESQL):
            await connection.execute(statement)
        return cls(connection)

    async def fetch(self, statement, values):
        compiled = statement.compile(dialect=_POSTGRESQL)
        assert not compiled.post_compile_params
        rows = await self.db.fetch(str(compiled), *(values[name] for name in compiled.positiontup))
        return [tuple(row) for row in rows]

    async def execute(self, statement, values):
        compiled = statement.compile(dialect=_POSTGRESQL)
        done = await self.db.execute(str(compiled), *(values[name] for name in compiled.positiontup))
        return int(done.split()[-1])

    async def execute_many(self, statement, rows):
        for row in rows:
            await self.execute(statement, row)

    async def explain(self, statement, values):
        compiled = statement.compile(dialect=_POSTGRESQL)
        binds = [values[name] for name in compiled.positiontup]
        return "\n".join(row[0] for row in await self.db.fetch(f"EXPLAIN {compiled}", *binds))

    async def close(self):
        await self.db.close()


class Everything:
    """Sees all."""

    values = {}  # noqa: RUF012 - read only
    shape = "everything"

    def condition(self, _):
        return true()
