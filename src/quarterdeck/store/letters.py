"""Texts that are the same but for the case of their letters, on every database.

SQLite's `LIKE` and `lower()` know the case of ASCII letters alone. Its `GLOB` knows none, and takes several letters for
a place: so all that a letter may be is said there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, func

from quarterdeck.store.database import AnyConnection

_WITH_A_MEANING = frozenset("*?[")


def has_text(connection: AnyConnection, column: Column[Any] | ColumnElement[Any], sought: str) -> ColumnElement[bool]:
    """Whether `sought` stands anywhere in it."""
    if connection.dialect.name != "sqlite":
        return column.icontains(sought, autoescape=True)
    if sought.isascii():
        return column.contains(sought, autoescape=True)  # as LIKE
    return column.op("GLOB", is_comparison=True)(f"*{_in_either_case(sought)}*")


def is_text(connection: AnyConnection, column: Column[Any], wanted: str) -> ColumnElement[bool]:
    """Whether it is `wanted`."""
    if connection.dialect.name != "sqlite" or wanted.isascii():
        return func.lower(column) == wanted.lower()
    return column.op("GLOB", is_comparison=True)(_in_either_case(wanted))


def ways_of(letter: str) -> list[str]:
    """How a letter may be written; one of ASCII only in lower case."""
    if letter.isascii():
        return [letter.lower()]
    return [way for way in dict.fromkeys((letter, letter.lower(), letter.upper())) if len(way) == 1]


def _in_either_case(text: str) -> str:
    return "".join(map(_place_of, text))


def _place_of(letter: str) -> str:
    if letter in _WITH_A_MEANING:
        return f"[{letter}]"
    ways = [letter.lower(), letter.upper()] if letter.isascii() and letter.isalpha() else ways_of(letter)
    return f"[{''.join(ways)}]" if len(ways) > 1 else ways[0]
