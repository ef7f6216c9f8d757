"""The database: the only room that begins, commits and rolls back."""

from app.db.database import Database, DatabaseConnection, DatabaseUnavailable, WriteConnection, open_database

__all__ = ["Database", "DatabaseConnection", "DatabaseUnavailable", "WriteConnection", "open_database"]
