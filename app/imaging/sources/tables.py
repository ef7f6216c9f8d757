"""The tables of imaging sources. Instants are whole microseconds since 1970 UTC; 0 is never."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

metadata = MetaData()


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


imaging_source = Table(
    "imaging_source",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    *_texts("client", "wado", "qido", "locations", "ae_title", "host"),
    *_numbers("port"),
    *_texts(
        "called_as", "get_by", "listen", "certificate", "private_key", "authority", "credentials", "networks", "cache"
    ),
    *_numbers("at_once", "seconds", "index_hours"),
    comment="Where sites keep images themselves: what is asked, how, and what of it is kept for a while",
)
"""The columns are the fields of `app.imaging.sources.source.ImagingSource`."""

imaging_source_state = Table(
    "imaging_source_state",
    metadata,
    Column("source", BigInteger, primary_key=True, autoincrement=False),
    *_numbers("last_success", "last_failure", "failures", "open_until"),
    *_texts("failure", "position"),
    *_numbers("indexed", "index_done"),
    comment="How each imaging source is doing, and how far its index is",
)
"""`failures` in a row; until `open_until` nobody asks it; `position` is where an index goes on, of `indexed` studies;
`index_done` is when one last came to its end."""
