"""The authorisation server: how clients prove who they are, what people allow apps, codes, refresh tokens, launches."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_CLIENT = {
    "kind": "system",
    "authentication": "private_key_jwt",
    "secret": "",
    "jwks_url": "",
    "redirects": "",
    "scopes": "system/*.cruds",
    "launch_url": "",
    "certificate": "",
}
_QUEUES = ("export_job", "async_job", "import_job")


def upgrade() -> None:
    for name, default in _CLIENT.items():
        op.add_column("client", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text(f"'{default}'")))
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("client", "Systems and apps, and how each proves who it is")
    for queue in _QUEUES:
        op.add_column(queue, sa.Column("scope", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "app_grant",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("patient_key", sa.BigInteger(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("encounter", sa.Text(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="What a person has allowed an app: whose record, for what; its tokens end with it",
    )
    for column in ("client", "account", "ends"):
        op.create_index(f"ix_app_grant_{column}", "app_grant", [column])
    op.create_table(
        "token_binding",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Of an access token: the grant that it ends with, and the client certificate that it is bound to",
    )
    op.create_index("ix_token_binding_grant", "token_binding", ["grant"])
    op.create_table(
        "authorization_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("used", sa.SmallInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Authorization codes, by their SHA-256; one that comes twice ends its grant",
    )
    op.create_index("ix_authorization_code_ends", "authorization_code", ["ends"])
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant", sa.Text(), nullable=False),
        sa.Column("used", sa.SmallInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Refresh tokens, by their SHA-256; each is good once, and one that comes twice ends its grant",
    )
    for column in ("ends", "grant"):
        op.create_index(f"ix_refresh_token_{column}", "refresh_token", [column])
    op.create_table(
        "launch",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("organisation", sa.Integer(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("encounter", sa.Text(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Launches that an EHR has begun, by the SHA-256 of `launch`; 0 for any account or client",
    )
    op.create_index("ix_launch_ends", "launch", ["ends"])


def downgrade() -> None:
    for table in ("launch", "refresh_token", "authorization_code", "token_binding", "app_grant"):
        op.drop_table(table)
    for queue in _QUEUES:
        op.drop_column(queue, "scope")
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("client", "Systems, which sign in with a key of theirs (private_key_jwt)")
    for name in reversed(_CLIENT):
        op.drop_column("client", name)
