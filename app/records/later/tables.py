"""The queue of requests that are carried out later, and their answers."""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

from app.records.jobs.table import queue_table

metadata = MetaData()

WRITTEN, READ = 0, 1

async_job = queue_table(
    "async_job",
    metadata,
    "Requests that are answered later: by whom, what, how far; `until` is when whoever works on one loses it",
)

async_answer = Table(
    "async_answer",
    metadata,
    Column("job", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    comment="Answers by entry: what became of a write (kind 0), or a read to be done when it is fetched (kind 1)",
)
