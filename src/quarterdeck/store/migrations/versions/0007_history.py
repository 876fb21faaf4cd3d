"""history: what idempotency keys made, changes still to be followed, what was forgotten, and titles in an index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_conversations_listed": "pinned_at IS NULL AND archived_at IS NULL AND deleted_at IS NULL",
    "ix_conversations_archived": "archived_at IS NOT NULL",
}
# Every three characters in a row, each behind six characters of the owner's id: the lists that are read for a search
# are as long as what this owner has. `pg_trgm` does less, and not every server has it.
_GRAMS = """
CREATE OR REPLACE FUNCTION quarterdeck_grams(owner text, title text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_agg(DISTINCT right(owner, 6) || substr(lower(title), place, 3))
FROM generate_series(1, greatest(char_length(lower(title)) - 2, 1)) AS place
$$
"""


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "request_keys",
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("key", identifier, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("result_id", identifier, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_request_keys_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "key", name=op.f("pk_request_keys")),
    )
    op.create_index("ix_request_keys_created", "request_keys", ["created_at"], unique=False)
    op.create_table(
        "changed_messages",
        sa.Column("message_id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_changed_messages_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_changed_messages")),
    )
    op.create_table(
        "forgotten_sources",
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("source", identifier, nullable=False),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_forgotten_sources_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "source", name=op.f("pk_forgotten_sources")),
    )
    op.add_column("folders", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column("conversations", sa.Column("left_folder_id", identifier, nullable=True))
    op.create_index(
        "ix_conversations_left_folder",
        "conversations",
        ["left_folder_id"],
        unique=False,
        sqlite_where=sa.text("left_folder_id IS NOT NULL"),
        postgresql_where=sa.text("left_folder_id IS NOT NULL"),
    )
    _index_lists(["owner_id", "updated_at", "id", "title"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_GRAMS)
        op.execute(
            "CREATE INDEX ix_conversations_title ON conversations "
            "USING gin (quarterdeck_grams(owner_id, title)) WITH (gin_pending_list_limit = 512)"
        )


def downgrade() -> None:
    _index_lists(["owner_id", "updated_at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_conversations_title", "conversations")
        op.execute("DROP FUNCTION quarterdeck_grams(text, text)")
    op.drop_index("ix_conversations_left_folder", "conversations")
    for table, column in (("conversations", "left_folder_id"), ("folders", "deleted_at")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
    for table in ("forgotten_sources", "changed_messages", "request_keys"):
        op.drop_table(table)


def _index_lists(columns: list[str]) -> None:
    for name, condition in _INDEXES.items():
        op.drop_index(name, "conversations")
        where = sa.text(condition)
        op.create_index(name, "conversations", columns, unique=False, sqlite_where=where, postgresql_where=where)
