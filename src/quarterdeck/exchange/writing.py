"""Some messages of a draft into the database, as part of a transaction: what is known already stays as it is.

The active path of a conversation that is new grows with its messages, so that it holds together whenever the import
ends. In one that is known it goes on only where it ends on the imported path: whoever has gone on here by themselves
finds what is new as a branch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from msgspec import Struct

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart, decode_parts, encode_parts, plain_text
from quarterdeck.domain.taint import taint_of_imported
from quarterdeck.exchange.arranging import Arranged, key_of
from quarterdeck.exchange.draft import DraftConversation, DraftMessage
from quarterdeck.memory.staleness import follow_messages
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.forgetting import is_forgotten
from quarterdeck.store.importing import (
    KnownConversation,
    KnownMessage,
    find_known_conversation,
    find_known_messages,
    find_or_make_folder,
    find_own_assistant,
    find_source,
    insert_imported_conversation,
    insert_imported_ideas,
    insert_imported_messages,
    insert_versions,
    is_shared_assistant,
    lead_on,
    move_tip,
    said_before,
    update_imported,
)
from quarterdeck.store.imports import Counts, Note
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.search import NewEntry, index_messages, index_new
from quarterdeck.store.summaries import mark_stale
from quarterdeck.store.turns import OPEN

_BUILT_IN = ("", "ideas")
_TITLE_CHARS = 200
_FIRST_WORDS_CHARS = 80
_FORGOTTEN = "You deleted it here earlier, and it is gone for good; it stays deleted."


class Piece(Struct, frozen=True):
    """Messages `start` and following of an arranged draft, with their parts as they are to be stored.

    `words`: `words_of` each; they are found before, because nobody else writes while this is written.
    """

    draft: DraftConversation
    arranged: Arranged
    start: int
    parts: list[list[Part]]
    words: list[str]
    notes: list[Note]

    @property
    def messages(self) -> list[DraftMessage]:
        return self.arranged.messages[self.start : self.start + len(self.parts)]


class Written(Struct, frozen=True):
    counts: Counts
    notes: list[Note]
    message_ids: list[str]


def write_piece(connection: WriteConnection, owner: str, piece: Piece) -> Written:
    """One that was deleted here stays deleted: nothing is written then."""
    draft = piece.draft
    lock_conversation(connection, f"{owner} {draft.source}")
    conversation = find_known_conversation(connection, owner, draft.source, draft.own_id)
    if conversation is not None and conversation.deleted_at is not None:
        notes = (
            [] if piece.start else [Note("skipped", f"“{title_of(draft)}”", "You deleted it here; it stays deleted.")]
        )
        return Written(Counts(), notes, [])
    is_new = conversation is None
    if conversation is None and is_forgotten(connection, owner, draft.source):
        notes = [] if piece.start else [Note("skipped", f"“{title_of(draft)}”", _FORGOTTEN)]
        return Written(Counts(), notes, [])
    if conversation is None:
        conversation = _make_conversation(connection, owner, piece)
    else:
        lock_conversation(connection, conversation.id)
        conversation = find_known_conversation(connection, owner, draft.source, draft.own_id) or conversation
    known = {} if is_new else _find_known(connection, conversation, piece)
    fresh = [index for index, message in enumerate(piece.messages) if key_of(message) not in known]
    ids = {key: found.id for key, found in known.items()}
    ids |= {key_of(piece.messages[index]): new_id() for index in fresh}
    rows = [_row(owner, conversation.id, piece, index, ids) for index in fresh]
    inserted = insert_imported_messages(connection, rows)
    _insert_belongings(connection, owner, conversation.id, [piece.messages[index] for index in fresh], ids)
    if fresh:
        gone = {key for key, found in known.items() if found.deleted_at is not None}
        _lead(connection, conversation, piece, fresh, {key: ids[key] for key in ids if key not in gone}, ids)
    if conversation.memory != "private":
        shown = [(row, index) for row, index in zip(rows, fresh, strict=True) if _is_shown(row)]
        index_new(connection, [_entry(row, piece, index) for row, index in shown])
    counts = Counts(
        conversations=int(is_new),
        messages=inserted,
        known_conversations=int(not is_new and piece.start == 0),
        known_messages=len(piece.messages) - len(fresh),
    )
    changed = _take_changes(connection, owner, piece, known)
    here = {key_of(message) for message in piece.messages}
    deleted = sum(found.deleted_at is not None for key, found in known.items() if key in here)
    return Written(counts, [*piece.notes, *changed, *_note_deleted(draft, deleted)], [row["id"] for row in rows])


def title_of(draft: DraftConversation) -> str:
    """The export's, else the first words."""
    title = " ".join(draft.title.split())
    if title:
        return title[:_TITLE_CHARS]
    for message in draft.messages:
        words = " ".join("".join(part.text for part in message.parts if isinstance(part, TextPart)).split())
        if message.role == "user" and words:
            return words[:_FIRST_WORDS_CHARS]
    return "Without a title"


