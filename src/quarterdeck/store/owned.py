"""What belongs to a user, table by table: to be handed out to them, and to be gone with them.

A table that is new here gets a line in `_OWNERS`; a test looks for columns that name a user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, delete, or_, select, tuple_

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.memory_settings import reading_of
from quarterdeck.store.tables import (
    access_rules,
    api_keys,
    assistants,
    budgets,
    changed_messages,
    context_texts,
    conversations,
    deletions,
    folders,
    forgotten_sources,
    ideas,
    identities,
    import_notes,
    imports,
    invitations,
    leases,
    memories,
    memory_sources,
    memory_uses,
    memory_versions,
    message_versions,
    messages,
    oauth_states,
    open_links,
    request_keys,
    search_entries,
    sessions,
    share_messages,
    shares,
    snippets,
    standing_notes,
    summaries,
    summary_sources,
    turn_steps,
    turns,
    usage_entries,
    usage_totals,
    users,
    vectors,
    vectors_due,
)
from quarterdeck.store.turns import OPEN

_SOME = 20  # conversations at a time: their messages go with them
_JSON = {
    "parts",
    "usage",
    "continuations",
    "error",
    "manifest",
    "tools",
    "starters",
    "counts",
    "cursor",
    "state",
    "signals",
    "lines",
}
_SECRET = {
    "password_hash",
    "secret_hash",
    "send_hash",
    "state_hash",
    "browser_hash",
    "invitation_hash",
    "nonce",
    "verifier",
}
# Gone in a day, or only the messages once more.
_NOT_EXPORTED = {
    "open_links", "oauth_states", "search_entries", "request_keys", "changed_messages", "vectors", "vectors_due",
    "leases",
}  # fmt: skip


def _owners(user: str) -> dict[Table, ColumnElement[bool]]:
    """Whose rows are `user`'s. In the order in which they can be deleted."""
    subject = f"user:{user}"
    own_turns = select(turns.c.id).where(turns.c.owner_id == user)
    own_summaries = select(summaries.c.id).where(summaries.c.owner_id == user)
    own_shares = select(shares.c.id).where(shares.c.owner_id == user)
    return {
        memory_sources: memory_sources.c.owner_id == user,
        memory_versions: memory_versions.c.owner_id == user,
        memory_uses: memory_uses.c.owner_id == user,
        memories: memories.c.owner_id == user,
        vectors: vectors.c.owner_id == user,
        vectors_due: vectors_due.c.owner_id == user,
        standing_notes: standing_notes.c.owner_id == user,
        leases: leases.c.name == reading_of(user),  # of a process that has died
        summary_sources: summary_sources.c.summary_id.in_(own_summaries),
        summaries: summaries.c.owner_id == user,
        message_versions: message_versions.c.owner_id == user,
        deletions: deletions.c.owner_id == user,
        share_messages: share_messages.c.share_id.in_(own_shares),
        shares: shares.c.owner_id == user,
        turn_steps: turn_steps.c.turn_id.in_(own_turns),
        context_texts: context_texts.c.owner_id == user,
        ideas: ideas.c.owner_id == user,
        turns: turns.c.owner_id == user,
        changed_messages: changed_messages.c.owner_id == user,
        search_entries: search_entries.c.owner_id == user,
        messages: messages.c.owner_id == user,
        conversations: conversations.c.owner_id == user,
        folders: folders.c.owner_id == user,
        assistants: assistants.c.owner_id == user,
        snippets: snippets.c.owner_id == user,
        import_notes: import_notes.c.owner_id == user,
        imports: imports.c.owner_id == user,
        forgotten_sources: forgotten_sources.c.owner_id == user,
        request_keys: request_keys.c.owner_id == user,
        usage_entries: usage_entries.c.user_id == user,
        usage_totals: usage_totals.c.user_id == user,
        budgets: budgets.c.subject == subject,
        access_rules: access_rules.c.subject == subject,
        invitations: invitations.c.created_by == user,
        identities: identities.c.user_id == user,
        oauth_states: oauth_states.c.user_id == user,
        open_links: open_links.c.user_id == user,
        api_keys: api_keys.c.user_id == user,
        sessions: sessions.c.user_id == user,
        users: users.c.id == user,
    }


def list_exported(user: str) -> list[Table]:
    """The tables that `read_owned` is asked for, one after the other."""
    return [table for table in reversed(_owners(user)) if table.name not in _NOT_EXPORTED]


def read_owned(
    connection: AnyConnection, user: str, table: Table, after: Sequence[Any] | None, limit: int
) -> tuple[list[dict[str, Any]], Sequence[Any] | None]:
    """Some of the user's rows, without secrets, and where to go on (None: that was all)."""
    key = tuple(table.primary_key.columns)
    query = select(table).where(_owners(user)[table]).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    rows = connection.execute(query).all()
    more = [getattr(rows[-1], column.name) for column in key] if len(rows) == limit else None
    return [dict(_shown(row, table)) for row in rows], more


def list_open_of_user(connection: AnyConnection, user: str) -> list[str]:
    """Turns that wait or run."""
    rows = connection.execute(select(turns.c.id).where(turns.c.owner_id == user, turns.c.status.in_(OPEN)))
    return [row.id for row in rows]


def list_recent_of_user(connection: AnyConnection, user: str, since_ms: int) -> list[str]:
    """Turns whose log may be there still."""
    recent = or_(turns.c.ended_at.is_(None), turns.c.ended_at > since_ms)
    return [row.id for row in connection.execute(select(turns.c.id).where(turns.c.owner_id == user, recent))]


def delete_some_conversations(connection: WriteConnection, user: str) -> int:
    """A few at a time, so that nobody waits behind them; how many went."""
    some = select(conversations.c.id).where(conversations.c.owner_id == user).limit(_SOME)
    return connection.execute(delete(conversations).where(conversations.c.id.in_(some))).rowcount


def delete_user(connection: WriteConnection, user: str) -> None:
    """The account, and whatever is left of what belongs to it. The audit log keeps what was done."""
    for table, is_own in _owners(user).items():
        connection.execute(delete(table).where(is_own))


def _shown(row: Any, table: Table) -> Iterator[tuple[str, Any]]:
    encoded = _JSON - {"error"} if table is imports else _JSON  # there it is a sentence
    for name, value in row._mapping.items():
        if name in _SECRET or isinstance(value, bytes):
            continue
        yield name, msgspec.json.decode(value) if name in encoded and value is not None else value
