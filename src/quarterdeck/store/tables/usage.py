"""What may be used, and what was."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text, text

from quarterdeck.store.tables.base import Identifier, metadata

access_rules = Table(
    "access_rules",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("subject", Identifier, nullable=False),  # `all`, `role:member`, `user:<id>`
    Column("kind", Text, nullable=False),  # model | tool
    Column("pattern", Text, nullable=False),  # `openai/*`
    Column("is_allowed", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

prices = Table(
    "prices",
    metadata,
    Column("model", Identifier, primary_key=True),  # `provider/model`; US dollars for a million tokens
    Column("input", Float, nullable=False),
    Column("output", Float, nullable=False),
    Column("cached_input", Float),
    Column("updated_at", BigInteger, nullable=False),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("subject", Identifier, nullable=False),  # `all` (everybody has one of their own), `role:…`, `user:<id>`
    Column("pattern", Text, nullable=False),  # of models; `*`
    Column("period", Text, nullable=False),  # day | month
    Column("max_cost", BigInteger),  # millionths of a US dollar; None: no bound
    Column("max_tokens", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

usage_entries = Table(
    "usage_entries",
    metadata,
    Column("id", Identifier, primary_key=True),  # of the reservation; settled it is what was used
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("turn_id", Identifier, nullable=False),  # empty: a call without a turn
    Column("step", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("purpose", Text, nullable=False),  # answer | title | summary | …
    Column("model", Identifier, nullable=False),
    Column("day", Identifier, nullable=False),  # `2026-11-28`, of the user; a month is its beginning
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),  # None: reserved
    Column("cost", BigInteger, nullable=False),  # millionths of a US dollar, reserved or used
    Column("has_price", Integer, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("first_token_ms", Integer),
)
Index("ix_usage_entries_user", usage_entries.c.user_id, usage_entries.c.day, usage_entries.c.model)
Index("ix_usage_entries_turn", usage_entries.c.turn_id)
Index("ix_usage_entries_day", usage_entries.c.day)
Index("ix_usage_entries_open", usage_entries.c.created_at, sqlite_where=text("settled_at IS NULL"))

usage_totals = Table(
    "usage_totals",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Identifier, primary_key=True),  # `2026-11-28`, of the user; a month is the sum of its days
    Column("model", Identifier, primary_key=True),
    Column("cost", BigInteger, nullable=False),  # millionths of a US dollar; what is reserved counts
    Column("tokens", BigInteger, nullable=False),
)
