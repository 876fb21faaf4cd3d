"""Texts that are the same but for the case of their letters, and how these are composed, on every database.

SQLite's `LIKE` and `lower()` know the case of ASCII letters alone. Its `GLOB` knows none, and takes several letters for
a place: so all that a letter may be is said there.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, func, or_

from quarterdeck.store.database import AnyConnection

_FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
_WITH_A_MEANING = frozenset("*?[")


def has_text(connection: AnyConnection, column: Column[Any] | ColumnElement[Any], sought: str) -> ColumnElement[bool]:
    """Whether `sought` stands anywhere in it, with its letters composed or not."""
    if connection.dialect.name != "sqlite":
        return or_(*(column.icontains(one, autoescape=True) for one in spellings(sought)))
    if sought.isascii():
        return column.contains(sought, autoescape=True)  # as LIKE
    is_like = column.op("GLOB", is_comparison=True)
    return or_(*(is_like(f"*{_in_either_case(one)}*") for one in spellings(sought)))


def is_text(connection: AnyConnection, column: Column[Any], wanted: str) -> ColumnElement[bool]:
    """Whether it is `wanted`."""
    if connection.dialect.name != "sqlite" or wanted.isascii():
        return func.lower(column) == wanted.lower()
    return column.op("GLOB", is_comparison=True)(_in_either_case(wanted))


def spellings(text: str) -> list[str]:
    """As it is, and with each letter as one character or as several (as file names of macOS have it)."""
    return list(dict.fromkeys((text, *(unicodedata.normalize(form, text) for form in _FORMS))))


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
