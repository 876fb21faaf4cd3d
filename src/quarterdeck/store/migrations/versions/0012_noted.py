"""noted: what API clients note about conversations, and which response goes on from which"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_conversations_hidden": ("updated_at", "is_hidden = 1"),
    "ix_conversations_forked": ("forked_from", "forked_from IS NOT NULL"),
}
_LINK = {
    "sqlite": """
UPDATE conversations SET forked_from = (
    SELECT earlier.message_id FROM turns JOIN turns AS earlier ON earlier.id = json_extract(turns.asked, '$.previous')
    WHERE turns.conversation_id = conversations.id LIMIT 1
) WHERE is_hidden = 1 AND forked_from IS NULL
""",
    "postgresql": """
UPDATE conversations SET forked_from = (
    SELECT earlier.message_id FROM turns JOIN turns AS earlier ON earlier.id = turns.asked::json ->> 'previous'
    WHERE turns.conversation_id = conversations.id LIMIT 1
) WHERE is_hidden = 1 AND forked_from IS NULL
""",
}


def upgrade() -> None:
    op.add_column("conversations", sa.Column("metadata", sa.Text(), nullable=True))
    for name, (column, condition) in _INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "conversations", [column], unique=False, sqlite_where=where, postgresql_where=where)
    op.execute(_LINK[op.get_bind().dialect.name])


def downgrade() -> None:
    op.drop_index("ix_conversations_forked", table_name="conversations")
    op.drop_index("ix_conversations_hidden", table_name="conversations")
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_column("metadata")
