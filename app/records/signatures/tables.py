"""The table of what is known of signatures. Instants are whole microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

signature_check = Table(
    "signature_check",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("checked", BigInteger, nullable=False),
    Column("verdicts", Text, nullable=False),
    comment="Of each version that carries signatures what they are, as JSON; not looked at while `checked` is 0",
)
Index(
    "ix_signature_check_pending",
    signature_check.c.row,
    sqlite_where=signature_check.c.checked == 0,
    postgresql_where=signature_check.c.checked == 0,
)
