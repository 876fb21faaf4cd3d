"""What else says what messages said that are gone for good: texts that were sent to models, and stale summaries.

The manifests stay: they have no texts, and what is missing is shown as gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import delete, exists, func, or_, select, tuple_, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.memory_sources import forget_quotes
from quarterdeck.store.summaries import find_covering
from quarterdeck.store.tables import (
    context_texts,
    conversations,
    forgotten_sources,
    messages,
    summaries,
    turn_steps,
    turns,
)
from quarterdeck.store.upsert import upsert
from quarterdeck.store.vectors import forget_vectors

_HAS_RECALLED = turn_steps.c.manifest.contains('"recalled":{')
_HAS_PARTIAL = turn_steps.c.manifest.contains('"continuation"')
_SENT = select(turns.c.owner_id, turns.c.asked, turn_steps.c.manifest).join(turns, turns.c.id == turn_steps.c.turn_id)


def forget_traces(connection: WriteConnection, ids: list[str]) -> None:
    """Before the messages themselves are emptied or removed; a few hundred at a time."""
    _forget_texts(connection, set(ids))
    theirs = update(turns).where(turns.c.id.in_(_turns_of(ids)))
    connection.execute(theirs.where(turns.c.request_id.in_(ids)).values(asked=None))
    connection.execute(theirs.where(turns.c.message_id.in_(ids)).values(decisions=None))
    _forget_summaries(connection, ids)
    forget_quotes(connection, message_ids=ids)
    forget_vectors(connection, keys=ids)


def forget_sent_texts(connection: WriteConnection, conversation_ids: list[str]) -> None:
    """Before they are removed as a whole: what of their messages stands in what models were sent, and nowhere else."""
    has_any = or_(turns.c.asked.is_not(None), _HAS_PARTIAL)
    rows = connection.execute(_SENT.where(turns.c.conversation_id.in_(conversation_ids), has_any))
    _delete_texts(connection, _own_texts(rows))


def forget_instructions(connection: WriteConnection, conversation_ids: list[str]) -> None:
    """Before they are removed as a whole: what they told models to be, unless another conversation says the same."""
    is_ours = turns.c.conversation_id.in_(conversation_ids)
    sent = select(turns.c.owner_id, turns.c.instructions, turn_steps.c.manifest)
    one_of_each = (  # the same words again and again: one manifest is read instead of a thousand
        select(func.max(turns.c.id))
        .join(turn_steps, turns.c.id == turn_steps.c.turn_id)
        .where(is_ours, turns.c.instructions != "")
        .group_by(turns.c.owner_id, turns.c.instructions, turns.c.assistant)
    )
    steps = sent.join(turn_steps, turns.c.id == turn_steps.c.turn_id).where(turns.c.id.in_(one_of_each))
    ours = {
        (row.owner_id, row.instructions, entry["text"])
        for row in connection.execute(steps).all()
        for entry in _texts(row.manifest)
        if entry["kind"] == "instructions"
    }
    elsewhere = exists().where(turns.c.id == turn_steps.c.turn_id, ~is_ours)
    gone = set[tuple[str, str]]()
    for owner, words, digest in ours:
        says_the_same = turns.c.owner_id == owner, turns.c.instructions == words, turn_steps.c.manifest.contains(digest)
        if not connection.execute(select(elsewhere.where(*says_the_same))).scalar():
            gone.add((owner, digest))
    _delete_texts(connection, gone)


def remember_sources(connection: WriteConnection, conversation_ids: list[str]) -> None:
    """Before they are removed: what they were imported from, and what an export of them calls them."""
    found = select(conversations.c.owner_id, conversations.c.id, conversations.c.source)
    for row in connection.execute(found.where(conversations.c.id.in_(conversation_ids))).all():
        for source in {f"quarterdeck:{row.id}", row.source} - {None}:
            key = {"owner_id": row.owner_id, "source": source}
            upsert(connection, forgotten_sources, key, {"forgotten_at": now_ms()})


def is_forgotten(connection: AnyConnection, owner: str, source: str) -> bool:
    found = select(forgotten_sources.c.source).where(
        forgotten_sources.c.owner_id == owner, forgotten_sources.c.source == source
    )
    return connection.execute(found).first() is not None


def _turns_of(ids: list[str]) -> Any:
    return select(messages.c.turn_id).where(messages.c.id.in_(ids), messages.c.turn_id != "")


def _forget_texts(connection: WriteConnection, ids: set[str]) -> None:
    gone = _own_texts(connection.execute(_SENT.where(turns.c.id.in_(_turns_of(list(ids))))))
    owners = select(messages.c.owner_id).where(messages.c.id.in_(ids))
    for row in connection.execute(_SENT.where(turns.c.owner_id.in_(owners), _HAS_RECALLED)):
        gone |= {(row.owner_id, entry["text"]) for entry in _texts(row.manifest) if ids & set(_recalled(entry))}
    _delete_texts(connection, gone)


def _own_texts(rows: Iterable[Any]) -> set[tuple[str, str]]:
    """Owners and digests of what an API client asked for, and of answers that were cut off."""
    return {
        (row.owner_id, entry["text"])
        for row in rows
        for entry in _texts(row.manifest)
        if row.asked or _is_partial(entry)
    }


def _delete_texts(connection: WriteConnection, gone: set[tuple[str, str]]) -> None:
    if gone:
        is_gone = tuple_(context_texts.c.owner_id, context_texts.c.digest).in_(sorted(gone))
        connection.execute(delete(context_texts).where(is_gone))


def _texts(manifest: str) -> Iterator[dict[str, Any]]:
    return (entry for entry in msgspec.json.decode(manifest).get("entries", []) if entry.get("text"))


def _is_partial(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] == "continuation")


def _recalled(entry: dict[str, Any]) -> list[str]:
    source = entry.get("recalled") or {}
    return [source.get("id", ""), *source.get("messages", [])]


def _forget_summaries(connection: WriteConnection, ids: list[str]) -> None:
    """Of any level; those that were made anew since say nothing of what was deleted."""
    covering, sources = set[str](), ids
    while sources:
        sources = sorted({name for names in find_covering(connection, sources).values() for name in names} - covering)
        covering |= set(sources)
    old = or_(summaries.c.stale_at.is_not(None), summaries.c.replaced_by.is_not(None))
    for start in range(0, len(covering), 500):
        some = sorted(covering)[start : start + 500]
        connection.execute(update(summaries).where(summaries.c.id.in_(some), old).values(text=""))
