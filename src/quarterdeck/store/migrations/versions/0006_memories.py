"""memories, with where they came from and what became of them; who spoke, and what untrusted was read for it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADDED = {
    "users": ["memory"],
    "conversations": ["memory"],
    "assistants": ["uses_memory"],
    "messages": ["speaker", "taint", "remembered_at"],
}
_MADE = ["memories", "memory_sources", "memory_versions", "memory_uses", "standing_notes"]
_UNREMEMBERED = "remembered_at IS NULL AND role = 'user' AND deleted_at IS NULL"
_STALE = "stale_at IS NOT NULL AND forgotten_at IS NULL"


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("users", sa.Column("memory", sa.Text(), server_default="on", nullable=False))
    op.add_column("conversations", sa.Column("memory", sa.Text(), server_default="", nullable=False))
    op.add_column("assistants", sa.Column("uses_memory", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("messages", sa.Column("speaker", sa.Text(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("taint", sa.Text(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("remembered_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE messages SET remembered_at = 0")  # nobody has asked for a model to read all that was said before
    op.create_index(
        "ix_messages_unremembered",
        "messages",
        ["owner_id", "id"],
        unique=False,
        sqlite_where=sa.text(_UNREMEMBERED),
        postgresql_where=sa.text(_UNREMEMBERED),
    )
    op.create_table(
        "memories",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("taint", sa.Text(), server_default="", nullable=False),
        sa.Column("fingerprint", identifier, nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("superseded_by", identifier, nullable=True),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("stale_at", sa.BigInteger(), nullable=True),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=True),
        sa.Column("pinned_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_memories_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memories")),
    )
    op.create_index("ix_memories_owner", "memories", ["owner_id", "id"], unique=False)
    op.create_index("ix_memories_fingerprint", "memories", ["owner_id", "fingerprint"], unique=False)
    op.create_index(
        "ix_memories_stale",
        "memories",
        ["stale_at"],
        unique=False,
        sqlite_where=sa.text(_STALE),
        postgresql_where=sa.text(_STALE),
    )
    op.create_table(
        "memory_sources",
        sa.Column("memory_id", identifier, nullable=False),
        sa.Column("message_id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["memory_id"], ["memories.id"], name=op.f("fk_memory_sources_memory_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("memory_id", "message_id", name=op.f("pk_memory_sources")),
    )
    op.create_index("ix_memory_sources_message", "memory_sources", ["message_id"], unique=False)
    op.create_table(
        "memory_versions",
        sa.Column("memory_id", identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["memory_id"], ["memories.id"], name=op.f("fk_memory_versions_memory_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("memory_id", "version", name=op.f("pk_memory_versions")),
    )
    op.create_table(
        "memory_uses",
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("memory_id", identifier, nullable=False),
        sa.Column("turn_id", identifier, nullable=False),
        sa.Column("conversation_id", identifier, nullable=False),
        sa.Column("message_id", identifier, nullable=False),
        sa.Column("signals", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["memory_id"], ["memories.id"], name=op.f("fk_memory_uses_memory_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("memory_id", "turn_id", name=op.f("pk_memory_uses")),
    )
    op.create_index("ix_memory_uses_turn", "memory_uses", ["turn_id"], unique=False)
    op.create_table(
        "standing_notes",
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stale_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_standing_notes_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_standing_notes")),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_unremembered", "messages")
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
    for table in reversed(_MADE):
        op.drop_table(table)
