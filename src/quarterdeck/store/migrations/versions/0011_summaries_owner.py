"""an owner's summaries are found at once: recall looks through them"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_summaries_owner", "summaries", ["owner_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_summaries_owner", table_name="summaries")
