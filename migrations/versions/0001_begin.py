"""Begin."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


APPEND_ONLY = ("audit_record", "audit_leaf", "audit_checkpoint")
"""Tables whose rows are neither changed nor removed."""


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def _prepare() -> None:
    op.execute("INSERT INTO epoch (name, value) VALUES ('access', 1)")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION renkei_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute("CREATE STATISTICS resource_type_category (mcv) ON type, category, custodian FROM resource")
    for table in APPEND_ONLY:
        _forbid_changes(table)


def upgrade() -> None:
    op.create_table(
        "index_date",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lo", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hi", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "patient_key", "row", "version", "lo", "hi"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_index_date_lo", "index_date", ["parameter", "lo", "patient_key", "row"], unique=False)
    op.create_table(
        "index_number",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lo", sa.Float(), autoincrement=False, nullable=False),
        sa.Column("hi", sa.Float(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "patient_key", "row", "version", "lo", "hi"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_index_number_lo", "index_number", ["parameter", "lo", "patient_key", "row"], unique=False)
    op.create_table(
        "index_quantity",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lo", sa.Float(), autoincrement=False, nullable=False),
        sa.Column("hi", sa.Float(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "patient_key", "row", "version", "unit_hash", "lo", "hi"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_index_quantity_lo", "index_quantity", ["parameter", "unit_hash", "lo", "patient_key", "row"], unique=False
    )
    op.create_table(
        "index_reference",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "target_hash", "patient_key", "row", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_string",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("exact_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "value", "patient_key", "row", "version", "exact_hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_token",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("system_hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "code_hash", "patient_key", "row", "version", "system_hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_uri",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "value", "patient_key", "row", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resource",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.SmallInteger(), nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("labels", sa.BigInteger(), nullable=False),
        sa.Column("clinical_date", sa.BigInteger(), nullable=False),
        sa.Column("last_updated", sa.BigInteger(), nullable=False),
        sa.Column("by_subject", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "row"),
        comment="The current state of each resource, without its body",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_resource_patient_type", "resource", ["patient_key", "type", "row"], unique=False)
    op.create_index("ix_resource_type", "resource", ["type", "last_updated", "row"], unique=False)
    op.create_table(
        "resource_id",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hash", "patient_key", "row"),
        comment="From hash64('Type/id') to the row; the id itself is checked in `resource`",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resource_patient",
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("row", "patient_key"),
        comment="The patients of a row that belongs to several",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resource_version",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_updated", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("undo", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "row", "version"),
        comment="Every version: the stored bytes, and what turns them back into the bytes as received",
    )
    op.create_table(
        "account",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("must_change", sa.SmallInteger(), nullable=False),
        sa.Column("disabled", sa.SmallInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("waits_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("name"),
        comment="People, one account each",
    )
    op.create_table(
        "assertion",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Client assertions that were used, by the SHA-256 of client and jti, until they expire",
    )
    op.create_index(op.f("ix_assertion_ends"), "assertion", ["ends"], unique=False)
    op.create_table(
        "client",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("jwks", sa.Text(), nullable=False),
        sa.Column("disabled", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
        comment="Systems, which sign in with a key of theirs (private_key_jwt)",
    )
    op.create_table(
        "epoch",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Counters: `access` grows with every change of rights; `process` numbers the processes",
    )
    op.create_table(
        "organisation",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("resource_id"),
        sa.UniqueConstraint("slug"),
        comment="Sites and offices; `key` is the custodian of rows, `resource_id` the Organization of the directory",
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Sessions of people; the cookie's SHA-256",
    )
    op.create_index(op.f("ix_session_account"), "session", ["account"], unique=False)
    op.create_table(
        "token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Access tokens of systems; the token's SHA-256",
    )
    op.create_index(op.f("ix_token_client"), "token", ["client"], unique=False)
    op.create_index(op.f("ix_token_ends"), "token", ["ends"], unique=False)
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
        comment="Signed checkpoints (C2SP tlog-checkpoint)",
    )
    op.create_table(
        "audit_index",
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "hash", "row"),
        comment="Who and whom: 64 bits of HMACs, nothing else",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_leaf",
        sa.Column("leaf", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf"),
        comment="The tree's leaves in order: which record, and SHA-256(0x00 || record)",
    )
    op.create_table(
        "audit_record",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row"),
        comment="Sealed records; durable is disclosed",
    )
    op.create_table(
        "audit_salt",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key"),
        comment="The salt of each patient's detail key; erasing it erases the details",
    )
    op.create_table(
        "audit_stage",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("row"),
        comment="Records that wait for their place in the tree",
    )
    op.create_table(
        "audit_tree",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="One row: the tree's size and its right edge",
    )
    op.create_table(
        "blob",
        sa.Column("custodian", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("custodian", "digest"),
        comment="Blobs by custodian and SHA-256 (64 hexadecimal digits); `size` in bytes",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consent_grant",
        sa.Column("person", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("consent", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("effect", sa.SmallInteger(), nullable=False),
        sa.Column("discloser", sa.Integer(), nullable=False),
        sa.Column("receiver", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Integer(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.SmallInteger(), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("needed", sa.BigInteger(), nullable=False),
        sa.Column("data_from", sa.BigInteger(), nullable=False),
        sa.Column("data_to", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "consent", "rule"),
        comment="What may go from which site to which, for whom and why, from when until when",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "person_patient",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key"),
        comment="Which person each site's Patient is; small, and the same everywhere",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_patient_person", "person_patient", ["person", "patient_key"], unique=False)
    op.create_table(
        "dicom_instance",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("labels", sa.BigInteger(), nullable=False),
        sa.Column("clinical_date", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("stored", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("study", sa.BigInteger(), nullable=False, comment="id of the dicom_study of the same patient_key"),
        sa.Column("series", sa.BigInteger(), nullable=False, comment="id of the dicom_series of the same patient_key"),
        sa.Column("study_instance_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("series_instance_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("sop_instance_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("sop_class_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("instance_number", sa.BigInteger(), nullable=True),
        sa.Column("number_of_frames", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("columns", sa.BigInteger(), nullable=True),
        sa.Column("bits_allocated", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("transfer_syntax_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes of the blob"),
        sa.Column("pixel_offset", sa.BigInteger(), nullable=True, comment="bytes from the start of the blob"),
        sa.Column("pixel_length", sa.BigInteger(), nullable=True, comment="bytes"),
        sa.Column("frames", sa.LargeBinary(), nullable=True, comment="packed by dicom.frame_table"),
        sa.Column("model", sa.LargeBinary(), nullable=False, comment="DICOM JSON, UTF-8, BulkDataURIs relative"),
        sa.PrimaryKeyConstraint("patient_key", "id"),
        sa.UniqueConstraint("patient_key", "custodian", "sop_instance_uid"),
    )
    op.create_index(
        "dicom_instance_series",
        "dicom_instance",
        ["patient_key", "series", "custodian", "author", "category", "labels", "clinical_date"],
        unique=False,
    )
    op.create_index(
        "dicom_instance_study",
        "dicom_instance",
        ["patient_key", "study", "series", "custodian", "author", "category", "labels", "clinical_date"],
        unique=False,
    )
    op.create_index("dicom_instance_study_uid", "dicom_instance", ["study_instance_uid"], unique=False)
    op.create_index("dicom_instance_uid", "dicom_instance", ["sop_instance_uid", "custodian"], unique=False)
    op.create_table(
        "dicom_series",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("labels", sa.BigInteger(), nullable=False),
        sa.Column("clinical_date", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("stored", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("study", sa.BigInteger(), nullable=False, comment="id of the dicom_study of the same patient_key"),
        sa.Column("series_instance_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("modality", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("series_description", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("series_date", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("series_time", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("body_part_examined", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("laterality", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "performed_procedure_step_start_date",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "performed_procedure_step_start_time",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("series_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("patient_key", "id"),
        sa.UniqueConstraint("patient_key", "study", "series_instance_uid"),
        sqlite_with_rowid=False,
    )
    op.create_index("dicom_series_uid", "dicom_series", ["series_instance_uid"], unique=False)
    op.create_table(
        "dicom_study",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("author", sa.Integer(), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("labels", sa.BigInteger(), nullable=False),
        sa.Column("clinical_date", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("stored", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.Column("study_instance_uid", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("study_date", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("study_time", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("accession_number", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "referring_physician_name_alphabetic",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "referring_physician_name_ideographic",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "referring_physician_name_phonetic",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "referring_physician_name_alphabetic_folded",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "referring_physician_name_ideographic_folded",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "referring_physician_name_phonetic_folded",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "timezone_offset_from_utc", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("study_description", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "patient_name_alphabetic", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "patient_name_ideographic", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "patient_name_phonetic", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "patient_name_alphabetic_folded",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "patient_name_ideographic_folded",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "patient_name_phonetic_folded", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("patient_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("issuer_of_patient_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("patient_birth_date", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("patient_sex", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("study_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "id"),
        sa.UniqueConstraint("patient_key", "custodian", "study_instance_uid"),
        sqlite_with_rowid=False,
    )
    op.create_index("dicom_study_accession_number", "dicom_study", ["accession_number"], unique=False)
    op.create_index("dicom_study_date", "dicom_study", ["study_date", "study_time"], unique=False)
    op.create_index("dicom_study_patient_id", "dicom_study", ["patient_id"], unique=False)
    op.create_index("dicom_study_uid", "dicom_study", ["study_instance_uid", "custodian"], unique=False)
    _prepare()


def downgrade() -> None:
    op.drop_index("dicom_study_uid", table_name="dicom_study")
    op.drop_index("dicom_study_patient_id", table_name="dicom_study")
    op.drop_index("dicom_study_date", table_name="dicom_study")
    op.drop_index("dicom_study_accession_number", table_name="dicom_study")
    op.drop_table("dicom_study")
    op.drop_index("dicom_series_uid", table_name="dicom_series")
    op.drop_table("dicom_series")
    op.drop_index("dicom_instance_uid", table_name="dicom_instance")
    op.drop_index("dicom_instance_study_uid", table_name="dicom_instance")
    op.drop_index("dicom_instance_study", table_name="dicom_instance")
    op.drop_index("dicom_instance_series", table_name="dicom_instance")
    op.drop_table("dicom_instance")
    op.drop_index("ix_person_patient_person", table_name="person_patient")
    op.drop_table("person_patient")
    op.drop_table("consent_grant")
    op.drop_table("blob")
    op.drop_table("audit_tree")
    op.drop_table("audit_stage")
    op.drop_table("audit_salt")
    op.drop_table("audit_record")
    op.drop_table("audit_leaf")
    op.drop_table("audit_index")
    op.drop_table("audit_checkpoint")
    op.drop_index(op.f("ix_token_ends"), table_name="token")
    op.drop_index(op.f("ix_token_client"), table_name="token")
    op.drop_table("token")
    op.drop_index(op.f("ix_session_account"), table_name="session")
    op.drop_table("session")
    op.drop_table("organisation")
    op.drop_table("epoch")
    op.drop_table("client")
    op.drop_index(op.f("ix_assertion_ends"), table_name="assertion")
    op.drop_table("assertion")
    op.drop_table("account")
    op.drop_table("resource_version")
    op.drop_table("resource_patient")
    op.drop_table("resource_id")
    op.drop_index("ix_resource_type", table_name="resource")
    op.drop_index("ix_resource_patient_type", table_name="resource")
    op.drop_table("resource")
    op.drop_table("index_uri")
    op.drop_table("index_token")
    op.drop_table("index_string")
    op.drop_table("index_reference")
    op.drop_index("ix_index_quantity_lo", table_name="index_quantity")
    op.drop_table("index_quantity")
    op.drop_index("ix_index_number_lo", table_name="index_number")
    op.drop_table("index_number")
    op.drop_index("ix_index_date_lo", table_name="index_date")
    op.drop_table("index_date")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION renkei_append_only()")
