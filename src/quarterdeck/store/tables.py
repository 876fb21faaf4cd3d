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
    Column("name_key", Identifier, nullable=False, server_default=""),  # the name, case-folded; empty: made by 0.1
    Column("email", Text, nullable=False, server_default=""),  # to write to; never what an account is found by
    Column("password_hash", Text),  # argon2id; None: no password
    Column("scim_id", Identifier),  # `externalId` of the directory that keeps this account
    Column("scim_name", Identifier),  # `userName` there; None: no directory keeps this account
    Column("time_zone", Text, nullable=False, server_default=""),  # IANA name; empty: UTC
    Column("about", Text, nullable=False, server_default=""),  # what they want every model to know of them
)
Index(
    "uq_users_owner",
    users.c.role,
    unique=True,
    sqlite_where=text("role = 'owner'"),
)
Index("uq_users_scim_name", users.c.scim_name, unique=True)
Index("uq_users_name_key", users.c.name_key, unique=True, sqlite_where=text("name_key <> ''"))

identities = Table(
    "identities",
    metadata,
    Column("issuer", Identifier, primary_key=True),
    Column("subject", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("label", Text, nullable=False),  # what people call them there: an address, a login
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("created_by", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),  # admin | member
    Column("email", Text, nullable=False),  # whom it was made for, a note
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("used_by", Identifier),
)

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("browser_hash", LargeBinary, nullable=False),  # of the cookie of the browser that began
    Column("provider", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),  # PKCE
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE")),  # who links another way to sign in
    Column("invitation_hash", LargeBinary),
    Column("expires_at", BigInteger, nullable=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("key", Identifier, primary_key=True),  # `name:…` or `address:…`, hashed
    Column("failures", Integer, nullable=False),
    Column("failed_at", BigInteger, nullable=False),
    Column("blocked_until", BigInteger, nullable=False),
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
    Column("via", Text, nullable=False, server_default="link"),  # link | password | oauth | ldap | guest
    Column("address", Text, nullable=False, server_default=""),  # where it was opened from
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
    Column("scopes", Text, nullable=False, server_default="chat read admin"),
    Column("expires_at", BigInteger),
)

open_links = Table(
    "open_links",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False, server_default="open"),  # open | password
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
    Column("root_id", Identifier),  # the first message of the active path
    Column("title_from", Text, nullable=False, server_default="words"),  # words (the first ones) | model | user
    Column("pinned_at", BigInteger),
    Column("archived_at", BigInteger),
    Column("folder_id", Identifier),
    Column("source", Identifier),  # what it was imported from: `chatgpt:<id there>`
    Column("forked_from", Identifier),  # the message of another conversation that it goes on from
    UniqueConstraint("owner_id", "external_id"),
)
Index("ix_conversations_recent", conversations.c.owner_id, conversations.c.updated_at, conversations.c.id)
_is_pinned = text("pinned_at IS NOT NULL")
Index("ix_conversations_pinned", conversations.c.owner_id, conversations.c.pinned_at, sqlite_where=_is_pinned)
_is_archived = text("archived_at IS NOT NULL")
Index(
    "ix_conversations_archived",
    conversations.c.owner_id,
    conversations.c.updated_at,
    conversations.c.id,
    sqlite_where=_is_archived,
)
Index(
    "ix_conversations_folder",
    conversations.c.folder_id,
    conversations.c.updated_at,
    conversations.c.id,
    sqlite_where=text("folder_id IS NOT NULL"),
)
Index(
    "uq_conversations_source",
    conversations.c.owner_id,
    conversations.c.source,
    unique=True,
    sqlite_where=text("source IS NOT NULL"),
)
Index(
    "ix_conversations_listed",
    conversations.c.owner_id,
    conversations.c.updated_at,
    conversations.c.id,
    sqlite_where=text("pinned_at IS NULL AND archived_at IS NULL AND deleted_at IS NULL"),
)
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
    Column("active_child_id", Identifier),  # where the path goes on from here; the tip has none
    Column("version", Integer, nullable=False, server_default=text("1")),  # counts edits
    Column("edited_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("deletion", Identifier),  # what was deleted in one go, to be undone in one go
    Column("context_mark", Text, nullable=False, server_default=""),  # pinned | excluded, by hand
    Column("source", Identifier),  # its id where it was imported from
)
Index("ix_messages_conversation", messages.c.conversation_id, messages.c.id)
Index("ix_messages_owner", messages.c.owner_id, messages.c.id)
Index("ix_messages_parent", messages.c.conversation_id, messages.c.parent_id, messages.c.id)
Index("ix_messages_deletion", messages.c.deletion, sqlite_where=text("deletion IS NOT NULL"))
Index(
    "ix_messages_pinned",
    messages.c.conversation_id,
    messages.c.id,
    sqlite_where=text("context_mark = 'pinned'"),
)
Index(
    "ix_messages_source",
    messages.c.conversation_id,
    messages.c.source,
    sqlite_where=text("source IS NOT NULL"),
)