def _take_changes(connection: WriteConnection, owner: str, piece: Piece, known: dict[str, KnownMessage]) -> list[Note]:
    """What is known and says something else by now says that here, too, unless it was edited here."""
    notes: list[Note] = []
    updated: list[str] = []
    for message, parts in zip(piece.messages, piece.parts, strict=True):
        found = known.get(key_of(message))
        if found is None or found.deleted_at is not None or not _says_else(connection, found, parts):
            continue
        item = f"message {message.id} in “{title_of(piece.draft)}”"
        if found.edited_at is not None:
            notes.append(Note("skipped", item, "Its text has changed there, and you have edited it here; yours stays."))
            continue
        taint = taint_of_imported(parts, message.columns.get("taint", ""))
        update_imported(connection, owner, found, encode_parts(parts), taint)
        updated.append(found.id)
        notes.append(Note("changed", item, "Its text has changed there; what it said before is kept as a version."))
    if updated:
        mark_stale(connection, updated)
        index_messages(connection, updated)
        follow_messages(connection, owner, updated)
    return notes


def _says_else(connection: WriteConnection, known: KnownMessage, parts: list[Part]) -> bool:
    """An export that has lost a message's pictures says nothing else."""
    encoded = encode_parts(parts)
    if encoded == known.parts:
        return False
    here = decode_parts(known.parts)
    if plain_text(here) == plain_text(parts) or _count_pictures(parts) < _count_pictures(here):
        return False
    return not said_before(connection, known.id, encoded)


def _count_pictures(parts: list[Part]) -> int:
    return sum(isinstance(part, ImagePart) for part in parts)


def _note_deleted(draft: DraftConversation, deleted: int) -> list[Note]:
    if not deleted:
        return []
    what = "1 message" if deleted == 1 else f"{deleted} messages"
    return [Note("skipped", f"{what} in “{title_of(draft)}”", "You deleted it here; it stays deleted.")]


def _make_conversation(connection: WriteConnection, owner: str, piece: Piece) -> KnownConversation:
    draft, messages = piece.draft, piece.arranged.messages
    created = draft.created_at or messages[0].created_at or now_ms()
    updated = draft.updated_at or max((message.created_at or 0 for message in messages), default=0) or created
    values: dict[str, Any] = {
        "title": title_of(draft),
        "source": draft.source,
        "created_at": created,
        "updated_at": updated,
        "archived_at": updated if draft.is_archived else None,
        "pinned_at": updated if draft.is_pinned else None,
        "folder_id": find_or_make_folder(connection, owner, draft.folder[:200]) if draft.folder.strip() else None,
    }
    columns = {name: value for name, value in draft.columns.items() if name != "assistant_name"}
    if name := draft.columns.get("assistant_name"):
        columns["assistant"] = find_own_assistant(connection, owner, name) or ""
    elif (given := columns.get("assistant", "")) not in _BUILT_IN and not is_shared_assistant(connection, given):
        columns["assistant"] = ""
    return insert_imported_conversation(connection, owner, values | columns)


def _find_known(connection: WriteConnection, conversation: KnownConversation, piece: Piece) -> dict[str, KnownMessage]:
    """Of the piece's messages and of what they hang on, by key."""
    by_id = piece.arranged.by_id
    wanted = {key_of(message) for message in piece.messages}
    wanted |= {key_of(by_id[message.parent]) for message in piece.messages if message.parent is not None}
    return find_known_messages(connection, conversation.id, sorted(wanted), by_id=bool(piece.draft.own_id))


