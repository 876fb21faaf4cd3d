"""Turns, their steps, and what the model was sent."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from quarterdeck.store.tables.base import Identifier, metadata

turns = Table(
    "turns",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, nullable=False),
    Column("conversation_id", Identifier, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("request_id", Identifier, nullable=False),  # the user message
    Column("message_id", Identifier, nullable=False),  # the answer
    Column("status", Text, nullable=False),  # queued | running | complete | stopped | failed
    Column("model", Text, nullable=False),
    Column("assistant", Text, nullable=False),  # the built-in one whose format is spoken
    Column("instructions", Text, nullable=False),  # as they were, those of an own assistant included
    Column("temperature", Float),
    Column("send_key", Identifier, nullable=False),
    Column("send_hash", LargeBinary, nullable=False),
    Column("lease_owner", Identifier),
    Column("lease_until", BigInteger, nullable=False),
    Column("stop_requested_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("handovers", Integer, nullable=False, server_default=text("0")),  # graceful ones so far
    Column("decisions", Text),  # JSON, store.approvals.Decision: what the user has decided about tool calls
    Column("asked", Text),  # JSON, domain.asked.ApiRequest: what an API client wanted beside the message
    UniqueConstraint("owner_id", "send_key"),
)
Index("ix_turns_conversation", turns.c.conversation_id, turns.c.id)
_open = text("status IN ('queued', 'running')")
Index("ix_turns_open", turns.c.conversation_id, turns.c.status, sqlite_where=_open)
Index("ix_turns_ended", turns.c.ended_at)

turn_steps = Table(
    "turn_steps",
    metadata,
    Column("turn_id", Identifier, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),  # 1, then 2 after a take-over
    Column("model", Text, nullable=False),
    Column("manifest", Text, nullable=False),  # JSON, context.manifest.Manifest
    Column("started_at", BigInteger, nullable=False),
    Column("usage", Text),  # JSON, domain.usage.Usage; None: it has not ended, or nothing was reported
)

context_texts = Table(
    "context_texts",
    metadata,
    Column("owner_id", Identifier, primary_key=True),
    Column("digest", Identifier, primary_key=True),  # SHA-256 of the text, hexadecimal
    Column(
        "text", Text, nullable=False
    ),  # sent to a model, and to be found nowhere else: instructions, a partial answer
    Column("created_at", BigInteger, nullable=False),
)

token_ratios = Table(
    "token_ratios",
    metadata,
    Column("model", Identifier, primary_key=True),  # `provider/model`
    Column("ratio", Float, nullable=False),  # tokens as reported by those estimated, smoothed
    Column("samples", Integer, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
