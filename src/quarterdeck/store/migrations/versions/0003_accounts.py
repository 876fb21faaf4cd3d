"""accounts: names and passwords, other ways to sign in, what is allowed, what it costs, who did what"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ADDED = {
    "api_keys": ["scopes", "expires_at"],
    "open_links": ["purpose"],
    "sessions": ["via", "address"],
    "users": ["name_key", "email", "password_hash", "scim_id", "scim_name"],
}
_MADE = [
    "access_rules",
    "audit_entries",
    "budgets",
    "identity_providers",
    "prices",
    "sign_in_attempts",
    "identities",
    "invitations",
    "oauth_states",
    "usage_entries",
    "usage_totals",
]


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    is_named = sa.text("name_key <> ''")
    op.create_table(
        "access_rules",
        sa.Column("id", identifier, nullable=False),
        sa.Column("subject", identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("is_allowed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_rules")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", identifier, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", identifier, nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "id"], unique=False)

    op.create_table(
        "budgets",
        sa.Column("id", identifier, nullable=False),
        sa.Column("subject", identifier, nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("max_cost", sa.BigInteger(), nullable=True),
        sa.Column("max_tokens", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
    )
    op.create_table(
        "identity_providers",
        sa.Column("name", identifier, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("sign_up", sa.Text(), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_identity_providers")),
    )
    op.create_table(
        "prices",
        sa.Column("model", identifier, nullable=False),
        sa.Column("input", sa.Float(), nullable=False),
        sa.Column("output", sa.Float(), nullable=False),
        sa.Column("cached_input", sa.Float(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_prices")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", identifier, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempts")),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", identifier, nullable=False),
        sa.Column("subject", identifier, nullable=False),
        sa.Column("user_id", identifier, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"], unique=False)

    op.create_table(
        "invitations",
        sa.Column("id", identifier, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", identifier, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("used_by", identifier, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_invitations_created_by"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitations_secret_hash")),
    )
    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("user_id", identifier, nullable=True),
        sa.Column("invitation_hash", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_oauth_states_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oauth_states")),
    )
    op.create_table(
        "usage_entries",
        sa.Column("id", identifier, nullable=False),
        sa.Column("user_id", identifier, nullable=False),
        sa.Column("turn_id", identifier, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("model", identifier, nullable=False),
        sa.Column("day", identifier, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("has_price", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
        sa.Column("first_token_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_usage_entries_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_entries")),
    )
    op.create_index("ix_usage_entries_day", "usage_entries", ["day"], unique=False)
    is_open = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_usage_entries_open",
        "usage_entries",
        ["created_at"],
        unique=False,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_usage_entries_turn", "usage_entries", ["turn_id"], unique=False)
    op.create_index("ix_usage_entries_user", "usage_entries", ["user_id", "day", "model"], unique=False)

    op.create_table(
        "usage_totals",
        sa.Column("user_id", identifier, nullable=False),
        sa.Column("day", identifier, nullable=False),
        sa.Column("model", identifier, nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_usage_totals_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "day", "model", name=op.f("pk_usage_totals")),
    )
    op.add_column("api_keys", sa.Column("scopes", sa.Text(), server_default="chat read admin", nullable=False))
    op.add_column("api_keys", sa.Column("expires_at", sa.BigInteger(), nullable=True))

    op.add_column("open_links", sa.Column("purpose", sa.Text(), server_default="open", nullable=False))

    op.add_column("sessions", sa.Column("via", sa.Text(), server_default="link", nullable=False))
    op.add_column("sessions", sa.Column("address", sa.Text(), server_default="", nullable=False))

    op.add_column("users", sa.Column("name_key", identifier, server_default="", nullable=False))
    op.add_column("users", sa.Column("email", sa.Text(), server_default="", nullable=False))
    op.add_column("users", sa.Column("password_hash", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("scim_id", identifier, nullable=True))
    op.add_column("users", sa.Column("scim_name", identifier, nullable=True))
    op.create_index("uq_users_scim_name", "users", ["scim_name"], unique=True)
    op.create_index(
        "uq_users_name_key", "users", ["name_key"], unique=True, sqlite_where=is_named, postgresql_where=is_named
    )

    op.execute("UPDATE users SET name_key = lower(name) WHERE role = 'owner'")  # 0.1 had no others


def downgrade() -> None:
    op.drop_index("uq_users_scim_name", "users")
    op.drop_index("uq_users_name_key", "users")
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
    for table in _MADE:
        op.drop_table(table)