def _row(owner: str, conversation: str, piece: Piece, index: int, ids: dict[str, str]) -> dict[str, Any]:
    message = piece.messages[index]
    created = message.created_at or piece.draft.created_at or now_ms()

    def own(name: str | None) -> str | None:
        return None if name is None else ids.get(key_of(piece.arranged.by_id[name]))

    row: dict[str, Any] = {
        "id": ids[key_of(message)],
        "conversation_id": conversation,
        "owner_id": owner,
        "parent_id": own(message.parent),
        "role": message.role,
        "status": "complete",
        "parts": encode_parts(piece.parts[index]),
        "model": message.model[:300],
        "turn_id": "",
        "usage": None,
        "continuations": None,
        "error": None,
        "first_token_ms": None,  # nosec B105  # no password, a time
        "created_at": created,
        "ended_at": created if message.role == "assistant" and not piece.draft.own_id else None,
        "active_child_id": own(message.active_child),
        "version": 1,
        "edited_at": None,
        "context_mark": "",
        "speaker": "",
        "taint": "",
        "source": key_of(message),
        "remembered_at": 0,  # nobody has asked for a model to read what was said elsewhere
    }
    row |= message.columns
    return row | {"taint": taint_of_imported(piece.parts[index], row["taint"])}


_INDEXED = ("id", "owner_id", "conversation_id", "role", "model", "created_at", "speaker")


def _is_shown(row: dict[str, Any]) -> bool:
    return row.get("deleted_at") is None and row["status"] not in OPEN


def _entry(row: dict[str, Any], piece: Piece, index: int) -> NewEntry:
    named = {name: row[name] for name in _INDEXED}
    return NewEntry(**named, parts=piece.parts[index], words=piece.words[index])


def _insert_belongings(
    connection: WriteConnection, owner: str, conversation: str, fresh: list[DraftMessage], ids: dict[str, str]
) -> None:
    """Earlier versions and ideas, of our own export; of others the ideas that stand in the parts."""
    versions = [
        {
            "message_id": ids[key_of(message)], "version": version["version"], "owner_id": owner,
            "parts": encode_parts(version["parts"]), "created_at": version["created_at"],
        }
        for message in fresh
        for version in {version["version"]: version for version in message.versions}.values()
    ]  # fmt: skip
    insert_versions(connection, versions)
    kept = [
        {
            "id": new_id(), "owner_id": owner, "conversation_id": conversation, "message_id": ids[key_of(message)],
            "text": idea["text"], "created_at": idea.get("created_at") or message.created_at or now_ms(),
        }
        for message in fresh
        for idea in message.ideas
    ]  # fmt: skip
    insert_imported_ideas(connection, kept)


def _lead(
    connection: WriteConnection,
    conversation: KnownConversation,
    piece: Piece,
    fresh: list[int],
    alive: dict[str, str],
    ids: dict[str, str],
) -> None:
    """Where the paths go on: from each message that has a first child now, and the conversation's own.

    `alive`: our ids by key, without those of deleted messages.
    """
    by_id = piece.arranged.by_id
    steps = []
    for index in fresh:
        message = piece.messages[index]
        parent = None if message.parent is None else by_id[message.parent]
        if parent is not None and parent.active_child == message.id and ids[key_of(parent)] != conversation.tip_id:
            steps.append((ids[key_of(parent)], ids[key_of(message)]))
    lead_on(connection, steps)
    values: dict[str, Any] = {"updated_at": max(conversation.updated_at, piece.draft.updated_at or 0)}
    last = max((piece.arranged.places.get(piece.messages[index].id, -1) for index in fresh), default=-1)
    ends = [] if last < 0 else _ends_of_path(connection, conversation, piece, last, alive)
    if ends:
        values |= {"tip_id": ends[-1]} | ({} if conversation.tip_id else {"root_id": ends[0]})
    move_tip(connection, conversation.id, list(pairwise(ends)) if conversation.tip_id else [], values)


def _ends_of_path(
    connection: WriteConnection, conversation: KnownConversation, piece: Piece, last: int, alive: dict[str, str]
) -> list[str]:
    """From the end of the path that is shown here to its new end; empty when it is to stay where it is."""
    path, by_id = piece.arranged.path, piece.arranged.by_id
    names = piece.arranged.names
    first = 0
    if conversation.tip_id is not None:
        source = find_source(connection, conversation.tip_id)
        name = names.get(source or "") or names.get(conversation.tip_id)
        first = piece.arranged.places.get(name or "", last)
        if first >= last:
            return []
    ours = [alive.get(key_of(by_id[name])) for name in path[first : last + 1]]
    if conversation.tip_id is None:
        return [found for found in ours if found is not None]
    ours[0] = conversation.tip_id
    return [] if None in ours else [found for found in ours if found is not None]


def weight_of(parts: list[Part]) -> int:
    """About how many bytes it is to be written."""
    return len(plain_text(parts)) + sum(
        len(getattr(part, "data", "") or getattr(part, "text", "")) for part in parts if not isinstance(part, IdeaPart)
    )
