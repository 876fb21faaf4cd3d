"""what a user has decided about a turn's tool calls; tainted messages are found without reading the others"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_IS_TAINTED = "taint <> ''"


def upgrade() -> None:
    op.add_column("turns", sa.Column("decisions", sa.Text(), nullable=True))
    op.create_index(
        "ix_messages_tainted",
        "messages",
        ["conversation_id"],
        unique=False,
        sqlite_where=sa.text(_IS_TAINTED),
        postgresql_where=sa.text(_IS_TAINTED),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_tainted", "messages")
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("decisions")