search_entries = Table(
    "search_entries",
    metadata,
    # When its message was made (ms << 20) and some bits of chance: no counter, and newest first is by id alone.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("message_id", Identifier, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("owner_id", Identifier, nullable=False),
    Column("conversation_id", Identifier, nullable=False),
    Column("facets", Text, nullable=False),  # store.search: who said it, in which conversation, what it has
    Column("words", Text, nullable=False),  # domain.words, one space between them
)
Index("ix_search_entries_owner", search_entries.c.owner_id, search_entries.c.id)

message_versions = Table(
    "message_versions",
    metadata,
    Column("message_id", Identifier, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),  # as it was before the next edit
    Column("owner_id", Identifier, nullable=False),
    Column("parts", Text, nullable=False),  # JSON, domain.parts
    Column("created_at", BigInteger, nullable=False),  # when this version was made
)

deletions = Table(
    "deletions",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, nullable=False),
    Column("conversation_id", Identifier, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("first_id", Identifier, nullable=False),  # the message that the path went on with, of those deleted
    Column("parent_id", Identifier),  # its parent; none: it was the first one
    Column("child_id", Identifier),  # where the parent was left leading to; none: the path ended with it
    Column("message_count", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_deletions_created", deletions.c.created_at)
Index("ix_deletions_conversation", deletions.c.conversation_id)

folders = Table(
    "folders",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Identifier, nullable=False),  # the name, case-folded
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("owner_id", "name_key"),
)

summaries = Table(
    "summaries",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, nullable=False),
    Column("conversation_id", Identifier, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("level", Integer, nullable=False),  # 1: of messages; 2 and more: of summaries
    Column("first_id", Identifier, nullable=False),  # the section of a path, both ends within
    Column("last_id", Identifier, nullable=False),
    Column("before_id", Identifier),  # the parent of the first message: where a path goes on upwards
    Column("message_count", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("stale_at", BigInteger),  # something that it covers was changed
    Column("replaced_by", Identifier),  # the summary that was made in its place
)
Index("ix_summaries_last", summaries.c.conversation_id, summaries.c.last_id)
Index("ix_summaries_stale", summaries.c.stale_at, sqlite_where=text("stale_at IS NOT NULL AND replaced_by IS NULL"))

summary_sources = Table(
    "summary_sources",
    metadata,
    Column("summary_id", Identifier, ForeignKey("summaries.id", ondelete="CASCADE"), primary_key=True),
    Column("source_id", Identifier, primary_key=True),  # a message, or a summary of the level below
    Column("version", Integer, nullable=False),  # of the message, as it was read
)
Index("ix_summary_sources_source", summary_sources.c.source_id)

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

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor_id", Identifier, nullable=False),  # empty: nobody signed in; outlives the account
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),  # `user.suspended`, `session.opened`, …
    Column("target", Text, nullable=False),  # whom or what it was done to, by name
    Column("address", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON object, without secrets
)
Index("ix_audit_entries_action", audit_entries.c.action, audit_entries.c.id)

identity_providers = Table(
    "identity_providers",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("label", Text, nullable=False),
    Column("kind", Text, nullable=False),  # oidc | google | microsoft | github
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("secret_sealed", LargeBinary),  # AES-GCM, accounts.vault
    Column("sign_up", Text, nullable=False),  # nobody | invitation | domain | anybody
    Column("domains", Text, nullable=False),  # separated by blanks
    Column("updated_at", BigInteger, nullable=False),
)

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
