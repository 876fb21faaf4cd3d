"""A page of the active path: its end, before or after a message, or around one. The cost is that of the page."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.accounts.access import access_conversation
from quarterdeck.conversations.branches import Alternatives, list_alternatives
from quarterdeck.errors import InputError, NotFoundError
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.messages import MessageRow, find_message, read_path
from quarterdeck.store.tree import read_path_down


class PathPage(Struct, frozen=True):
    """`rows` oldest first. `older`: the message to read upwards from; `newer`: the one to read downwards from."""

    rows: list[MessageRow]
    alternatives: Alternatives
    older: str | None
    newer: str | None


def read_page(
    connection: AnyConnection, user: str, conversation: str, *, before: str = "", after: str = "", around: str = "",
    limit: int,
) -> PathPage:  # fmt: skip
    """`before` is the first one read, upwards; `after` is not read itself; `around` stands in the middle.

    Raises: `NotFoundError`; `InputError` when more than one place is named.
    """
    if sum(map(bool, (before, after, around))) > 1:
        raise InputError("Give one of `before`, `after` and `around`, not several.")
    found = access_conversation(connection, user, conversation)
    older, newer = None, None
    if after:
        rows, newer = _down(connection, found.id, after, limit)
        older = after
    elif around:
        if find_message(connection, found.id, around) is None:
            raise NotFoundError("There is no such message.")
        rows = read_path(connection, found.id, around, limit - limit // 2)[::-1]
        below, newer = _down(connection, found.id, around, limit // 2)
        older = rows[0].parent_id if rows else None
        rows += below
    else:
        start = before or found.tip_id
        rows = [] if start is None else read_path(connection, found.id, start, limit)[::-1]
        older = rows[0].parent_id if rows else None
        newer = before if before and rows else None
    return PathPage(rows, list_alternatives(connection, found.id, rows), older, newer)


def _down(
    connection: AnyConnection, conversation: str, message: str, limit: int
) -> tuple[list[MessageRow], str | None]:
    rows = read_path_down(connection, conversation, message, limit + 1)
    page = rows[:limit]
    return page, page[-1].id if len(rows) > limit and page else None
