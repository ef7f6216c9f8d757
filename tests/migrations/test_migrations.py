"""Migrations lead to the tables that the code names, and back to nothing, on both databases."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, Text, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.db.migrate import config, downgrade, upgrade
from app.db.schema import METADATA
from app.settings import Settings

VERSION_TABLE = "alembic_version"

POSTGRESQL_SCHEMA = """
    SELECT 'column', c.table_name || '.' || c.column_name,
           concat_ws(' ', c.data_type, c.is_nullable, c.collation_name, c.column_default, c.character_maximum_length)
    FROM information_schema.columns c WHERE c.table_schema = 'public'
    UNION ALL
    SELECT 'index', i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public'
    UNION ALL
    SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function', proname, md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'sequence', sequence_name, '' FROM information_schema.sequences WHERE sequence_schema = 'public'
    ORDER BY 1, 2
"""
"""Everything that a schema holds, one row a thing."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a database without any table."""
    if request.param == "sqlite":
        yield Settings(home=tmp_path)
        return
    address = request.getfixturevalue("postgresql_server")
    name = f"migrations_{tmp_path.name}".lower().replace("-", "_")[:60]
    asyncio.run(_run(f"{address}/postgres", f'CREATE DATABASE "{name}"'))
    yield Settings(home=tmp_path, database=f"{address}/{name}")
    asyncio.run(_run(f"{address}/postgres", f'DROP DATABASE "{name}"'))


async def _run(address: str, statement: str) -> list[tuple[str, ...]]:
    connection = await asyncpg.connect(address)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def things(settings: Settings) -> set[tuple[str, ...]]:
    """Everything the database holds but Alembic's own table."""
    if settings.is_postgresql:
        found = asyncio.run(_run(settings.database, POSTGRESQL_SCHEMA))
    else:
        file = sqlite3.connect(settings.sqlite_path)
        rows = file.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
        file.close()
        found = [(kind, name, _normal(text)) for kind, name, text in rows]
    return {thing for thing in found if VERSION_TABLE not in " ".join(thing)}


def _normal(text: str) -> str:
    """SQLite's text of a thing, without its layout and with its UNIQUE clauses in one order."""
    plain = re.sub(r'[\s"]+', " ", text).strip()
    unique = r",? UNIQUE \([^)]*\)"
    return re.sub(unique, "", plain) + "".join(sorted(found.lstrip(",") for found in re.findall(unique, plain)))


def with_connection(settings: Settings, do: Any) -> Any:
    """Run `do` on a SQLAlchemy connection to the database and commit."""

    async def asynchronously(engine: AsyncEngine) -> Any:
        async with engine.begin() as connection:
            result = await connection.run_sync(do)
        await engine.dispose()
        return result

    if settings.is_postgresql:
        address = settings.database.replace("postgresql://", "postgresql+asyncpg://")
        return asyncio.run(asynchronously(create_async_engine(address)))
    engine: Engine = create_engine(f"sqlite:///{settings.sqlite_path}")
    with engine.begin() as connection:
        result = do(connection)
    engine.dispose()
    return result


def test_the_way_down_leaves_nothing_behind(empty: Settings) -> None:
    upgrade(empty)
    up = things(empty)

    downgrade(empty, "base")

    assert len(up) > 50
    assert things(empty) == set()


def test_up_down_and_up_again_gives_the_same(empty: Settings) -> None:
    upgrade(empty)
    first = things(empty)
    downgrade(empty, "base")

    upgrade(empty)

    assert things(empty) == first


def test_running_it_again_changes_nothing(empty: Settings) -> None:
    upgrade(empty)
    first = things(empty)

    upgrade(empty)

    assert things(empty) == first


def test_alembic_finds_no_difference_to_the_tables_in_the_code(empty: Settings) -> None:
    upgrade(empty)

    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, list(METADATA)))

    assert with_connection(empty, compare) == []


def test_migrated_tables_are_those_the_code_would_make(empty: Settings) -> None:
    # More than Alembic compares: the order of keys, collations, WITHOUT ROWID.
    upgrade(empty)
    migrated = {thing for thing in things(empty) if thing[0] not in {"trigger", "function"}}
    downgrade(empty, "base")

    def create(connection: Connection) -> None:
        for metadata in METADATA:
            metadata.create_all(connection)

    with_connection(empty, create)

    assert things(empty) ^ migrated == set()


