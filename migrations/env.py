"""Alembic's environment: the same history on SQLite and on PostgreSQL."""

import asyncio

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.schema import METADATA
from app.settings import Settings

settings: Settings = context.config.attributes["settings"]


def run(connection: Connection) -> None:
    """Run the migrations on an open connection."""
    context.configure(connection=connection, target_metadata=list(METADATA), transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_on_postgresql() -> None:
    """Run the migrations on PostgreSQL."""
    engine = create_async_engine(
        settings.database.replace("postgres://", "postgresql://").replace("postgresql://", "postgresql+asyncpg://")
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


if settings.is_postgresql:
    asyncio.run(run_on_postgresql())
else:
    settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    sqlite = create_engine(f"sqlite:///{settings.sqlite_path}")
    with sqlite.connect() as open_connection:
        run(open_connection)
    sqlite.dispose()
