"""many processes: hand-overs of a turn, leases of scheduled work, and ids that sort alike on every database"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What is looked up, joined, or put in order. PostgreSQL would sort them by the language of the installation;
# SQLite, the log and Python sort them byte by byte.
_BYTEWISE = {
    "users": ["id"],
    "sessions": ["id", "user_id"],
    "api_keys": ["id", "user_id"],
    "open_links": ["user_id"],
    "conversations": ["id", "owner_id", "external_id", "tip_id"],
    "messages": ["id", "conversation_id", "owner_id", "parent_id", "turn_id"],
    "turns": ["id", "owner_id", "conversation_id", "request_id", "message_id", "send_key", "lease_owner"],
    "turn_steps": ["turn_id"],
    "ideas": ["id", "owner_id", "conversation_id", "message_id"],
    "endpoints": ["name"],
    "server_settings": ["name"],
}


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    is_deleted = sa.text("deleted_at IS NOT NULL")
    if op.get_context().dialect.name == "postgresql":
        _sort_bytewise()
        # A lease is renewed every few seconds: room on the page keeps the indexes out of it.
        op.execute("ALTER TABLE turns SET (fillfactor = 70)")
    op.add_column("turns", sa.Column("handovers", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "leases",
        sa.Column("name", identifier, nullable=False),
        sa.Column("owner", identifier, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_index(
        "ix_conversations_deleted",
        "conversations",
        ["deleted_at"],
        unique=False,
        sqlite_where=is_deleted,
        postgresql_where=is_deleted,
    )


def _sort_bytewise() -> None:
    for table, columns in _BYTEWISE.items():
        changes = ", ".join(f'ALTER COLUMN {column} TYPE TEXT COLLATE "C"' for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")


def downgrade() -> None:
    op.drop_index("ix_conversations_deleted", "conversations")
    op.drop_table("leases")
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("handovers")
