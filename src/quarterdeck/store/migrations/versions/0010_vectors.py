"""vectors of what was said and is remembered, and what has none yet"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identifier = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "vectors",
        sa.Column("key_id", identifier, nullable=False),
        sa.Column("model", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "model", name=op.f("pk_vectors")),
    )
    op.create_index("ix_vectors_owner", "vectors", ["owner_id", "model", "made_at"], unique=False)
    op.create_table(
        "vectors_due",
        sa.Column("key_id", identifier, nullable=False),
        sa.Column("owner_id", identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("marked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_vectors_due")),
    )
    op.create_index("ix_vectors_due_owner", "vectors_due", ["owner_id"], unique=False)


def downgrade() -> None:
    op.drop_table("vectors_due")
    op.drop_table("vectors")