def test_only_the_audit_log_has_triggers(empty: Settings) -> None:
    upgrade(empty)

    guarded = {re.search(r"\bON (?:public\.)?(\w+)", text)[1] for kind, _, text in things(empty) if kind == "trigger"}

    assert guarded == {
        *("audit_checkpoint", "audit_leaf", "audit_record", "received_event"),
        *("audit_cosignature", "audit_node", "audit_succession", "audit_sign_off"),
        *("audit_expired", "audit_taken_up", "audit_timestamp"),
    }


ROWS_OF_SEVERAL = """
INSERT INTO person_patient (patient_key, person) VALUES (1, 1), (2, 2);
INSERT INTO resource (patient_key, row, type, id, version, deleted, custodian, author, category, labels,
  clinical_date, last_updated, by_subject) VALUES (1, 1, 1, 'a', 1, 0, 1, 1, 0, 0, 0, 0, 0),
  (2, 2, 1, 'b', 1, 0, 1, 1, 0, 0, 0, 0, 0), (-1, 3, 1, 'about-b', 2, 0, 1, 1, 0, 0, 0, 0, 1),
  (-1, 4, 1, 'about-both', 1, 0, 1, 1, 0, 0, 0, 0, 0);
INSERT INTO resource_id (hash, patient_key, row) VALUES (11, 1, 1), (12, 2, 2), (13, -1, 3), (14, -1, 4);
INSERT INTO resource_patient (row, patient_key) VALUES (3, 1), (3, 2), (4, 1), (4, 2), (4, -1);
INSERT INTO index_reference (parameter, target_hash, patient_key, row, version) VALUES
  (1999, 12, -1, 3, 2), (1, 11, -1, 3, 2), (1999, 11, -1, 3, 1);
INSERT INTO index_date (parameter, patient_key, row, version, lo, hi) VALUES (1, -1, 3, 2, 0, 1), (1, 1, 1, 1, 0, 1)
"""
ONE_QUEUE = ("0012", "0013")
"""Before and after imports came into it."""
KEYED = ("resource", "resource_id", "index_reference", "index_date")


