"""Where memories came from: the messages, as they were read, and whether those still say it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from sqlalchemy import Text, and_, bindparam, delete, insert, select, update

from quarterdeck.domain.parts import decode_parts, plain_text
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import conversations, memory_sources, message_versions, messages

_AT_ONCE = 400  # ids in one query


class MemorySource(Struct, frozen=True):
    """Message `message_id` as it was read (`version`); `quote` is the passage, empty for the whole message."""

    message_id: str
    version: int
    quote: str = ""


class SourceRow(Struct, frozen=True):
    """A source with what has become of it. `is_gone`: the message is deleted, or its conversation is."""

    memory_id: str
    message_id: str
    version: int
    quote: str
    conversation_id: str
    title: str
    role: str
    current_version: int
    is_gone: bool
    is_private: bool


# Built once: an import asks for thousands.
_MESSAGES = Prepared(
    select(memory_sources.c.message_id).where(memory_sources.c.memory_id == bindparam("memory", type_=Text))
)


def list_source_messages(connection: AnyConnection, memory: str) -> list[str]:
    return [message for (message,) in _MESSAGES.all(connection, {"memory": memory})]


def add_sources(connection: WriteConnection, owner: str, memory: str, sources: Collection[MemorySource]) -> int:
    """Those that it has not yet; one that it has is brought to the version given. How many were new."""
    if not sources:
        return 0
    is_of = memory_sources.c.memory_id == memory
    known = set(list_source_messages(connection, memory))
    added = 0
    for source in {source.message_id: source for source in sources}.values():
        values = {"version": source.version, "quote": source.quote}
        if source.message_id in known:
            is_this = is_of, memory_sources.c.message_id == source.message_id
            connection.execute(update(memory_sources).where(*is_this).values(**values))
        else:
            key = {"memory_id": memory, "message_id": source.message_id, "owner_id": owner}
            connection.execute(insert(memory_sources).values(**key, **values))
            added += 1
    return added


def keep_sources(connection: WriteConnection, memory: str, kept: list[str]) -> None:
    """No others than from these messages."""
    others = memory_sources.c.message_id.not_in(kept)
    connection.execute(delete(memory_sources).where(memory_sources.c.memory_id == memory, others))


def list_sources(connection: AnyConnection, ids: list[str]) -> dict[str, list[SourceRow]]:
    """By memory, the earliest message first."""
    found: dict[str, list[SourceRow]] = {}
    for some in in_pieces(ids):
        rows = connection.execute(
            select(
                memory_sources.c.memory_id, memory_sources.c.message_id, memory_sources.c.version,
                memory_sources.c.quote, messages.c.conversation_id, messages.c.role, messages.c.deleted_at,
                messages.c.version.label("current"), conversations.c.title, conversations.c.memory,
                conversations.c.deleted_at.label("conversation_deleted_at"),
            )
            .join(messages, messages.c.id == memory_sources.c.message_id, isouter=True)
            .join(conversations, conversations.c.id == messages.c.conversation_id, isouter=True)
            .where(memory_sources.c.memory_id.in_(some))
            .order_by(memory_sources.c.message_id)
        )  # fmt: skip
        for row in rows:
            is_gone = row.current is None or row.deleted_at is not None or row.conversation_deleted_at is not None
            found.setdefault(row.memory_id, []).append(
                SourceRow(
                    memory_id=row.memory_id, message_id=row.message_id, version=row.version, quote=row.quote,
                    conversation_id=row.conversation_id or "", title=row.title or "", role=row.role or "",
                    current_version=row.current or 0, is_gone=is_gone, is_private=row.memory == "private",
                )
            )  # fmt: skip
    return found


def list_made_of(connection: AnyConnection, message_ids: Iterable[str]) -> list[str]:
    """The memories that any of these messages is a source of."""
    found: dict[str, None] = {}
    for some in in_pieces(list(message_ids)):
        is_source = memory_sources.c.message_id.in_(some)
        rows = connection.execute(select(memory_sources.c.memory_id).where(is_source).distinct())
        found.update(dict.fromkeys(rows.scalars()))
    return sorted(found)


def list_made_in(connection: AnyConnection, conversation_ids: list[str]) -> list[str]:
    """The memories that came from any of these conversations."""
    rows = connection.execute(
        select(memory_sources.c.memory_id)
        .join(messages, messages.c.id == memory_sources.c.message_id)
        .where(messages.c.conversation_id.in_(conversation_ids))
        .distinct()
    )
    return sorted(rows.scalars())


def holds(connection: WriteConnection, source: SourceRow) -> bool:
    """Whether the message still says what was read; where it says it again (an undone edit), that is written down."""
    if source.is_gone or source.is_private:
        return False
    if source.version == source.current_version:
        return True
    read = connection.execute(
        select(message_versions.c.parts, messages.c.parts.label("now"))
        .join(messages, messages.c.id == message_versions.c.message_id)
        .where(message_versions.c.message_id == source.message_id, message_versions.c.version == source.version)
    ).first()
    if read is None or plain_text(decode_parts(read.parts)) != plain_text(decode_parts(read.now)):
        return False
    is_this = and_(memory_sources.c.memory_id == source.memory_id, memory_sources.c.message_id == source.message_id)
    connection.execute(update(memory_sources).where(is_this).values(version=source.current_version))
    return True


def forget_quotes(
    connection: WriteConnection, *, message_ids: Sequence[str] = (), conversation_ids: Sequence[str] = ()
) -> None:
    """What these messages said is gone for good, and so is what memories quote of them."""
    is_gone = memory_sources.c.message_id.in_(message_ids)
    if conversation_ids:
        within = select(messages.c.id).where(messages.c.conversation_id.in_(conversation_ids))
        is_gone = memory_sources.c.message_id.in_(within)
    if message_ids or conversation_ids:
        connection.execute(update(memory_sources).where(is_gone, memory_sources.c.quote != "").values(quote=""))


def find_versions(connection: AnyConnection, owner: str, message_ids: list[str]) -> dict[str, int]:
    """The current versions of those that are the owner's, and there."""
    found: dict[str, int] = {}
    for some in in_pieces(message_ids):
        is_own = messages.c.owner_id == owner, messages.c.id.in_(some), messages.c.deleted_at.is_(None)
        rows = connection.execute(select(messages.c.id, messages.c.version).where(*is_own))
        found |= {row.id: row.version for row in rows}
    return found


def in_pieces(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
