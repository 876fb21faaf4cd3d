"""standing: what ranking needs of a message stands with its entry in the search index

Entries that are there get theirs from a job while the server runs: nobody waits for it at the start.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TERMS = "replace(' ' || {row}facets || ' ' || {row}words, ' ', ' ' || substr({row}owner_id, -6))"
_NEW = "INSERT INTO search_index (rowid, terms) VALUES (new.id, " + _TERMS.format(row="new.") + ")"  # nosec B608  # noqa: S608
_OLD = (
    "INSERT INTO search_index (search_index, rowid, terms) VALUES ('delete', old.id, " + _TERMS.format(row="old.") + ")"  # nosec B608  # noqa: S608
)
_TRIGGER = "CREATE TRIGGER search_entries_update AFTER UPDATE{of} ON search_entries BEGIN " + f"{_OLD}; {_NEW}; END"
_NO_STANDING = sa.text("standing IS NULL")


def upgrade() -> None:
    op.add_column("search_entries", sa.Column("length", sa.Integer(), nullable=True))
    op.add_column("search_entries", sa.Column("standing", sa.Integer(), nullable=True))
    op.create_index(
        "ix_search_entries_no_standing",
        "search_entries",
        ["id"],
        unique=False,
        sqlite_where=_NO_STANDING,
        postgresql_where=_NO_STANDING,
    )
    if op.get_bind().dialect.name == "sqlite":
        # What is no word of an entry may change without the index of words.
        op.execute("DROP TRIGGER search_entries_update")
        op.execute(_TRIGGER.format(of=" OF id, owner_id, facets, words"))
        op.execute(
            "CREATE INDEX ix_search_entries_ranked ON search_entries "
            "(owner_id, id, message_id, conversation_id, facets, length, standing)"
        )


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.execute("DROP INDEX ix_search_entries_ranked")
        op.execute("DROP TRIGGER search_entries_update")
    op.drop_index("ix_search_entries_no_standing", table_name="search_entries")
    op.drop_column("search_entries", "standing")
    op.drop_column("search_entries", "length")
    if is_sqlite:
        op.execute(_TRIGGER.format(of=""))
