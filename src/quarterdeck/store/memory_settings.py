"""Whether somebody's messages are learned and recalled from, and which of them wait to be read."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, bindparam, or_, select, true, update

from quarterdeck.domain.ids import least_id, now_ms
from quarterdeck.domain.parts import decode_parts, plain_text
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import assistants, conversations, messages, users

_UNREAD = and_(messages.c.remembered_at.is_(None), messages.c.role == "user", messages.c.deleted_at.is_(None))
"""In the words of the partial index, or it would not be used."""

_MEMORY = select(users.c.memory).where(users.c.id == bindparam("user"))
_NOT_ASKED = 0
"""As `remembered_at`: never to be read, as what was said while it was off."""


class UnreadRow(Struct, frozen=True):
    """A message that nothing was learned from yet. `parent_id`: what it answered."""

    id: str
    conversation_id: str
    parent_id: str | None
    version: int
    parts: str
    taint: str
    created_at: int
    model: str  # the conversation's


class Waiting(Struct, frozen=True):
    """Somebody with unread messages: the newest one is from `latest`; `has_many` need not wait for quiet."""

    owner_id: str
    latest: int
    has_many: bool


def reading_of(user: str) -> str:
    """What the lease is called of whoever reads somebody's messages."""
    return f"memory {user}"


def find_memory_setting(connection: AnyConnection, user: str) -> str:
    """`on` or `off`."""
    return connection.execute(_MEMORY, {"user": user}).scalar() or "off"


def set_memory_setting(connection: WriteConnection, user: str, setting: str) -> None:
    """What waits to be read at a change is not: it was said while it was off, or is not to be learned from."""
    if find_memory_setting(connection, user) != setting:
        connection.execute(update(users).where(users.c.id == user).values(memory=setting))
        pass_by(connection, user)


def pass_by(connection: WriteConnection, user: str, conversation: str = "") -> None:
    """The messages that wait, of one conversation or of all, are never read."""
    conditions = [messages.c.owner_id == user, _UNREAD]
    if conversation:
        conditions.append(messages.c.conversation_id == conversation)
    connection.execute(update(messages).where(*conditions).values(remembered_at=_NOT_ASKED))


def ask_for(connection: WriteConnection, user: str, since: int, *, with_imported: bool = False) -> int:
    """The user wants what was said since then read as well; how many messages that is."""
    is_wanted = true() if with_imported else messages.c.source.is_(None)
    old = and_(
        messages.c.owner_id == user,
        messages.c.id >= least_id(max(since, 0)),
        messages.c.role == "user",
        messages.c.remembered_at == _NOT_ASKED,
        messages.c.deleted_at.is_(None),
        is_wanted,
    )
    return connection.execute(update(messages).where(old).values(remembered_at=None)).rowcount


def list_waiting(connection: AnyConnection, many: int) -> list[Waiting]:
    """Who has something to be read, guests left out. The cost is that of the people, not of what waits."""
    unread = select(messages.c.created_at).where(messages.c.owner_id == users.c.id, _UNREAD)
    latest = unread.order_by(messages.c.id.desc()).limit(1).scalar_subquery().label("latest")
    enough = unread.order_by(messages.c.id).offset(many - 1).limit(1).scalar_subquery().label("enough")
    people = select(users.c.id, latest, enough).where(users.c.role != "guest").subquery()
    rows = connection.execute(select(people).where(people.c.latest.is_not(None)))
    return [Waiting(row.id, row.latest, row.enough is not None) for row in rows]


def list_unread(connection: AnyConnection, user: str, limit: int) -> list[UnreadRow]:
    """Those to learn from, the oldest first."""
    rows = connection.execute(
        select(
            messages.c.id, messages.c.conversation_id, messages.c.parent_id, messages.c.version, messages.c.parts,
            messages.c.taint, messages.c.created_at, conversations.c.model,
        )
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.owner_id == user, _UNREAD, ~_is_not_learned_from())
        .order_by(messages.c.id)
        .limit(limit)
    )  # fmt: skip
    return [UnreadRow(**row._mapping) for row in rows]


def read_questions(connection: AnyConnection, ids: list[str]) -> dict[str, str]:
    """What the answers among these messages say, but for what rests on untrusted text."""
    is_plain = messages.c.role == "assistant", messages.c.taint == "", messages.c.deleted_at.is_(None)
    rows = connection.execute(select(messages.c.id, messages.c.parts).where(messages.c.id.in_(ids), *is_plain))
    return {row.id: plain_text(decode_parts(row.parts)) for row in rows}


def pass_by_unlearned(connection: WriteConnection, user: str) -> None:
    """What was said where memory is off, in private, or to an assistant that uses none."""
    where = select(conversations.c.id).where(conversations.c.owner_id == user, _is_not_learned_from())
    unlearned = messages.c.owner_id == user, _UNREAD, messages.c.conversation_id.in_(where)
    connection.execute(update(messages).where(*unlearned).values(remembered_at=_NOT_ASKED))


def mark_read(connection: WriteConnection, read: dict[str, int]) -> list[str]:
    """By message, the version that was read; those that are at another one by now stay unread. Returns the others."""
    done = []
    for message, version in read.items():
        is_it = messages.c.id == message, messages.c.version == version, _UNREAD
        if connection.execute(update(messages).where(*is_it).values(remembered_at=now_ms())).rowcount:
            done.append(message)
    return done


def mark_unread(connection: WriteConnection, ids: list[str]) -> None:
    """They say something else than was read; what nobody wanted read is not read for that."""
    is_own_word = messages.c.id.in_(ids), messages.c.role == "user", messages.c.remembered_at != _NOT_ASKED
    connection.execute(update(messages).where(*is_own_word).values(remembered_at=None))


def _is_not_learned_from() -> ColumnElement[bool]:
    uses_none = select(assistants.c.id).where(assistants.c.uses_memory == 0)
    return or_(
        conversations.c.memory != "",
        conversations.c.deleted_at.is_not(None),
        conversations.c.assistant.in_(uses_none),
    )