def test_rows_of_several_patients_get_keys_of_their_own_and_come_into_charts(empty: Settings) -> None:
    def fill(connection: Connection) -> None:
        for statement in ROWS_OF_SEVERAL.split(";"):
            connection.execute(text(statement))

    def read(connection: Connection, columns: str, table: str) -> list[tuple[int, ...]]:
        return sorted(tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {table}")))  # noqa: S608

    upgrade(empty, "0001")
    with_connection(empty, fill)
    upgrade(empty, "0002")
    charts = with_connection(empty, lambda connection: read(connection, "*", "patient_chart"))
    keys = with_connection(empty, lambda connection: [read(connection, "patient_key, row", one) for one in KEYED])
    downgrade(empty, "0001")
    before = with_connection(empty, lambda connection: [read(connection, "patient_key, row", one) for one in KEYED])

    assert charts == [(1, -4), (1, 1), (2, -4), (2, -3), (2, 2)]
    assert keys == [
        *([(-4, 4), (-3, 3), (1, 1), (2, 2)], [(-4, 4), (-3, 3), (1, 1), (2, 2)]),
        *([(-3, 3), (-3, 3), (-3, 3)], [(-3, 3), (1, 1)]),
    ]
    assert before == [
        *([(-1, 3), (-1, 4), (1, 1), (2, 2)], [(-1, 3), (-1, 4), (1, 1), (2, 2)]),
        *([(-1, 3), (-1, 3), (-1, 3)], [(-1, 3), (1, 1)]),
    ]


IMPORTS_OF_THEIR_OWN_QUEUE = [
    (
        "w",
        "c",
        7,
        '{"inputs": [], "source": "s", "address": "a", "who": "人"}',
        5,
        5,
        0,
        9,
        '{"turn": 2, "counts": []}',
    ),
    ("d", "", 8, '{"inputs": [], "source": "", "address": "b", "who": "x"}', 6, 8, 1, 9, '{"turn": 4, "counts": []}'),
]


def test_imports_come_into_the_one_queue_and_back(empty: Settings) -> None:
    names = ("id", "client", "custodian", "request", "begun", "ends", "state", "until", "position")
    rows = [dict(zip(names, row, strict=True)) for row in IMPORTS_OF_THEIR_OWN_QUEUE]

    def fill(connection: Connection) -> None:
        values = ", ".join(f":{name}" for name in names)
        connection.execute(text(f"INSERT INTO import_job ({', '.join(names)}) VALUES ({values})"), rows)  # noqa: S608

    def read(connection: Connection) -> list[dict[str, Any]]:
        found = connection.execute(text("SELECT * FROM import_job ORDER BY begun")).mappings()
        return [{**one, "request": json.loads(one["request"])} for one in found]

    upgrade(empty, ONE_QUEUE[0])
    with_connection(empty, fill)
    upgrade(empty, ONE_QUEUE[1])
    up = with_connection(empty, read)
    downgrade(empty, ONE_QUEUE[0])
    down = with_connection(empty, read)

    assert [(one["ends"], one["address"], one["purpose"], one["step"], one["steps"]) for one in up] == [
        (2**63 - 1, "a", "", 2, 4),
        (8, "b", "", 4, 4),
    ]
    assert [one["request"] for one in up] == [
        {"inputs": [], "source": "s", "who": "人", "custodian": 7},
        {"inputs": [], "source": "", "who": "x", "custodian": 8},
    ]
    assert down == [{**one, "request": json.loads(one["request"])} for one in rows]


TOLD = ("0037", "0038")
"""Before and after it was noted by whom a study is told of."""
CLASSES = {1: "1.2.840.10008.5.1.4.1.1.2", 2: "1.2.840.10008.5.1.4.1.1.88.59", 3: "1.2.840.10008.5.1.4.1.1.2"}


def test_studies_that_something_else_than_images_may_have_told_of_are_to_be_looked_at(empty: Settings) -> None:
    def row(table: Table, **stated: Any) -> dict[str, Any]:
        needed = [one for one in table.c if not one.nullable]
        return {
            one.name: b"" if one.name == "model" else "" if isinstance(one.type, Text) else 0 for one in needed
        } | stated

    def fill(connection: Connection) -> None:
        for name in ("dicom_study", "dicom_instance"):
            table = Table(name, MetaData(), autoload_with=connection)
            for number, uid in CLASSES.items():
                place = {"patient_key": 1, "id": number, "study": number, "study_instance_uid": f"1.{number}"}
                said = {**place, "sop_instance_uid": f"2.{number}", "sop_class_uid": uid}
                values = row(table, **{one: value for one, value in said.items() if one in table.c})
                if name == "dicom_instance":
                    values["source"] = 9 if number == 3 else None
                connection.execute(table.insert(), values)

    upgrade(empty, TOLD[0])
    with_connection(empty, fill)
    upgrade(empty, TOLD[1])
    noted = with_connection(
        empty,
        lambda connection: connection.execute(
            text("SELECT study_instance_uid FROM dicom_undescribed ORDER BY 1")
        ).all(),
    )
    told = with_connection(empty, lambda connection: connection.execute(text("SELECT told FROM dicom_study")).all())

    # A key object, and a reference.
    assert [tuple(one) for one in noted] == [("1.2",), ("1.3",)]
    assert {tuple(one) for one in told} == {(0o111111111,)}


def test_the_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(config(Settings()))

    assert len(script.get_heads()) == len(script.get_bases()) == 1
    assert [revision.revision for revision in script.walk_revisions() if revision.is_branch_point] == []


def test_the_words_of_all_names_are_written_some_at_a_time(empty: Settings) -> None:
    upgrade(empty, "0034")

    def fill(connection: Connection) -> None:
        studies = Table("dicom_study", MetaData(), autoload_with=connection)
        plain = {one.name: "" if isinstance(one.type, Text) else 0 for one in studies.columns}
        rows = [
            # Several rows of one patient lie on both sides of a border between two parts.
            plain | {"patient_key": number // 3 - 100, "id": number, "study_instance_uid": f"1.2.{number}",
                     "patient_name_alphabetic": f"Yamada^N{number}"}
            for number in range(2_050)
        ]  # fmt: skip
        connection.execute(studies.insert(), rows)

    with_connection(empty, fill)
    upgrade(empty, "0035")

    asked = text("SELECT id, patient_name_words FROM dicom_study ORDER BY id")
    found = with_connection(empty, lambda connection: connection.execute(asked).all())
    assert [tuple(row) for row in found] == [(number, f" n{number} yamada") for number in range(2_050)]
