"""The tables of loaded packages."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

package = Table(
    "package",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("dependencies", Text, nullable=False),
    Column("loaded", BigInteger, nullable=False),
    comment="FHIR packages in the order they came; `dependencies` is a JSON object, name to version",
)

package_resource = Table(
    "package_resource",
    metadata,
    Column("package", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Conformance resources of packages; `body` is the publisher's JSON, compressed with Zstandard",
)
