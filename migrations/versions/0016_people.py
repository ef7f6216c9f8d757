"""People: how accounts stand, requests for rights, second factors, steps of a sign-in."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

FOR_EVER = 2**62


def _instants(*names: str) -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.BigInteger(), nullable=False) for name in names)


def _texts(*names: str) -> tuple[sa.Column, ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)


def upgrade() -> None:
    _standing()
    _requests()
    _factors()
    op.create_table(
        "sign_in_step",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        *_instants("ends"),
        sa.PrimaryKeyConstraint("digest"),
        comment="Sign-ins whose password was right and whose second factor is awaited; the cookie's SHA-256",
    )
    op.create_index("ix_sign_in_step_account", "sign_in_step", ["account"])
    op.create_table(
        "used_challenge",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *_instants("ends"),
        sa.PrimaryKeyConstraint("digest"),
        comment="Challenges that a passkey has answered, until they expire",
    )
    op.create_index("ix_used_challenge_ends", "used_challenge", ["ends"])
    op.create_table(
        "session_origin",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *_texts("network", "agent", "factors"),
        sa.PrimaryKeyConstraint("digest"),
        comment="Where a session was begun, and by which factors",
    )


def _standing() -> None:
    op.create_table(
        "standing",
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.SmallInteger(), nullable=False),
        *_instants("ends", "confirmed"),
        *_texts("confirmed_by"),
        *_instants("password_ends", "signed_in", "signed_in_before"),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
        comment="How an account stands: whether its person heads the site, until when, confirmed when and by whom",
    )
    # Whoever has an account keeps it; the year until the next confirmation begins now.
    now = int(time.time() * 1_000_000)
    columns = "account, head, ends, confirmed, confirmed_by, password_ends, signed_in, signed_in_before, missed"
    values = f"key, 0, {FOR_EVER}, {now}, '', {FOR_EVER}, 0, 0, 0"
    op.execute(f"INSERT INTO standing ({columns}) SELECT {values} FROM account")  # noqa: S608 - numbers of ours


def _requests() -> None:
    acts = ("requested", "granted", "confirmed", "refused")
    op.create_table(
        "right_request",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        *_texts("kind", "name", "title"),
        sa.Column("organisation", sa.Integer(), nullable=False),
        *_texts("role"),
        sa.Column("head", sa.SmallInteger(), nullable=False),
        *_instants("ends"),
        *_texts("state"),
        *(column for act in acts for column in (*_instants(act), *_texts(f"{act}_by", f"{act}_why"))),
        sa.PrimaryKeyConstraint("key"),
        comment="Requests for rights, and who granted, confirmed or refused each, when and why; none is ever removed",
    )
    op.create_index("ix_right_request_name", "right_request", ["name"])
    op.create_index("ix_right_request_state", "right_request", ["state"])


def _factors() -> None:
    op.create_table(
        "second_factor",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        *_texts("kind", "title"),
        *_instants("added", "used", "ends"),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        *_instants("counter"),
        sa.PrimaryKeyConstraint("key"),
        comment="Passkeys (public key), one-time passwords (sealed secret, last step), temporary codes (digest)",
    )
    op.create_index("ix_second_factor_account", "second_factor", ["account"])
    op.create_index("ix_second_factor_credential", "second_factor", ["credential"])
    op.create_table(
        "recovery_code",
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *_instants("made", "used"),
        sa.PrimaryKeyConstraint("account", "digest"),
        comment="Recovery codes by their digest",
    )


def downgrade() -> None:
    for table in ("session_origin", "used_challenge", "sign_in_step", "recovery_code", "second_factor"):
        op.drop_table(table)
    op.drop_table("right_request")
    op.drop_table("standing")
