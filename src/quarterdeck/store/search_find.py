"""Messages that fit a query, newest first, among one owner's.

SQLite reads the index from its new end and stops when it has enough. PostgreSQL's index knows no order, so the newest
entries are looked through first, as many as it takes to find enough of a frequent word; only then is the index asked,
which is then quick because there is not much to find.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select, text

from quarterdeck.domain.parts import Part, decode_parts
from quarterdeck.domain.search_query import Form, SearchQuery, Sought
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.search import ANY_LANGUAGE, entry_id, facet_of_language, facet_of_model
from quarterdeck.store.search_schema import TERMS_ON_POSTGRESQL
from quarterdeck.store.tables import conversations, messages

_NEWEST = 1 << 62
_PARAMETER = re.compile(r":(\w+)")
_LOOKED_THROUGH, _MOST_LOOKED_THROUGH = 1_000, 10_000  # of the newest entries, where the index has no order
_SPARE = 1.4  # of entries, where so many more are looked through as are likely to have enough


class SearchFilter(Struct, frozen=True, kw_only=True):
    """What is searched, and where. Times are milliseconds, `until` is not within; empty and None: anything."""

    owner: str
    query: SearchQuery
    role: str = ""
    model: str = ""
    has_ideas: bool = False
    has_files: bool = False
    conversation: str = ""
    folder: str = ""
    since: int | None = None
    until: int | None = None

    def facets(self) -> list[str]:
        """Terms of the index that a message must have."""
        wanted = [f"§{self.role}"] if self.role else []
        wanted += [f"§c{self.conversation}"] if self.conversation else []
        wanted += [facet_of_model(self.model)] if self.model else []
        wanted += ["§ideas"] if self.has_ideas else []
        return wanted + (["§files"] if self.has_files else [])


class EntryRow(Struct, frozen=True):
    id: int
    message_id: str
    facets: str
    words: str


class HitRow(Struct, frozen=True):
    """A message that was found, where it stands."""

    message_id: str
    conversation_id: str
    title: str
    role: str
    model: str
    created_at: int
    parts: list[Part]
    archived_at: int | None
    folder_id: str | None


def find_entries(
    connection: AnyConnection, wanted: SearchFilter, *, before: int | None, limit: int
) -> Sequence[EntryRow]:
    """Newest first; `before` is the id of the last one seen."""
    until = _NEWEST if wanted.until is None else entry_id(wanted.until)
    values = {
        "owner": wanted.owner,
        "before": until if before is None else min(before, until),
        "since": 0 if wanted.since is None else entry_id(wanted.since),
        "folder": wanted.folder,
        "limit": limit,
    }
    if connection.dialect.name == "sqlite":
        return _rows(connection, _sqlite(bool(wanted.folder)), {**values, "terms": _fts5(wanted)})
    return _find_on_postgresql(connection, wanted, values)


def read_hits(connection: AnyConnection, message_ids: Sequence[str]) -> list[HitRow]:
    """In that order; what was deleted meanwhile is left out."""
    rows = connection.execute(
        select(
            messages.c.id, messages.c.conversation_id, conversations.c.title, messages.c.role, messages.c.model,
            messages.c.created_at, messages.c.parts, conversations.c.archived_at, conversations.c.folder_id,
        )
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.id.in_(message_ids), messages.c.deleted_at.is_(None), conversations.c.deleted_at.is_(None))
    )  # fmt: skip
    found = {
        row.id: HitRow(
            row.id, row.conversation_id, row.title, row.role, row.model, row.created_at, decode_parts(row.parts),
            row.archived_at, row.folder_id,
        )
        for row in rows
    }  # fmt: skip
    return [found[message] for message in message_ids if message in found]


def _rows(connection: AnyConnection, statement: str, values: dict[str, Any]) -> list[EntryRow]:
    used = {name: values[name] for name in _PARAMETER.findall(statement)}
    rows = connection.execute(text(statement), used)
    return [EntryRow(row.id, row.message_id, row.facets, row.words) for row in rows]


def _sqlite(has_folder: bool) -> str:
    # CROSS JOIN is SQLite's way to say in which order: the index first, which is read from its end.
    return (
        "SELECT e.id, e.message_id, e.facets, e.words FROM search_index CROSS JOIN search_entries AS e "  # nosec B608  # noqa: S608
        "ON e.id = search_index.rowid CROSS JOIN conversations AS c ON c.id = e.conversation_id "
        "WHERE search_index MATCH :terms AND search_index.rowid < :before AND search_index.rowid >= :since "
        "AND e.owner_id = :owner AND c.deleted_at IS NULL "
        f"{'AND c.folder_id = :folder ' if has_folder else ''}ORDER BY search_index.rowid DESC LIMIT :limit"
    )


def _fts5(wanted: SearchFilter) -> str:
    """The query in FTS5's own language; every term begins as its owner's do."""
    mark = wanted.owner[-6:]
    needed = [f'"{mark}{facet}"' for facet in wanted.facets()]
    needed += [_fts5_of(mark, wanted.query, sought) for sought in wanted.query.wanted]
    if not needed:
        needed = [f'("{mark}§user" OR "{mark}§assistant")']
    expression = " AND ".join(needed)
    if wanted.query.unwanted:
        without = " OR ".join(_fts5_of(mark, wanted.query, sought) for sought in wanted.query.unwanted)
        return f"({expression}) NOT ({without})"
    return expression


def _fts5_of(mark: str, query: SearchQuery, sought: Sought) -> str:
    phrase = " ".join(mark + term for term in sought.terms)
    forms = [f'"{phrase}" *' if sought.is_open else f'"{phrase}"']
    forms += [" AND ".join(f'"{mark}{term}"' for term in _needed(form)) for form in query.other_forms(sought)]
    return f"({' OR '.join(forms)})"  # AND binds tighter


def _needed(form: Form) -> list[str]:
    """Terms of the index that an entry has all of that says this form."""
    if form.language is None or form.term.startswith(form.language.mark):
        return [form.term]
    return [form.term, facet_of_language(form.language)]


def _find_on_postgresql(connection: AnyConnection, wanted: SearchFilter, values: dict[str, Any]) -> list[EntryRow]:
    said = _Said(wanted)
    folder = "AND c.folder_id = :folder " if wanted.folder else ""
    listed = f"JOIN conversations AS c ON c.id = e.conversation_id AND c.deleted_at IS NULL {folder}"
    window = _LOOKED_THROUGH
    while window <= _MOST_LOOKED_THROUGH:
        newest = (
            "SELECT e.id, e.message_id, e.facets, e.words FROM (SELECT * FROM search_entries WHERE owner_id = :owner "  # nosec B608  # noqa: S608
            f"AND id < :before AND id >= :since ORDER BY id DESC LIMIT {window}) AS e {listed}"
            f"WHERE {said.everything} ORDER BY e.id DESC LIMIT :limit"
        )
        found = _rows(connection, newest, values | said.values)
        if len(found) == values["limit"]:
            return found
        if window > _LOOKED_THROUGH or not found:
            break
        window = max(window + 1, int(window * values["limit"] / len(found) * _SPARE))
    # Only the terms are asked of the index, which begin with the owner: given more, the planner takes another index
    # and computes the terms of all that this owner has.
    indexed = (
        "WITH e AS MATERIALIZED (SELECT id, message_id, owner_id, conversation_id, facets, words FROM search_entries "  # nosec B608  # noqa: S608
        f"WHERE {TERMS_ON_POSTGRESQL} @@ CAST(:terms AS tsquery)) "
        f"SELECT e.id, e.message_id, e.facets, e.words FROM e {listed}"
        f"WHERE e.owner_id = :owner AND e.id < :before AND e.id >= :since{said.phrases} ORDER BY e.id DESC LIMIT :limit"
    )
    return _rows(connection, indexed, values | said.values | {"terms": _tsquery(wanted)})


class _Said:
    """The same query in words that need no index."""

    def __init__(self, wanted: SearchFilter) -> None:
        self.values: dict[str, str] = {}
        self._query = wanted.query
        facets = [self._has("facets", facet, " {} ") for facet in wanted.facets()]
        wanted_words = [self._any_form(sought) for sought in wanted.query.wanted]
        unwanted = [f"NOT {self._any_form(sought)}" for sought in wanted.query.unwanted]
        self.everything = " AND ".join([*facets, *wanted_words, *unwanted]) or "true"
        phrases = [self._any_form(sought) for sought in wanted.query.wanted if len(sought.terms) > 1]
        phrases += [f"NOT {self._any_form(sought)}" for sought in wanted.query.unwanted if len(sought.terms) > 1]
        self.phrases = "".join(f" AND {phrase}" for phrase in phrases)

    def _any_form(self, sought: Sought) -> str:
        said = self._has("words", " ".join(sought.terms), " {}" if sought.is_open else " {} ")
        forms = self._query.other_forms(sought)
        alike = [said, *(self._has("words", form.term, " {} ") for form in forms if form.language is None)]
        if others := [self._has_in_language(form) for form in forms if form.language is not None]:
            alike.append(f"({self._has('facets', ANY_LANGUAGE, ' {}')} AND ({' OR '.join(others)}))")
        return f"({' OR '.join(alike)})"

    def _has_in_language(self, form: Form) -> str:
        term, *facets = _needed(form)
        conditions = [*(self._has("facets", facet, " {} ") for facet in facets), self._has("words", term, " {} ")]
        return f"({' AND '.join(conditions)})"

    def _has(self, column: str, terms: str, pattern: str) -> str:
        name = f"said_{len(self.values)}"
        self.values[name] = pattern.format(terms)
        return f"strpos(' ' || {column} || ' ', :{name}) > 0"  # LIKE does the same a character at a time


def _tsquery(wanted: SearchFilter) -> str:
    mark = wanted.owner[-6:]
    needed = [_lexeme(mark + facet) for facet in wanted.facets()]
    needed += [_tsquery_of(mark, wanted.query, sought) for sought in wanted.query.wanted]
    if not needed:
        needed = [f"({_lexeme(mark + '§user')} | {_lexeme(mark + '§assistant')})"]
    unwanted = [sought for sought in wanted.query.unwanted if len(sought.terms) == 1]
    needed += [f"!{_tsquery_of(mark, wanted.query, sought)}" for sought in unwanted]
    return " & ".join(needed)


def _tsquery_of(mark: str, query: SearchQuery, sought: Sought) -> str:
    """That the terms of a phrase follow one another is not in the index; `_Said` asks for that."""
    *firsts, last = sought.terms
    terms = [_lexeme(mark + term) for term in firsts]
    terms.append(_lexeme(mark + last) + (":*" if sought.is_open else ""))
    forms = [" & ".join(terms)]
    forms += [" & ".join(_lexeme(mark + term) for term in _needed(form)) for form in query.other_forms(sought)]
    return f"({' | '.join(forms)})"


def _lexeme(term: str) -> str:
    quoted = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'"
