"""What can be searched for: an entry for each message.

Whoever changes messages calls `index_messages` for them afterwards, in the same transaction; it looks at what they have
become. What turns say is written a moment later, many messages at once (`search_queue`). An entry's facets are terms of
the index, as its words are: `§user`, `§c<conversation>`, `§ideas`, …
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec import Struct
from sqlalchemy import BindParameter, Connection, bindparam, delete, exists, insert, literal, select

from quarterdeck.domain.indexed import index_words
from quarterdeck.domain.languages import LANGUAGE_MARK, OTHERS, Language
from quarterdeck.domain.parts import IdeaPart, ImagePart, Part, TextPart, decode_parts
from quarterdeck.domain.stop_words import count_said
from quarterdeck.domain.words import split_words
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.locks import lock_conversations
from quarterdeck.store.messages import NewMessage
from quarterdeck.store.standing import standing_of
from quarterdeck.store.statements import Statement, among, as_rows, from_rows
from quarterdeck.store.tables import conversations, messages, search_entries
from quarterdeck.store.vectors import mark_entries, mark_messages

MAX_INDEXED_BYTES = 300_000  # of a message's words; PostgreSQL takes 1 MiB with what it adds to each
_MAX_READ_CHARS = 1_000_000  # whatever they are: what a model sends without end may not keep the record waiting
ANY_LANGUAGE = "§l"  # begins the facet of each
_CHUNK = 500
_MAX_CHARS_AT_ONCE = 1_000_000  # of words, in one statement
_MS_BITS = 20
_MAX_MS = 1 << 43
_OPEN = ("queued", "running")
_AT_FIRST = ("id", "message_id", "owner_id", "conversation_id", "facets", "words")  # columns of the first tables
_ALPHABET = {letter: value for value, letter in enumerate("0123456789abcdefghjkmnpqrstvwxyz")}

# Built once: building a statement costs more than running it.
_SAID = select(
    messages.c.id, messages.c.owner_id, messages.c.conversation_id, messages.c.role, messages.c.model,
    messages.c.parts, messages.c.created_at,
).where(messages.c.deleted_at.is_(None), messages.c.status.not_in(_OPEN))  # fmt: skip
_READ = _SAID.add_columns(messages.c.speaker)
_READ_FOUND = _READ.join(conversations, conversations.c.id == messages.c.conversation_id).where(
    conversations.c.memory != "private"
)
_SOME: BindParameter[Any] = bindparam("ids", expanding=True)
_READ_SOME = _READ_FOUND.where(messages.c.id.in_(_SOME))
_DELETE_SOME = delete(search_entries).where(search_entries.c.message_id.in_(_SOME))
_HAVE_ENTRY = select(search_entries.c.message_id, search_entries.c.words, search_entries.c.facets).where(
    search_entries.c.message_id.in_(_SOME)
)
_TAKEN = select(search_entries.c.id).where(search_entries.c.id.in_(_SOME))
_INSERT_AT_FIRST = insert(search_entries)
_HAS_NONE = _READ_SOME.where(~exists().where(search_entries.c.message_id == messages.c.id))
_COLUMNS = {
    "id": "bigint", "message_id": "varchar", "owner_id": "varchar", "conversation_id": "varchar", "facets": "text",
    "words": "text", "length": "integer", "standing": "integer",
}  # fmt: skip
_INSERT = from_rows(
    f"INSERT INTO search_entries ({', '.join(_COLUMNS)}) SELECT {', '.join(_COLUMNS)} FROM {{rows}} AS given",  # nosec B608  # noqa: S608
    _COLUMNS,
)
# Who may find the message, and whether it was edited since, is looked up. `CROSS`: SQLite begins with what is given.
_INSERT_SAID = from_rows(
    f"INSERT INTO search_entries ({', '.join(_COLUMNS)}) "  # nosec B608  # noqa: S608
    "SELECT given.id, m.id, m.owner_id, m.conversation_id, given.facets, given.words, given.length, given.standing "
    "FROM {rows} AS given CROSS JOIN messages AS m CROSS JOIN conversations AS c "
    "WHERE m.id = given.message_id AND c.id = m.conversation_id "
    "AND m.version = 1 AND m.deleted_at IS NULL AND c.memory <> 'private' "
    "ON CONFLICT DO NOTHING",
    _COLUMNS,
)
_SERVED = among("SELECT message_id FROM search_entries WHERE id IN {entries}", "bigint")


def searched_text(parts: Sequence[Part]) -> str:
    """What of a message can be found: what was said, and its ideas; not what a model thought or a tool returned."""
    return "\n".join(part.text for part in parts if isinstance(part, TextPart | IdeaPart))


def index_messages(connection: Connection, ids: Sequence[str]) -> None:
    """They can be found as they are now: an answer that is being written, what is deleted or private, cannot.

    What had an entry has another one afterwards: whoever knows an entry by its id knows what is in it.
    """
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        connection.execute(_DELETE_SOME, {"ids": chunk})
        values = _values(connection.execute(_READ_SOME, {"ids": chunk}).all())
        for value in values:
            _renew_id(value)
        _insert(connection, values)
        mark_messages(connection, chunk)


def index_conversation(connection: Connection, conversation: str) -> None:
    """All its messages can be found, or none if it is private."""
    ids = list(connection.execute(select(messages.c.id).where(messages.c.conversation_id == conversation)).scalars())
    index_messages(connection, ids)


class NewEntry(Struct, frozen=True):
    """A message that is being written. Its words take longest to find: where they were not found before, they are when
    its entry is made."""

    id: str
    owner_id: str
    conversation_id: str
    role: str
    model: str
    created_at: int
    parts: list[Part]
    words: str | None = None
    speaker: str = ""


def entry_of(new: NewMessage) -> NewEntry:
    return NewEntry(new.message, new.owner, new.conversation, new.role, new.model, new.created_at, new.parts)


def words_of(parts: Sequence[Part]) -> str:
    """What of a message stands in the index."""
    return index_words(searched_text(parts)[:_MAX_READ_CHARS], MAX_INDEXED_BYTES)


def index_new(connection: Connection, entries: Sequence[NewEntry]) -> None:
    """Of complete messages that have none yet."""
    _insert(connection, made_entries(entries))
    for start in range(0, len(entries), _CHUNK):
        mark_messages(connection, [entry.id for entry in entries[start : start + _CHUNK]])


def made_entries(entries: Sequence[NewEntry]) -> list[dict[str, Any]]:
    """As rows. What cannot be found by anything has none."""
    return [
        value
        for entry in entries
        if (value := _value(entry, entry.parts, words_of(entry.parts) if entry.words is None else entry.words))
    ]


def index_said(connection: WriteConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """As `index_new`, of rows that were made while the messages were already there: others may have changed them since,
    or have been quicker. A few hundred at a time."""
    if not rows:
        return
    lock_conversations(connection, [row["conversation_id"] for row in rows])
    _run_for(_INSERT_SAID, connection, rows)
    entries = [row["id"] for row in rows]
    served = {message for (message,) in _SERVED.rows(connection, {"entries": entries})}
    mark_entries(connection, entries)
    if others := [row["message_id"] for row in rows if row["message_id"] not in served]:
        index_messages(connection, others)  # it may not be found, says something else, or another's entry has this id


def index_if_missing(connection: WriteConnection, ids: Sequence[str]) -> int:
    """Those of them that can be found and have no entry yet; how many that were. A few hundred at a time."""
    values = _values(connection.execute(_HAS_NONE, {"ids": list(ids)}).all())
    made = _insert(connection, values)
    mark_messages(connection, [value["message_id"] for value in values])
    return made


def index_again(connection: WriteConnection, ids: Sequence[str]) -> int:
    """What is in the index and would get other words or names by now gets another entry; how many that are. What these
    messages say is the same, so that their vectors stay. A few hundred at a time."""
    known = {row.message_id: (row.words, row.facets) for row in connection.execute(_HAVE_ENTRY, {"ids": list(ids)})}
    values = _values(connection.execute(_READ_SOME, {"ids": list(known)}).all()) if known else []
    changed = [value for value in values if known[value["message_id"]] != (value["words"], value["facets"])]
    if changed:
        connection.execute(_DELETE_SOME, {"ids": [value["message_id"] for value in changed]})
    for value in changed:
        _renew_id(value)
    return _insert(connection, changed)


def copy_entries(connection: Connection, conversation: str, copies: Mapping[str, str]) -> None:
    """Of messages of one conversation for their copies in another, by their ids: nothing is read anew, but for those
    whose own entries are still to be written."""
    names = list(copies)
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        found = select(search_entries).where(search_entries.c.message_id.in_(chunk))
        rows = connection.execute(found).all()
        _insert(connection, [_copied(row, conversation, copies[row.message_id]) for row in rows])
        known = {row.message_id for row in rows}
        if missing := [copies[name] for name in chunk if name not in known]:
            _insert(connection, _values(connection.execute(_READ_SOME, {"ids": missing}).all()))


def _copied(row: Any, conversation: str, message: str) -> dict[str, Any]:
    facets = row.facets.replace(f"§c{row.conversation_id}", f"§c{conversation}")
    made = {"message_id": message, "conversation_id": conversation, "facets": facets}
    return {**row._mapping, **made, "id": row.id >> _MS_BITS << _MS_BITS | _chance(message)}


def index_all(connection: Connection) -> None:
    """Of a database without entries: all messages. (It is of a time when nothing was private, nobody had a name, and an
    entry no standing.)"""
    after, said = "", _SAID.add_columns(literal("").label("speaker"))
    while True:
        rows = connection.execute(said.where(messages.c.id > after).order_by(messages.c.id).limit(_CHUNK)).all()
        if not rows:
            return
        if values := [{name: one[name] for name in _AT_FIRST} for one in _values(rows)]:
            _give_free_ids(connection, values)
            connection.execute(_INSERT_AT_FIRST, sorted(values, key=itemgetter("id")))
        after = rows[-1].id


def entry_id(created_at: int, chance: int = 0) -> int:
    """The least one (or one with these bits) of an entry for a message that was made then."""
    return min(max(created_at, 0), _MAX_MS - 1) << _MS_BITS | chance


def made_at(entry: int) -> int:
    """When the message of an entry was made."""
    return entry >> _MS_BITS


def facet_of_model(model: str) -> str:
    return f"§m{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def facet_of_language(language: Language) -> str:
    """Of an entry whose words have stems by its rules."""
    return ANY_LANGUAGE + language.code


def facet_of_name(word: str) -> str:
    """Of one folded word of a speaker's name."""
    return f"§n{word}"


