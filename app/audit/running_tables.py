"""What the hub remembers of its settings, so that a change is seen at the next start."""

from sqlalchemy import Column, MetaData, Table, Text

metadata = MetaData()

known_setting = Table(
    "known_setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="The settings of the last start; of a secret an HMAC",
)
