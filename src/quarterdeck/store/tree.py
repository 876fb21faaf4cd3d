"""The tree of a conversation's messages: downwards from one, beside one, and where its active path goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, case, func, literal, select, update

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.messages import MAX_DEPTH, MessageRow, message_row
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import conversations, messages


class Node(Struct, frozen=True):
    """A message as a knot of the tree."""

    id: str
    parent_id: str | None
    active_child_id: str | None
    status: str
    is_deleted: bool


def _next_of(message: Any) -> Any:
    """Where the path goes on from `message`: what it remembers, else (an older version wrote it) its newest child."""
    child = messages.alias("child")
    newest = (
        select(func.max(child.c.id))
        .where(
            child.c.conversation_id == message.c.conversation_id,
            child.c.parent_id == message.c.id,
            child.c.deleted_at.is_(None),
        )
        .correlate(message)
        .scalar_subquery()
    )
    return func.coalesce(message.c.active_child_id, newest)


def _down_from() -> Any:
    """The path below a message, the message included, with `shown`: how many of those below are not deleted."""
    first, below = messages.alias("first"), messages.alias("below")
    seed = (
        select(first.c.id, _next_of(first).label("next"), literal(0).label("depth"), literal(0).label("shown"))
        .where(first.c.id == bindparam("message"), first.c.conversation_id == bindparam("conversation"))
        .cte("path", recursive=True)
    )
    is_shown = case((below.c.deleted_at.is_(None), 1), else_=0)
    return seed.union_all(
        select(below.c.id, _next_of(below), seed.c.depth + 1, seed.c.shown + is_shown)
        .join(seed, below.c.id == seed.c.next)
        .where(seed.c.shown < bindparam("limit"), seed.c.depth < bindparam("depth"))
    )


def _up_from() -> Any:
    above = messages.alias("above")
    seed = (
        select(messages.c.id, messages.c.parent_id, literal(0).label("depth"))
        .where(messages.c.id == bindparam("message"), messages.c.conversation_id == bindparam("conversation"))
        .cte("path", recursive=True)
    )
    return seed.union_all(
        select(above.c.id, above.c.parent_id, seed.c.depth + 1)
        .join(seed, above.c.id == seed.c.parent_id)
        .where(seed.c.depth < MAX_DEPTH)
    )


# Built once: building a statement costs more than running it.
_down = _down_from()
_PATH_DOWN = (
    select(messages)
    .join(_down, messages.c.id == _down.c.id)
    .where(messages.c.deleted_at.is_(None), _down.c.depth > 0)
    .order_by(_down.c.depth)
)
_END = select(_down.c.id, _down.c.depth).order_by(_down.c.depth.desc()).limit(1)
_NEXT = select(_next_of(messages)).where(
    messages.c.id == bindparam("message"), messages.c.conversation_id == bindparam("conversation")
)
_node_columns = (
    messages.c.id,
    messages.c.parent_id,
    messages.c.active_child_id,
    messages.c.status,
    messages.c.deleted_at,
)
_up = _up_from()
_PATH_UP = select(*_node_columns).join(_up, messages.c.id == _up.c.id).order_by(_up.c.depth.desc())
_FIRST = select(_up.c.id).order_by(_up.c.depth.desc()).limit(1)
_LEAD_ALONG = (
    update(messages)
    .where(messages.c.id == _up.c.parent_id, messages.c.active_child_id.is_distinct_from(_up.c.id))
    .values(active_child_id=_up.c.id)
)
_LEAD = Prepared(
    update(messages).where(messages.c.id == bindparam("message")).values(active_child_id=bindparam("child"))
)
_BEGIN = Prepared(
    update(conversations).where(conversations.c.id == bindparam("conversation")).values(root_id=bindparam("child"))
)


def read_path_down(
    connection: AnyConnection, conversation: str, message: str, limit: int, within: int = MAX_DEPTH
) -> list[MessageRow]:
    """What is below `message` on its path, nearest first, without deleted ones, at most `limit`; `within` so many."""
    asked = {"message": message, "conversation": conversation, "limit": limit, "depth": within}
    return [message_row(row) for row in connection.execute(_PATH_DOWN, asked)]


def find_end(connection: AnyConnection, conversation: str, message: str, within: int = MAX_DEPTH) -> str | None:
    """Where the path through `message` ends; None when that is further down than `within`."""
    asked = {"message": message, "conversation": conversation, "limit": MAX_DEPTH, "depth": within}
    row = connection.execute(_END, asked).first()
    return None if row is None or row.depth >= within else str(row.id)


def find_next(connection: AnyConnection, conversation: str, message: str) -> str | None:
    """Where the path goes on from `message`; None: it ends there."""
    found = connection.execute(_NEXT, {"message": message, "conversation": conversation}).scalar()
    return None if found is None else str(found)


def list_nodes(connection: AnyConnection, conversation: str, ids: Iterable[str]) -> dict[str, Node]:
    wanted = messages.c.id.in_(list(ids)), messages.c.conversation_id == conversation
    return {row.id: _node(row) for row in connection.execute(select(*_node_columns).where(*wanted))}


def list_children(connection: AnyConnection, conversation: str, parents: Iterable[str | None]) -> list[Node]:
    """The children of all `parents` (None: the first messages), in the order in which they were made."""
    listed = set(parents)
    children = select(*_node_columns).where(messages.c.conversation_id == conversation)
    # Put in order here, and the first messages asked for by themselves: for ORDER BY as for OR, SQLite takes the index
    # of the whole conversation, and reads all messages.
    rows = list(connection.execute(children.where(messages.c.parent_id.in_(listed - {None}))))
    if None in listed:
        rows += connection.execute(children.where(messages.c.parent_id.is_(None)))
    return sorted(map(_node, rows), key=lambda node: node.id)


def list_descendants(connection: AnyConnection, conversation: str, message: str) -> list[Node]:
    """All of them on all branches, nearest first. The cost is that of what there is."""
    below = messages.alias("below")
    tree = (
        select(messages.c.id, literal(0).label("depth"))
        .where(messages.c.id == message, messages.c.conversation_id == conversation)
        .cte("tree", recursive=True)
    )
    tree = tree.union_all(
        select(below.c.id, tree.c.depth + 1).where(
            below.c.conversation_id == conversation, below.c.parent_id == tree.c.id, tree.c.depth < MAX_DEPTH
        )
    )
    statement = select(*_node_columns).join(tree, messages.c.id == tree.c.id).where(tree.c.depth > 0)
    return [_node(row) for row in connection.execute(statement.order_by(tree.c.depth, messages.c.id))]


def list_path_ids(connection: AnyConnection, conversation: str, message: str) -> list[Node]:
    """`message` and all its ancestors, the first message first, deleted ones too."""
    asked = {"message": message, "conversation": conversation}
    return [_node(row) for row in connection.execute(_PATH_UP, asked)]


def lead_along(connection: WriteConnection, conversation: str, message: str) -> None:
    """The path goes through all that is above `message`, and through it, from the first message on."""
    asked = {"message": message, "conversation": conversation}
    connection.execute(_LEAD_ALONG, asked)
    lead(connection, conversation, None, connection.execute(_FIRST, asked).scalar_one())


def lead(connection: WriteConnection, conversation: str, parent: str | None, child: str | None) -> None:
    """The path goes from `parent` on to `child`; without a parent it begins with it."""
    if parent is None:
        _BEGIN.run(connection, {"conversation": conversation, "child": child})
    else:
        _LEAD.run(connection, {"message": parent, "child": child})


def _node(row: Any) -> Node:
    return Node(row.id, row.parent_id, row.active_child_id, row.status, row.deleted_at is not None)
