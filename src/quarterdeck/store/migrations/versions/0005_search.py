"""search: an entry for each message, and a full-text index over them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from quarterdeck.store.search import index_all

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TERMS = "replace(' ' || {row}facets || ' ' || {row}words, ' ', ' ' || substr({row}owner_id, -6))"
_NEW = "INSERT INTO search_index (rowid, terms) VALUES (new.id, " + _TERMS.format(row="new.") + ")"  # nosec B608  # noqa: S608
_OLD = (
    "INSERT INTO search_index (search_index, rowid, terms) VALUES ('delete', old.id, " + _TERMS.format(row="old.") + ")"  # nosec B608  # noqa: S608
)
_SQLITE = (
    "CREATE VIEW search_terms AS SELECT id, " + _TERMS.format(row="") + " AS terms FROM search_entries",  # nosec B608  # noqa: S608
    "CREATE VIRTUAL TABLE search_index USING fts5 "
    "(terms, content = 'search_terms', content_rowid = 'id', tokenize = 'ascii', columnsize = 0)",
    f"CREATE TRIGGER search_entries_insert AFTER INSERT ON search_entries BEGIN {_NEW}; END",
    f"CREATE TRIGGER search_entries_delete AFTER DELETE ON search_entries BEGIN {_OLD}; END",
    f"CREATE TRIGGER search_entries_update AFTER UPDATE ON search_entries BEGIN {_OLD}; {_NEW}; END",
)
# Not `to_tsvector`: words are cut and folded already, and its parser would cut them once more, by the server's locale.
_POSTGRESQL = (
    "CREATE INDEX ix_search_entries_terms ON search_entries USING gin (array_to_tsvector(string_to_array("
    "right(owner_id, 6) || replace(facets || CASE words WHEN '' THEN '' ELSE ' ' || words END, "
    "' ', ' ' || right(owner_id, 6)), ' '))) WITH (gin_pending_list_limit = 512)",
)
_IS_LISTED = "pinned_at IS NULL AND archived_at IS NULL AND deleted_at IS NULL"


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "search_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("message_id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("conversation_id", identifier, nullable=False),
        sa.Column("facets", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_search_entries_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entries")),
        sa.UniqueConstraint("message_id", name=op.f("uq_search_entries_message_id")),
    )
    op.create_index("ix_search_entries_owner", "search_entries", ["owner_id", "id"], unique=False)
    op.create_index(
        "ix_conversations_listed",
        "conversations",
        ["owner_id", "updated_at", "id"],
        unique=False,
        sqlite_where=sa.text(_IS_LISTED),
        postgresql_where=sa.text(_IS_LISTED),
    )
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    index_all(connection)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER search_entries_insert")
        op.execute("DROP TRIGGER search_entries_delete")
        op.execute("DROP TRIGGER search_entries_update")
        op.execute("DROP TABLE search_index")
        op.execute("DROP VIEW search_terms")
    op.drop_index("ix_conversations_listed", "conversations")
    op.drop_table("search_entries")
