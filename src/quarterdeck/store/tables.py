"""All tables. Ids are text (`domain.ids`), times are milliseconds since 1970, JSON is text.

Partial indexes name SQLite's condition only: naming PostgreSQL's here would load its dialect at every
start. Its own are in the migrations, which are what makes the tables there.

`Identifier` is text that sorts byte by byte on every database: keys, and whatever is put in order.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identifier = Text().with_variant(Text(collation="C"), "postgresql")

users = Table(
    "users",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # owner | admin | member | guest
    Column("created_at", BigInteger, nullable=False),
    Column("suspended_at", BigInteger),
)
Index(
    "uq_users_owner",
    users.c.role,
    unique=True,
    sqlite_where=text("role = 'owner'"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("device", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

open_links = Table(
    "open_links",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("external_id", Identifier, nullable=False),  # as the client that made it calls it
    Column("title", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("assistant", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("temperature", Float),
    Column("tip_id", Identifier),  # the last message of the active path
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    UniqueConstraint("owner_id", "external_id"),
)
Index("ix_conversations_recent", conversations.c.owner_id, conversations.c.updated_at, conversations.c.id)
Index("ix_conversations_deleted", conversations.c.deleted_at, sqlite_where=text("deleted_at IS NOT NULL"))

messages = Table(
    "messages",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("conversation_id", Identifier, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("owner_id", Identifier, nullable=False),
    Column("parent_id", Identifier),
    Column("role", Text, nullable=False),  # user | assistant
    Column("status", Text, nullable=False),  # complete | queued | running | stopped | failed
    Column("parts", Text, nullable=False),  # JSON, domain.parts
    Column("model", Text, nullable=False),
    Column("turn_id", Identifier, nullable=False),
    Column("usage", Text),  # JSON, domain.usage.Usage
    Column("continuations", Text),  # JSON, domain.fold.Continuation
    Column("error", Text),  # JSON, domain.events.TurnFault
    Column("first_token_ms", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
Index("ix_messages_conversation", messages.c.conversation_id, messages.c.id)
Index("ix_messages_owner", messages.c.owner_id, messages.c.id)

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
    Column("assistant", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("temperature", Float),
    Column("send_key", Identifier, nullable=False),
    Column("send_hash", LargeBinary, nullable=False),
    Column("lease_owner", Identifier),
    Column("lease_until", BigInteger, nullable=False),
    Column("stop_requested_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("handovers", Integer, nullable=False, server_default=text("0")),  # graceful ones so far
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
)

ideas = Table(
    "ideas",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, nullable=False),
    Column("conversation_id", Identifier, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Identifier, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
)
Index("ix_ideas_owner", ideas.c.owner_id, ideas.c.id)
Index("ix_ideas_conversation", ideas.c.conversation_id, ideas.c.id)

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("label", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("key_sealed", LargeBinary),  # AES-GCM, accounts.vault
    Column("updated_at", BigInteger, nullable=False),
)

server_settings = Table(
    "server_settings",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("value", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Identifier, primary_key=True),  # of the scheduled work
    Column("owner", Identifier, nullable=False),  # the worker that does it; empty: nobody
    Column("until", BigInteger, nullable=False),
    Column("done_at", BigInteger, nullable=False),  # 0: never yet
)
