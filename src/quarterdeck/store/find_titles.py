"""Conversations by a part of their title, without reading them: the lists' own indexes have the titles.

PostgreSQL takes long to look through many titles. There the newest are looked through for what is frequent, and for the
rest its index of all pieces of titles is asked, which is quick because there is not much to find (migration 0007).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, text

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import conversations

_LOOKED_THROUGH = 2_000
_PIECE_CHARS = 3
_HAS_PIECES = text("quarterdeck_grams(owner_id, title) @> quarterdeck_grams(:owner, :sought)")


def find_titles(connection: AnyConnection, listed: Select[Any], owner: str, query: str, limit: int) -> list[str]:
    """The first `limit` ids of `listed` whose title has `query` in it, in either case."""
    title = conversations.c.title
    if connection.dialect.name == "sqlite":
        return _ids(connection, listed.where(title.contains(query, autoescape=True)).limit(limit))  # LIKE knows no case
    near = listed.add_columns(title).limit(_LOOKED_THROUGH).subquery()
    found = _ids(connection, select(near.c.id).where(near.c.title.icontains(query, autoescape=True)).limit(limit))
    if len(found) == limit:
        return found
    listed = listed.where(title.icontains(query, autoescape=True)).limit(limit)
    if len(query) < _PIECE_CHARS:
        return _ids(connection, listed)
    has_pieces = select(conversations.c.id).where(_HAS_PIECES).cte("has_pieces")
    # Materialized: the planner takes an index by the order instead, and reads all titles again.
    has_pieces = has_pieces.prefix_with("MATERIALIZED", dialect="postgresql")
    indexed = listed.join(has_pieces, has_pieces.c.id == conversations.c.id)
    return _ids(connection, indexed, {"owner": owner, "sought": query})


def _ids(connection: AnyConnection, statement: Select[Any], values: dict[str, str] | None = None) -> list[str]:
    return list(connection.execute(statement, values or {}).scalars())
