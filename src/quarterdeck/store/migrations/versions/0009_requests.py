"""requests: what an API client asked for beside a message, and conversations that hold such a request alone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("asked", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("is_hidden", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_column("is_hidden")
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("asked")
