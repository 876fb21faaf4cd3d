"""Conversations by words of their title or parts of them, without reading them: the lists' own indexes have the titles.

PostgreSQL takes long to look through many titles. There the newest are looked through for what is frequent, and for the
rest its index of all pieces of titles is asked, which is quick because there is not much to find (migration 0007).
"""

from __future__ import annotations

from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.letters import has_text, spellings, ways_of
from quarterdeck.store.tables import conversations

_LOOKED_THROUGH = 2_000
_PIECE_CHARS = 3
_MOST_IN_SEVERAL_WAYS = 8  # pieces
_PIECES: ColumnElement[Any] = func.quarterdeck_grams(conversations.c.owner_id, conversations.c.title)


def find_titles(connection: AnyConnection, listed: Select[Any], owner: str, query: str, limit: int) -> list[str]:
    """The first `limit` ids of `listed` whose title has each word of `query` in it: in any order and in either case.

    A word may be a part of one, such as its beginning: many languages put no spaces between them.
    """
    title = conversations.c.title
    words = query.split() or [query]

    def has_words(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(*(has_text(connection, column, word) for word in words))

    if connection.dialect.name == "sqlite":
        return _ids(connection, listed.where(has_words(title)).limit(limit))
    near = listed.add_columns(title).limit(_LOOKED_THROUGH).subquery()
    found = _ids(connection, select(near.c.id).where(has_words(near.c.title)).limit(limit))
    if len(found) == limit:
        return found
    listed = listed.where(has_words(title)).limit(limit)
    in_pieces = [
        or_(*(_has_pieces(owner, way) for way in ways))
        for ways in map(spellings, words)
        if min(map(len, ways)) >= _PIECE_CHARS
    ]
    if not in_pieces:
        return _ids(connection, listed)
    has_pieces = select(conversations.c.id).where(*in_pieces).cte("has_pieces")
    # Materialized: the planner takes an index by the order instead, and reads all titles again.
    has_pieces = has_pieces.prefix_with("MATERIALIZED", dialect="postgresql")
    indexed = listed.join(has_pieces, has_pieces.c.id == conversations.c.id)
    return _ids(connection, indexed)


def _has_pieces(owner: str, word: str) -> ColumnElement[bool]:
    """The index has ASCII letters in lower case and all others as they are written: of these, any way is meant."""
    certain: list[str] = []
    in_several_ways: list[list[str]] = []
    for at in range(len(word) - _PIECE_CHARS + 1):
        letters = [ways_of(letter) for letter in word[at : at + _PIECE_CHARS]]
        ways = [owner[-6:] + "".join(way) for way in product(*letters)]
        if len(ways) == 1:
            certain += ways
        else:
            in_several_ways.append(ways)
    conditions = [_PIECES.op("&&")(_listed(ways)) for ways in in_several_ways[:_MOST_IN_SEVERAL_WAYS]]
    return and_(*([_PIECES.op("@>")(_listed(certain))] if certain else []), *conditions)


def _listed(pieces: list[str]) -> ColumnElement[Any]:
    return literal(pieces, ARRAY(Text))


def _ids(connection: AnyConnection, statement: Select[Any]) -> list[str]:
    return list(connection.execute(statement).scalars())
