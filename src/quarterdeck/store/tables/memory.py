"""What is remembered across conversations, where it came from, and what became of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from quarterdeck.store.tables.base import Identifier, metadata

memories = Table(
    "memories",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),  # fact | preference | plan | relation | event
    Column("text", Text, nullable=False),  # one statement; empty: forgotten, and only kept so as not to come back
    Column("origin", Text, nullable=False),  # derived | user | import: the user's own outranks what is derived
    Column("model", Text, nullable=False),  # that derived it; empty: none did
    Column("confidence", Float, nullable=False),  # 0 to 1
    Column("taint", Text, nullable=False, server_default=""),  # of its sources, as in `messages.taint`
    Column("fingerprint", Identifier, nullable=False),  # of the statement without its accidents: duplicates, tombstones
    Column("said_at", BigInteger, nullable=False),  # when it was (first) said
    Column("valid_from", BigInteger),  # since when it is true; None: not known
    Column("valid_to", BigInteger),
    Column("superseded_by", Identifier),  # the memory that contradicts it
    Column("superseded_at", BigInteger),
    Column("stale_at", BigInteger),  # a source was changed or deleted: not recalled until it is derived anew
    Column("forgotten_at", BigInteger),
    Column("pinned_at", BigInteger),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_memories_owner", memories.c.owner_id, memories.c.id)
Index("ix_memories_fingerprint", memories.c.owner_id, memories.c.fingerprint)
Index("ix_memories_stale", memories.c.stale_at, sqlite_where=text("stale_at IS NOT NULL AND forgotten_at IS NULL"))

memory_sources = Table(
    "memory_sources",
    metadata,
    Column("memory_id", Identifier, ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", Identifier, primary_key=True),  # no foreign key: a memory knows where it came from for good
    Column("owner_id", Identifier, nullable=False),
    Column("version", Integer, nullable=False),  # of the message, as it was read
    Column("quote", Text, nullable=False),  # the passage; empty: the whole message
)
Index("ix_memory_sources_message", memory_sources.c.message_id)

memory_versions = Table(
    "memory_versions",
    metadata,
    Column("memory_id", Identifier, ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("owner_id", Identifier, nullable=False),
    Column("change", Text, nullable=False),  # made | edited | merged | superseded | stale | renewed | pinned | …
    Column("actor", Text, nullable=False),  # user | model | server
    Column("state", Text, nullable=False),  # JSON: the row after it; a forgotten one has no text in any version
    Column("created_at", BigInteger, nullable=False),
)

memory_uses = Table(
    "memory_uses",
    metadata,
    Column("owner_id", Identifier, nullable=False),
    Column("memory_id", Identifier, ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True),
    Column("turn_id", Identifier, primary_key=True),
    Column("conversation_id", Identifier, nullable=False),
    Column("message_id", Identifier, nullable=False),  # the answer
    Column("signals", Text, nullable=False),  # JSON: why it was recalled
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_memory_uses_turn", memory_uses.c.turn_id)

standing_notes = Table(
    "standing_notes",
    metadata,
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("lines", Text, nullable=False),  # JSON: which memories each line says
    Column("version", Integer, nullable=False),
    Column("stale_at", BigInteger),  # a memory that it says was changed
    Column("updated_at", BigInteger, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("key_id", Identifier, primary_key=True),  # the message or memory whose meaning it is
    Column("model", Identifier, primary_key=True),  # with its version, where that is known
    Column("owner_id", Identifier, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # a signed byte for each dimension; only its direction counts
)
Index("ix_vectors_owner", vectors.c.owner_id, vectors.c.model, vectors.c.made_at)

vectors_due = Table(
    "vectors_due",
    metadata,
    Column("key_id", Identifier, primary_key=True),  # a message or memory that is new or has changed
    Column("owner_id", Identifier, nullable=False),
    Column("kind", Text, nullable=False),  # message | memory
    Column("marked_at", BigInteger, nullable=False),
)
Index("ix_vectors_due_owner", vectors_due.c.owner_id)
