"""The tables of the patient index: who is which person, how that came, and what waits to be decided.

Linking moves no record: a person is rows of `person_patient` alone. Its number is the key of one of its Patients.
Instants are microseconds since 1970 UTC.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

person_patient = Table(
    "person_patient",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("person", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Which person each site's Patient is; small, and the same everywhere",
)

Index("ix_person_patient_person", person_patient.c.person, person_patient.c.patient_key)

identity_key = Table(
    "identity_key",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="Under which hashes a Patient is looked for by those that may be the same person",
)

Index("ix_identity_key_patient", identity_key.c.patient_key, identity_key.c.hash)

identity_pair = Table(
    "identity_pair",
    metadata,
    Column("one", BigInteger, primary_key=True, autoincrement=False),
    Column("other", BigInteger, primary_key=True, autoincrement=False),
    Column("grade", SmallInteger, nullable=False),
    Column("score", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="Pairs of Patients for a person to look at, `one` the smaller key; the queue is those that are open",
)

Index("ix_identity_pair_other", identity_pair.c.other, identity_pair.c.one)
Index("ix_identity_pair_state", identity_pair.c.state, identity_pair.c.grade, identity_pair.c.score)

identity_never = Table(
    "identity_never",
    metadata,
    Column("one", BigInteger, primary_key=True, autoincrement=False),
    Column("other", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="Pairs of Patients, `one` the smaller key, that are known to be different persons",
)

Index("ix_identity_never_other", identity_never.c.other, identity_never.c.one)

identity_event = Table(
    "identity_event",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("act", SmallInteger, nullable=False),
    Column("one", BigInteger, nullable=False),
    Column("other", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("undone", BigInteger, nullable=False),
    comment="What was done to persons, by whom, why; `one` and `other` are Patients, `undone` the event that undid it",
)

Index("ix_identity_event_one", identity_event.c.one, identity_event.c.id)
Index("ix_identity_event_other", identity_event.c.other, identity_event.c.id)

identity_move = Table(
    "identity_move",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("before", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Which Patients an event made those of another person, and of which before",
)

Index("ix_identity_move_patient", identity_move.c.patient_key, identity_move.c.event)
Index("ix_identity_move_after", identity_move.c.after, identity_move.c.event)
Index("ix_identity_move_before", identity_move.c.before, identity_move.c.event)
