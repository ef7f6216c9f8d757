"""The tables of the store.

Every row that belongs to a patient carries the key of the site's Patient first, so that a patient's record at a
site is one range. Instants are whole microseconds since 1970 UTC. No foreign key crosses patient keys.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, and_

metadata = MetaData()

NO_PATIENT = 0
"""The patient key of a row that belongs to no patient."""


def key_of_several(row: int) -> int:
    """Return the patient key of a row that belongs to several patients: negative, and its own alone.

    `resource_patient` names the patients, `patient_chart` those that it is about.
    """
    return -row


NO_DATE = -(2**63)
"""The clinical date of a row that has none: before every period."""

resource = Table(
    "resource",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("id", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("deleted", SmallInteger, nullable=False),
    Column("custodian", Integer, nullable=False),
    Column("author", Integer, nullable=False),
    Column("category", SmallInteger, nullable=False),
    Column("labels", BigInteger, nullable=False),
    Column("clinical_date", BigInteger, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("by_subject", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="The current state of each resource, without its body",
)
"""`by_subject` is 1 when the patient key is that of the type's own `patient` search parameter."""

Index("ix_resource_patient_type", resource.c.patient_key, resource.c.type, resource.c.row)
Index("ix_resource_type", resource.c.type, resource.c.last_updated, resource.c.row)

resource_id = Table(
    "resource_id",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="From hash64('Type/id') to the row; the id itself is checked in `resource`",
)

Index("ix_resource_id_row", resource_id.c.patient_key, resource_id.c.row)
"""From a row to its hash: what refers to it is found by that."""

resource_patient = Table(
    "resource_patient",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="The patients of a row that belongs to several",
)

patient_chart = Table(
    "patient_chart",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="The patient keys of what is about a Patient: its own, and those of rows that belong to several",
)

resource_version = Table(
    "resource_version",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("method", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("undo", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    comment="Every version: the stored bytes, and what turns them back into the bytes as received",
)
"""`method` is 1 for POST, 2 for PUT, 3 for DELETE; `digest` is the SHA-256 of the bytes as received."""

CURRENT_VERSION = and_(
    resource_version.c.patient_key == resource.c.patient_key,
    resource_version.c.row == resource.c.row,
    resource_version.c.version == resource.c.version,
)
"""What joins a resource with its current version."""

resource_change = Table(
    "resource_change",
    metadata,
    Column("last_updated", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Every version in the order of time, of all types and of each: what the history of types is read from",
)

Index(
    "ix_resource_change_type",
    *(resource_change.c[name] for name in ("type", "last_updated", "row", "version", "patient_key")),
)

_BY_BYTES = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points, on both engines."""


def _by_value(name: str, *value: Column[object], extra: tuple[Column[object], ...] = ()) -> Table:
    """An index that is entered by its value: (parameter, value, patient, row)."""
    return Table(
        name,
        metadata,
        Column("parameter", Integer, primary_key=True, autoincrement=False),
        *value,
        Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
        Column("row", BigInteger, primary_key=True, autoincrement=False),
        Column("version", Integer, primary_key=True, autoincrement=False),
        *extra,
        sqlite_with_rowid=False,
    )


def _by_row(name: str, *before: Column[object], type_: type[BigInteger] | type[Float[float]]) -> Table:
    """An index that is entered by its row: (parameter, patient, row)."""
    return Table(
        name,
        metadata,
        Column("parameter", Integer, primary_key=True, autoincrement=False),
        Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
        Column("row", BigInteger, primary_key=True, autoincrement=False),
        Column("version", Integer, primary_key=True, autoincrement=False),
        *before,
        Column("lo", type_, primary_key=True, autoincrement=False),
        Column("hi", type_, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


index_token = _by_value(
    "index_token",
    Column("code_hash", BigInteger, primary_key=True, autoincrement=False),
    extra=(Column("system_hash", BigInteger, primary_key=True, autoincrement=False),),
)
CURRENT_TOKEN = and_(
    resource.c.patient_key == index_token.c.patient_key,
    resource.c.row == index_token.c.row,
    resource.c.version == index_token.c.version,
)
"""What joins a token with its resource, when it is the current version's."""

index_string = _by_value(
    "index_string",
    Column("value", _BY_BYTES, primary_key=True),
    extra=(Column("exact_hash", BigInteger, primary_key=True, autoincrement=False),),
)
index_reference = _by_value("index_reference", Column("target_hash", BigInteger, primary_key=True, autoincrement=False))
for _table in (index_string, index_reference):
    # What a resource at hand says: where a reference leads, and texts that another criterion led to.
    Index(f"ix_{_table.name}_row", _table.c.patient_key, _table.c.row, _table.c.parameter)
index_uri = _by_value("index_uri", Column("value", _BY_BYTES, primary_key=True))
index_date = _by_row("index_date", type_=BigInteger)
Index("ix_index_date_lo", *(index_date.c[name] for name in ("parameter", "lo", "patient_key", "row")))
DAY = 86_400_000_000
"""In microseconds."""

Index(
    "ix_index_date_long",
    *(index_date.c[name] for name in ("parameter", "hi", "lo", "patient_key", "row")),
    sqlite_where=index_date.c.hi - index_date.c.lo > DAY,
    postgresql_where=index_date.c.hi - index_date.c.lo > DAY,
)
"""What lasts longer than a day, which is rare, by its end: it may have begun long before a range that it is in."""

index_number = _by_row("index_number", type_=Float)
index_quantity = _by_row(
    "index_quantity", Column("unit_hash", BigInteger, primary_key=True, autoincrement=False), type_=Float
)

index_composite = _by_value(
    "index_composite",
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    extra=(
        Column("element", Integer, primary_key=True, autoincrement=False),
        Column("second", BigInteger, primary_key=True, autoincrement=False),
        Column("lo", Float, primary_key=True, autoincrement=False),
        Column("hi", Float, primary_key=True, autoincrement=False),
    ),
)
"""What an element of several says, where it matters which: a row a value, `element` the same for those of one element.

`hash` is of a code (`second` of its system), a target or a unit; `lo` and `hi` are those of numbers. What a value does
not have is 0.
"""

index_text = Table(
    "index_text",
    metadata,
    Column("parameter", Integer, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("narrative", _BY_BYTES, nullable=False),
    Column("other", _BY_BYTES, nullable=False),
    sqlite_with_rowid=False,
    comment="The folded texts of each resource, under the number of its type's _content",
)
"""`narrative` is what `_text` searches; `_content` searches both."""

index_gram = Table(
    "index_gram",
    metadata,
    Column("parameter", Integer, primary_key=True, autoincrement=False),
    Column("gram", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="Whose texts have, or had, two characters in a row; where to look, never what is found",
)
"""`row` is 0 for a patient, whose rows of the type are looked through, and the row itself where there is none."""

INDEX_TABLES = (
    index_token,
    index_string,
    index_reference,
    index_uri,
    index_date,
    index_number,
    index_quantity,
    index_composite,
    index_text,
)
