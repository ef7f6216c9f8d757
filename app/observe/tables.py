"""What the hub knows of its clock. Instants are microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

clock_check = Table(
    "clock_check",
    metadata,
    Column("host", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("asked", SmallInteger, nullable=False),
    Column("answered", SmallInteger, nullable=False),
    Column("drift", BigInteger, nullable=False),
    Column("delay", BigInteger, nullable=False),
    Column("stratum", SmallInteger, nullable=False),
    Column("synchronised", Integer, nullable=False),
    sqlite_with_rowid=False,
    comment="Each machine's clock, checked against NTP servers: how far it was off, in microseconds",
)
