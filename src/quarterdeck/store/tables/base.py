"""What all tables have in common."""

from __future__ import annotations

from sqlalchemy import MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identifier = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts byte by byte on every database: keys, and whatever is put in order."""
