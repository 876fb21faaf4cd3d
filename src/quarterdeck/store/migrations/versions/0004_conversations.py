"""conversations: a tree that can be edited, folders, summaries, assistants, shares, imports"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ADDED = {
    "conversations": ["root_id", "title_from", "pinned_at", "archived_at", "folder_id", "source", "forked_from"],
    "messages": ["active_child_id", "version", "edited_at", "deleted_at", "deletion", "context_mark", "source"],
    "turn_steps": ["usage"],
    "users": ["time_zone", "about"],
}
_INDEXES = {
    "ix_conversations_archived": "conversations",
    "ix_conversations_folder": "conversations",
    "ix_conversations_pinned": "conversations",
    "uq_conversations_source": "conversations",
    "ix_messages_deletion": "messages",
    "ix_messages_parent": "messages",
    "ix_messages_pinned": "messages",
    "ix_messages_source": "messages",
}
_MADE = [
    "token_ratios",
    "context_texts",
    "assistants",
    "folders",
    "imports",
    "import_notes",
    "shares",
    "snippets",
    "share_messages",
    "summaries",
    "deletions",
    "message_versions",
    "summary_sources",
]


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "token_ratios",
        sa.Column("model", identifier, nullable=False),
        sa.Column("ratio", sa.Float(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_token_ratios")),
    )
    op.create_table(
        "context_texts",
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("digest", identifier, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "digest", name=op.f("pk_context_texts")),
    )
    op.create_table(
        "assistants",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("is_shared", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("temperature", sa.Float(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("tools", sa.Text(), nullable=False),
        sa.Column("starters", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_assistants_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assistants")),
    )
    op.create_index("ix_assistants_owner", "assistants", ["owner_id", "id"], unique=False)
    op.create_index(
        "ix_assistants_shared",
        "assistants",
        ["id"],
        unique=False,
        sqlite_where=sa.text("is_shared = 1"),
        postgresql_where=sa.text("is_shared = 1"),
    )
    op.create_table(
        "folders",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", identifier, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_folders_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folders")),
        sa.UniqueConstraint("owner_id", "name_key", name=op.f("uq_folders_owner_id_name_key")),
    )
    op.create_table(
        "imports",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_imports_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_owner_id"), "imports", ["owner_id"], unique=False)
    op.create_table(
        "import_notes",
        sa.Column("import_id", identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_notes_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "position", name=op.f("pk_import_notes")),
    )
    op.create_table(
        "shares",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("conversation_id", identifier, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_shares_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_shares_secret_hash")),
    )
    op.create_index(op.f("ix_shares_owner_id"), "shares", ["owner_id"], unique=False)
    op.create_table(
        "snippets",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("name", identifier, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_snippets_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snippets")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_snippets_owner_id_name")),
    )
    op.create_table(
        "share_messages",
        sa.Column("share_id", identifier, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name=op.f("fk_share_messages_share_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("share_id", "position", name=op.f("pk_share_messages")),
    )
    op.create_table(
        "summaries",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("conversation_id", identifier, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("first_id", identifier, nullable=False),
        sa.Column("last_id", identifier, nullable=False),
        sa.Column("before_id", identifier, nullable=True),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("stale_at", sa.BigInteger(), nullable=True),
        sa.Column("replaced_by", identifier, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_summaries_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summaries")),
    )
    op.create_index("ix_summaries_last", "summaries", ["conversation_id", "last_id"], unique=False)
    op.create_index(
        "ix_summaries_stale",
        "summaries",
        ["stale_at"],
        unique=False,
        sqlite_where=sa.text("stale_at IS NOT NULL AND replaced_by IS NULL"),
        postgresql_where=sa.text("stale_at IS NOT NULL AND replaced_by IS NULL"),
    )
    op.create_table(
        "deletions",
        sa.Column("id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("conversation_id", identifier, nullable=False),
        sa.Column("first_id", identifier, nullable=False),
        sa.Column("parent_id", identifier, nullable=True),
        sa.Column("child_id", identifier, nullable=True),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_deletions_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
    )
    op.create_index("ix_deletions_conversation", "deletions", ["conversation_id"], unique=False)
    op.create_index("ix_deletions_created", "deletions", ["created_at"], unique=False)
    op.create_table(
        "message_versions",
        sa.Column("message_id", identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_versions_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "version", name=op.f("pk_message_versions")),
    )
    op.create_table(
        "summary_sources",
        sa.Column("summary_id", identifier, nullable=False),
        sa.Column("source_id", identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["summary_id"], ["summaries.id"], name=op.f("fk_summary_sources_summary_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("summary_id", "source_id", name=op.f("pk_summary_sources")),
    )
    op.create_index("ix_summary_sources_source", "summary_sources", ["source_id"], unique=False)
    op.add_column("conversations", sa.Column("root_id", identifier, nullable=True))
    op.add_column("conversations", sa.Column("title_from", sa.Text(), server_default="words", nullable=False))
    op.add_column("conversations", sa.Column("pinned_at", sa.BigInteger(), nullable=True))
    op.add_column("conversations", sa.Column("archived_at", sa.BigInteger(), nullable=True))
    op.add_column("conversations", sa.Column("folder_id", identifier, nullable=True))
    op.add_column("conversations", sa.Column("source", identifier, nullable=True))
    op.add_column("conversations", sa.Column("forked_from", identifier, nullable=True))
    op.create_index(
        "ix_conversations_archived",
        "conversations",
        ["owner_id", "updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("archived_at IS NOT NULL"),
        postgresql_where=sa.text("archived_at IS NOT NULL"),
    )
    op.create_index(
        "ix_conversations_folder",
        "conversations",
        ["folder_id", "updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("folder_id IS NOT NULL"),
        postgresql_where=sa.text("folder_id IS NOT NULL"),
    )
    op.create_index(
        "ix_conversations_pinned",
        "conversations",
        ["owner_id", "pinned_at"],
        unique=False,
        sqlite_where=sa.text("pinned_at IS NOT NULL"),
        postgresql_where=sa.text("pinned_at IS NOT NULL"),
    )
    op.create_index(
        "uq_conversations_source",
        "conversations",
        ["owner_id", "source"],
        unique=True,
        sqlite_where=sa.text("source IS NOT NULL"),
        postgresql_where=sa.text("source IS NOT NULL"),
    )
    op.add_column("messages", sa.Column("active_child_id", identifier, nullable=True))
    op.add_column("messages", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("messages", sa.Column("edited_at", sa.BigInteger(), nullable=True))
    op.add_column("messages", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column("messages", sa.Column("deletion", identifier, nullable=True))
    op.add_column("messages", sa.Column("context_mark", sa.Text(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("source", identifier, nullable=True))
    op.create_index(
        "ix_messages_deletion",
        "messages",
        ["deletion"],
        unique=False,
        sqlite_where=sa.text("deletion IS NOT NULL"),
        postgresql_where=sa.text("deletion IS NOT NULL"),
    )
    op.create_index("ix_messages_parent", "messages", ["conversation_id", "parent_id", "id"], unique=False)
    op.create_index(
        "ix_messages_pinned",
        "messages",
        ["conversation_id", "id"],
        unique=False,
        sqlite_where=sa.text("context_mark = 'pinned'"),
        postgresql_where=sa.text("context_mark = 'pinned'"),
    )
    op.create_index(
        "ix_messages_source",
        "messages",
        ["conversation_id", "source"],
        unique=False,
        sqlite_where=sa.text("source IS NOT NULL"),
        postgresql_where=sa.text("source IS NOT NULL"),
    )
    op.add_column("turn_steps", sa.Column("usage", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("time_zone", sa.Text(), server_default="", nullable=False))
    op.add_column("users", sa.Column("about", sa.Text(), server_default="", nullable=False))

    # Until now the newest branch was the only one that one could be on.
    op.execute(
        "UPDATE messages SET active_child_id = (SELECT max(child.id) FROM messages AS child "
        "WHERE child.conversation_id = messages.conversation_id AND child.parent_id = messages.id)"
    )
    op.execute(
        "UPDATE conversations SET root_id = (SELECT min(first.id) FROM messages AS first "
        "WHERE first.conversation_id = conversations.id AND first.parent_id IS NULL)"
    )


def downgrade() -> None:
    for index, table in _INDEXES.items():
        op.drop_index(index, table)
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
    for table in reversed(_MADE):
        op.drop_table(table)
