"""A path as the context reads it: upwards from a message, page by page, only what a model may be sent.

Messages are linked upwards by `parent_id`, and these links never change: what is above a message now was always there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, literal, select, text, update

from quarterdeck.domain.parts import Part, decode_parts
from quarterdeck.domain.taint import join_taints
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import message_versions, messages

_AT_ONCE = 400  # ids in one query
_READ = (
    messages.c.id, messages.c.parent_id, messages.c.role, messages.c.parts, messages.c.version, messages.c.created_at,
    messages.c.ended_at, messages.c.deleted_at, messages.c.context_mark, messages.c.taint,
)  # fmt: skip
PARTS = _READ.index(messages.c.parts)  # the place of what a message says, in a row as it is stored


class PathRow(Struct, frozen=True):
    """`parts` are those of `version`. A deleted message is a link in the path and nothing else."""

    id: str
    parent_id: str | None
    role: str
    parts: list[Part]
    version: int
    created_at: int
    ended_at: int | None
    is_deleted: bool
    mark: str  # pinned | excluded
    taint: str = ""  # what untrusted was read for it

    @property
    def is_sent(self) -> bool:
        return not self.is_deleted and self.mark != "excluded"

    @property
    def at(self) -> int:
        """When it was said: an answer, when it was complete."""
        return self.ended_at or self.created_at


def _upwards(columns: tuple[Any, ...]) -> Any:
    seed = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(messages.c.id == bindparam("message"), messages.c.conversation_id == bindparam("conversation"))
        .cte("path", recursive=True)
    )
    path = seed.union_all(
        select(messages.c.id, messages.c.parent_id, (seed.c.depth + 1))
        .join(seed, messages.c.id == seed.c.parent_id)
        .where(seed.c.depth + 1 < bindparam("limit"))
    )
    if not columns:
        return select(path.c.id, path.c.parent_id).order_by(path.c.depth)
    return select(*columns).join(path, messages.c.id == path.c.id).order_by(path.c.depth)


# Built once: building a statement costs more than running it.
_ROWS = Prepared(_upwards(_READ))
# Most conversations are one path, and this takes half as long as to follow its links.
_BEFORE = Prepared(
    select(*_READ)
    .where(messages.c.conversation_id == bindparam("conversation"), messages.c.id <= bindparam("message"))
    .order_by(messages.c.id.desc())
    .limit(bindparam("limit"))
)
_LINKS = Prepared(_upwards(()))
_PINNED = Prepared(
    select(*_READ)
    .where(
        messages.c.conversation_id == bindparam("conversation"), text("context_mark = 'pinned'")
    )  # its index's words
    .where(messages.c.deleted_at.is_(None))
    .order_by(messages.c.id.desc())
    .limit(bindparam("limit"))
)


# Left to choose, SQLite may walk through all messages of the conversation to be spared the sorting.
_PINNED_SQLITE = Prepared(
    text(
        "SELECT id, parent_id, role, parts, version, created_at, ended_at, deleted_at, context_mark, taint "
        "FROM messages INDEXED BY ix_messages_pinned "
        "WHERE conversation_id = :conversation AND context_mark = 'pinned' AND deleted_at IS NULL "
        "ORDER BY id DESC LIMIT :limit"
    )
)


def read_upwards(connection: AnyConnection, conversation: str, message: str, limit: int) -> list[PathRow]:
    """`message` and what is above it, newest first, at most `limit`. The cost is that of `limit`."""
    return [path_row(row) for row in read_stored_upwards(connection, conversation, message, limit)]


def read_stored_upwards(connection: AnyConnection, conversation: str, message: str, limit: int) -> Sequence[Any]:
    """The same, as the database has it: the id comes first; `path_row` makes of a row what it is."""
    asked = {"message": message, "conversation": conversation, "limit": limit}
    path: list[Any] = []
    cursor: str | None = message
    for row in _BEFORE.all(connection, asked):
        if row[0] == cursor:
            path.append(row)
            cursor = row[1]
    if cursor is None or len(path) == limit or not path:
        return path
    rest = {"message": cursor, "conversation": conversation, "limit": limit - len(path)}
    return [*path, *_ROWS.all(connection, rest)]


def read_links(connection: AnyConnection, conversation: str, message: str, limit: int) -> list[tuple[str, str | None]]:
    """The same, as ids and those of their parents only."""
    rows = _LINKS.all(connection, {"message": message, "conversation": conversation, "limit": limit})
    return [(identifier, parent) for identifier, parent in rows]


def list_pinned(connection: AnyConnection, conversation: str, limit: int) -> list[PathRow]:
    """On whatever branch, the newest first."""
    statement = _PINNED_SQLITE if connection.dialect.name == "sqlite" else _PINNED
    return [path_row(row) for row in statement.all(connection, {"conversation": conversation, "limit": limit})]


def find_taints(connection: AnyConnection, conversation: str) -> str:
    """What untrusted was read for any message of a conversation, on whatever branch. The cost is that of those."""
    statement = (
        select(messages.c.taint)
        .where(messages.c.conversation_id == conversation, text("taint <> ''"))  # its index's words
        .distinct()
    )
    return join_taints(connection.execute(statement).scalars())


def find_rows(connection: AnyConnection, conversation: str, ids: list[str]) -> dict[str, PathRow]:
    found: dict[str, PathRow] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        query = select(*_READ).where(messages.c.conversation_id == conversation, messages.c.id.in_(some))
        found |= {row.id: path_row(row) for row in connection.execute(query)}
    return found


def read_versions(connection: AnyConnection, owner: str, ids: list[str]) -> dict[tuple[str, int], list[Part]]:
    """What these messages said before they were edited, by id and version."""
    found: dict[tuple[str, int], list[Part]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        query = select(message_versions).where(
            message_versions.c.owner_id == owner, message_versions.c.message_id.in_(some)
        )
        found |= {(row.message_id, row.version): decode_parts(row.parts) for row in connection.execute(query)}
    return found


def set_mark(connection: WriteConnection, message: str, mark: str) -> None:
    """`pinned`, `excluded` or nothing; the caller has checked whose it is."""
    connection.execute(update(messages).where(messages.c.id == message).values(context_mark=mark))


def path_row(row: Any) -> PathRow:
    identifier, parent, role, parts, version, created_at, ended_at, deleted_at, mark, taint = row
    said, is_deleted = decode_parts(parts), deleted_at is not None
    return PathRow(identifier, parent, role, said, version, created_at, ended_at, is_deleted, mark, taint)