def read_facets(facets: str) -> tuple[str, frozenset[str]]:
    """Of an entry: the role of who speaks, and the folded words of their name."""
    first, *others = facets.split()
    return first[1:], frozenset(one[2:] for one in others if one.startswith("§n"))


def _values(rows: Sequence[Any]) -> list[dict[str, Any]]:
    decoded = [(row, decode_parts(row.parts)) for row in rows]
    return [value for row, parts in decoded if (value := _value(row, parts, words_of(parts)))]


def _insert(connection: Connection, values: list[dict[str, Any]]) -> int:
    if not values:
        return 0
    _give_free_ids(connection, values)
    _run_for(_INSERT, connection, values)
    return len(values)


def _run_for(statement: Statement, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """At once, as far as they are not of a size that nobody wants in memory twice.

    In the order of their ids: FTS5 writes out what it has gathered before one that is smaller than the last.
    """
    some: list[Mapping[str, Any]] = []
    size = 0
    for row in sorted(rows, key=itemgetter("id")):
        some.append(row)
        size += len(row["words"])
        if size > _MAX_CHARS_AT_ONCE:
            statement.run(connection, {"rows": as_rows(some)})
            some, size = [], 0
    if some:
        statement.run(connection, {"rows": as_rows(some)})


def _give_free_ids(connection: Connection, values: list[dict[str, Any]]) -> None:
    """Made in the same millisecond and with the same chance: rare, but for imports, where many have one time."""
    seen: set[int] = set()
    waiting = values
    while waiting:
        taken = set(connection.execute(_TAKEN, {"ids": [value["id"] for value in waiting]}).scalars())
        again = []
        for value in waiting:
            if value["id"] in taken or value["id"] in seen:
                _renew_id(value)
                again.append(value)
            else:
                seen.add(value["id"])
        waiting = again


def _renew_id(value: dict[str, Any]) -> None:
    value["id"] = value["id"] >> _MS_BITS << _MS_BITS | secrets.randbits(_MS_BITS)


def _value(message: Any, parts: Sequence[Part], words: str) -> dict[str, Any] | None:
    """None for one that cannot be found by anything."""
    facets = _facets(message, parts, words)
    if not words and not _has_more(facets):
        return None
    return {
        "id": entry_id(message.created_at, _chance(message.id)), "message_id": message.id,
        "owner_id": message.owner_id, "conversation_id": message.conversation_id, "facets": facets, "words": words,
        "length": count_said(words), "standing": standing_of(message.model, parts),
    }  # fmt: skip


def _facets(row: Any, parts: Sequence[Part], words: str) -> str:
    facets = [f"§{row.role}", f"§c{row.conversation_id}"]
    if row.model:
        facets.append(facet_of_model(row.model))
    facets += [facet_of_name(word.term) for word in split_words(row.speaker)]
    if LANGUAGE_MARK in words:
        facets += [facet_of_language(language) for language in OTHERS if language.mark in words]
    if any(isinstance(part, IdeaPart) for part in parts):
        facets.append("§ideas")
    if any(isinstance(part, ImagePart) for part in parts):
        facets.append("§files")
    return " ".join(facets)


def _has_more(facets: str) -> bool:
    """Than words: it is found by what it has."""
    return facets.endswith(("§ideas", "§files"))


def _chance(message: str) -> int:
    """The last bits of an id, which are as good as any."""
    bits = 0
    for letter in message[-4:]:
        bits = bits << 5 | _ALPHABET.get(letter, 0)
    return bits
