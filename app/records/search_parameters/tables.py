"""The tables of the hub's own search parameters."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

INDEXING, ACTIVE, REMOVING = 0, 1, 2
"""The states of a parameter: its index rows are being made, it can be asked for, its rows are being removed."""

search_parameter = Table(
    "search_parameter",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("definition", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("at_updated", BigInteger, nullable=False),
    Column("at_row", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    comment="Search parameters beside R4's, of one resource type each; index rows hold their numbers",
)
"""`since` and `until` are the instants between which resources are read, 0 before all writers know of the parameter (of
one that is being removed: forget it); `at_updated` and `at_row` say how far that is, `done` how many were read."""

search_parameter_source = Table(
    "search_parameter_source",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    comment="What a search parameter is wanted by: a SearchParameter resource, or a package",
)
