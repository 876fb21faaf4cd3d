"""Conversations, their messages, and what is derived from them."""

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
    Column("is_hidden", Integer, nullable=False, server_default=text("0")),  # of an API client: never listed
    Column("source", Identifier),  # what it was imported from: `chatgpt:<id there>`
    Column("forked_from", Identifier),  # the message of another conversation that it goes on from
    Column("memory", Text, nullable=False, server_default=""),  # empty: as the account has it | off | private
    Column("left_folder_id", Identifier),  # the folder that it was in when that was deleted
    Column("metadata", Text),  # JSON, what an API client has noted about it: names to texts
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
    conversations.c.title,
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
    "ix_conversations_left_folder",
    conversations.c.left_folder_id,
    sqlite_where=text("left_folder_id IS NOT NULL"),
)
Index(
    "uq_conversations_source",
    conversations.c.owner_id,
    conversations.c.source,
    unique=True,
    sqlite_where=text("source IS NOT NULL"),
)
Index(
    "ix_conversations_listed",  # with the titles: who looks for a part of one reads nothing else
    conversations.c.owner_id,
    conversations.c.updated_at,
    conversations.c.id,
    conversations.c.title,
    sqlite_where=text("pinned_at IS NULL AND archived_at IS NULL AND deleted_at IS NULL"),
)
Index("ix_conversations_hidden", conversations.c.updated_at, sqlite_where=text("is_hidden = 1"))
Index("ix_conversations_forked", conversations.c.forked_from, sqlite_where=text("forked_from IS NOT NULL"))
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
    Column("speaker", Text, nullable=False, server_default=""),  # a name, where it is neither just user nor model
    Column("taint", Text, nullable=False, server_default=""),  # what untrusted was read for it: tool | web | file
    Column("remembered_at", BigInteger),  # extraction has read this version; None: not yet
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
Index("ix_messages_tainted", messages.c.conversation_id, sqlite_where=text("taint <> ''"))
Index(
    "ix_messages_unremembered",
    messages.c.owner_id,
    messages.c.id,
    sqlite_where=text("remembered_at IS NULL AND role = 'user' AND deleted_at IS NULL"),
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
    Column("length", Integer),  # of these, how many are not in every sentence; none: as `standing`
    Column("standing", Integer),  # store.standing: in recall; none: the message is looked at
)
Index("ix_search_entries_owner", search_entries.c.owner_id, search_entries.c.id)
Index(
    "ix_search_entries_no_standing",
    search_entries.c.id,
    sqlite_where=text("standing IS NULL"),
    postgresql_where=text("standing IS NULL"),
)

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

changed_messages = Table(  # what is derived from them is to follow: of a change of too many for one transaction
    "changed_messages",
    metadata,
    Column("message_id", Identifier, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("owner_id", Identifier, nullable=False),
)

folders = Table(
    "folders",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Identifier, nullable=False),  # the name, case-folded; of a deleted one its id
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
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
Index("ix_summaries_owner", summaries.c.owner_id, summaries.c.id)
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

request_keys = Table(
    "request_keys",
    metadata,
    Column("owner_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Identifier, primary_key=True),  # what it is for and the client's idempotency key
    Column("digest", LargeBinary, nullable=False),  # of what was asked
    Column("result_id", Identifier, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_request_keys_created", request_keys.c.created_at)
