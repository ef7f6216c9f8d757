"""Migrations: bringing a database's tables to this release and back."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def config(settings: Settings) -> Config:
    """Return Alembic's configuration for the database of `settings`."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["settings"] = settings
    return made


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Bring the database to `revision`, by default this release's; every step is a transaction of its own."""
    command.upgrade(config(settings), revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Take the database back to `revision`; `base` removes every table."""
    command.downgrade(config(settings), revision)
