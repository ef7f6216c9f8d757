"""The tables of discs that were read. Instants are microseconds since 1970 UTC, 0 never."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, Table, Text, text

from app.records.jobs.table import queue_table

metadata = MetaData()

media_disc = Table(
    "media_disc",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("custodian", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("upload", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("conflict", Text, nullable=False, server_default=text("''")),
    *(Column(name, BigInteger, nullable=False, server_default=text("0")) for name in ("held_by", "stated_as")),
    Index("media_disc_custodian", "custodian", "number"),
    Index("media_disc_conflict", "conflict", "custodian"),
    comment="Discs that a site has read, or is reading",
)
"""`place` is the path of one that a command reads, `upload` the digest of one that was uploaded, until it is read.
`conflict` is the UID of the study or series that the site has of another patient than arriving images say, `held_by`
whose it was then, `stated_as` the Patient with the number in the images, 0 when there was none."""

media_patient = Table(
    "media_patient",
    metadata,
    Column("disc", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("custodian", Integer, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("patient_id", "issuer", "institution")),
    *(Column(name, Text, nullable=False) for name in ("alphabetic", "ideographic", "phonetic")),
    *(Column(name, Text, nullable=False) for name in ("birth_date", "sex", "state", "patient")),
    Column("by", Text, nullable=False),
    Column("by_title", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    Index("media_patient_known", "custodian", "patient_id"),
    comment="Whom a disc is about, as its files say, and which Patient of the site somebody said that is",
)
"""`ends` is when what was rejected, or what nobody has decided on, is removed."""

media_file = Table(
    "media_file",
    metadata,
    Column("disc", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("patient", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("listed", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("custodian", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("study", "study_date", "modality", "instance")),
    Index("media_file_patient", "disc", "patient", "state"),
    Index("media_file_digest", "digest", "custodian"),
    comment="Every file of a disc, and what became of it",
)
"""`patient` is the number of one of `media_patient`, 0 for a file that is no image; `digest` names the blob of a file
that is in quarantine, and of one that was stored."""

media_job = queue_table("media_job", metadata, "Discs that are being read")
