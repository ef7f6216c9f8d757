"""The table of a queue of jobs. Instants are whole microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text, text


def queue_table(name: str, metadata: MetaData, comment: str) -> Table:
    """Return the table of a queue."""
    return Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        Column("client", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("request", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("begun", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False, index=True),
        Column("state", SmallInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("step", Integer, nullable=False),
        Column("steps", Integer, nullable=False),
        Column("position", Text, nullable=False),
        Column("scope", Text, nullable=False, server_default=text("''")),
        comment=comment,
    )
