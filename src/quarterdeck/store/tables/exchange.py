"""What is shared, and what is brought from elsewhere."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Table, Text

from quarterdeck.store.tables.base import Identifier, metadata

shares = Table(
    "shares",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("conversation_id", Identifier, nullable=False),  # where it was taken from; it outlives it
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

share_messages = Table(
    "share_messages",
    metadata,
    Column("share_id", Identifier, ForeignKey("shares.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("role", Text, nullable=False),
    Column("parts", Text, nullable=False),  # JSON, domain.parts, without what the model thought
    Column("model", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("format", Text, nullable=False),  # chatgpt | claude | openwebui | librechat | markdown | quarterdeck
    Column("name", Text, nullable=False),  # of the file
    Column("status", Text, nullable=False),  # waiting | running | complete | failed | stopped
    Column("done_bytes", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),  # JSON: conversations, messages, … imported, known already, skipped
    Column("cursor", Text, nullable=False),  # JSON, how far it is: `store.imports.Cursor`
    Column("place", Text, nullable=False),  # the data folder that the file is in; empty: a command reads it where it is
    Column("error", Text, nullable=False),  # one sentence; empty: none
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

import_notes = Table(
    "import_notes",
    metadata,
    Column("import_id", Identifier, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("owner_id", Identifier, nullable=False),
    Column("kind", Text, nullable=False),  # skipped | changed
    Column("item", Text, nullable=False),  # what it was, by name
    Column("reason", Text, nullable=False),
)

forgotten_sources = Table(  # of conversations that were deleted for good: the same import does not bring them back
    "forgotten_sources",
    metadata,
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("source", Identifier, primary_key=True),  # as in `conversations`, or the id that it had here
    Column("forgotten_at", BigInteger, nullable=False),
)
