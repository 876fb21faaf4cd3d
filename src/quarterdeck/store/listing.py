"""One's conversations as they are listed: pinned ones first, then by when something was last said in them."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, or_, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.conversations import COLUMNS, KEEP_DELETED_MS, ConversationRow
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.find_titles import find_titles
from quarterdeck.store.tables import conversations


class Listing(Struct, frozen=True, kw_only=True):
    """`query`: words of a title, or parts of them. `folder`: an id; empty: wherever they are.

    `is_pinned`: only or none. `is_deleted`: those that can be restored, wherever they were, by when that was done.
    """

    owner: str
    query: str = ""
    folder: str = ""
    is_archived: bool = False
    is_deleted: bool = False
    is_pinned: bool | None = None


class Place(Struct, frozen=True):
    """Of the last one that was seen: among the pinned ones by when that was done, else by when it was changed."""

    is_pinned: bool
    at: int
    id: str


def list_conversations(
    connection: AnyConnection, wanted: Listing, *, after: Place | None, limit: int
) -> list[ConversationRow]:
    """Archived and deleted ones are by themselves, and the pinned ones among them are nothing special."""
    found: list[ConversationRow] = []
    if wanted.is_pinned is not False and not _is_apart(wanted) and (after is None or after.is_pinned):
        found = _read(connection, wanted, after, limit, among_pinned=True)
        after = None
    if wanted.is_pinned or len(found) >= limit:
        return found
    return found + _read(connection, wanted, after, limit - len(found), among_pinned=False)


def place_of(row: ConversationRow, wanted: Listing) -> Place:
    if row.pinned_at is not None and not _is_apart(wanted):
        return Place(True, row.pinned_at, row.id)
    return Place(False, row.updated_at if row.deleted_at is None else row.deleted_at, row.id)


def _is_apart(wanted: Listing) -> bool:
    return wanted.is_archived or wanted.is_deleted


def _read(
    connection: AnyConnection, wanted: Listing, after: Place | None, limit: int, *, among_pinned: bool
) -> list[ConversationRow]:
    order = conversations.c.pinned_at if among_pinned else conversations.c.updated_at
    if wanted.is_deleted:
        order = conversations.c.deleted_at
    conditions = [*_conditions(wanted, among_pinned=among_pinned)]
    if after is not None:
        same = and_(order == after.at, conversations.c.id < after.id)
        conditions += [order <= after.at, or_(order < after.at, same)]  # the first of them is where an index begins
    ordered = (order.desc(), conversations.c.id.desc())
    if wanted.query:
        listed = select(conversations.c.id).where(*conditions).order_by(*ordered)
        conditions = [conversations.c.id.in_(find_titles(connection, listed, wanted.owner, wanted.query, limit))]
    rows = connection.execute(select(*COLUMNS).where(*conditions).order_by(*ordered).limit(limit))
    return [ConversationRow(**row._mapping) for row in rows]


def _conditions(wanted: Listing, *, among_pinned: bool) -> list[ColumnElement[bool]]:
    """In the words of the partial indexes, or they would not be used."""
    conditions: list[ColumnElement[bool]] = [conversations.c.owner_id == wanted.owner]
    if wanted.is_deleted:
        conditions += [
            conversations.c.deleted_at >= now_ms() - KEEP_DELETED_MS, conversations.c.tip_id.is_not(None),
            conversations.c.is_hidden == 0, conversations.c.memory != "private",
        ]  # fmt: skip
    elif wanted.is_archived:
        conditions += [conversations.c.archived_at.is_not(None), conversations.c.deleted_at.is_(None)]
        conditions.append(
            conversations.c.is_hidden == 0
        )  # hidden ones are archived as well, so the others need not ask
    else:
        conditions += [conversations.c.archived_at.is_(None), conversations.c.deleted_at.is_(None)]
        conditions.append(
            conversations.c.pinned_at.is_not(None) if among_pinned else conversations.c.pinned_at.is_(None)
        )
    if wanted.folder:
        conditions.append(conversations.c.folder_id == wanted.folder)
    return conditions
