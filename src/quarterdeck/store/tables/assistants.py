"""Assistants and snippets that people make."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from quarterdeck.store.tables.base import Identifier, metadata

assistants = Table(
    "assistants",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("is_shared", Integer, nullable=False),  # with everybody on this server, by an admin
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("model", Text, nullable=False),  # empty: whatever is chosen
    Column("temperature", Float),
    Column("format", Text, nullable=False),  # plain | tagged
    Column("tools", Text, nullable=False),  # JSON list of names
    Column("uses_memory", Integer, nullable=False, server_default=text("1")),
    Column("starters", Text, nullable=False),  # JSON list of first messages
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
)
Index("ix_assistants_owner", assistants.c.owner_id, assistants.c.id)
Index("ix_assistants_shared", assistants.c.id, sqlite_where=text("is_shared = 1"))

snippets = Table(
    "snippets",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Identifier, nullable=False),  # what is typed after the slash
    Column("text", Text, nullable=False),  # with `{{variables}}`
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("owner_id", "name"),
)
