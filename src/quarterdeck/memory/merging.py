"""A statement that passed the gates becomes a memory, joins one that says the same, or closes one that it contradicts.

Which of two contradictory ones holds is decided by when they are true, not by when they were said or read: changes of
mind may be told in any order. Derivation never changes what somebody wrote or edited themselves: what contradicts that
is kept beside it as a proposal, closed from the start. What was forgotten is not made again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.changing import (
    Statement,
    change_memory,
    close_again,
    close_memory,
    make_memory,
    true_since,
    unite_memories,
)
from quarterdeck.memory.wording import fingerprint, is_like_marked, meaning_words, overlap
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.memories import MemoryRow, find_comparable, list_comparable
from quarterdeck.store.memory_history import ChangeRow, list_tombstones
from quarterdeck.store.memory_sources import MemorySource, add_sources

MOST_COMPARED = 5_000
"""Those learned last: they are read and cut into words in one transaction, for which everybody waits on SQLite."""

_CLOSING = ("contradicts", "corrects")
SAME = 0.75
"""Of all their words: what shares so many says the same, if numbers and negations agree."""

_SAME_AS_TOLD = 0.3  # where the model says that it is the same
_LIKE_FORGOTTEN = 0.7
_PASSAGE_FORGOTTEN = 0.6
_DIFFERENCES = re.compile(
    r"\d+|\b(not|no|never|none|without|stopped|quit|former|formerly|previously|ex|used to|no longer|nicht|kein\w*|nie|"
    r"niemals|mehr|ohne|früher|ehemalig\w*|ne|pas|plus|jamais|sans|ancien\w*|nunca|ya no|sin|antes|non|mai|più|senza|"
    r"não|sem|niet|geen|nooit|zonder)\b|n['’]t\b|[不没無无]|ない|ません",
    re.IGNORECASE,
)


class Found(Struct, frozen=True, kw_only=True):
    """A statement that passed, with the message that says it. `of`: the known memory that `operation` is about."""

    statement: Statement
    source: MemorySource
    operation: str = "add"
    of: str = ""


class Merging:
    """For one transaction: what is known, and what of it a batch of statements has changed."""

    def __init__(self, connection: WriteConnection, owner: str) -> None:
        self._connection = connection
        self._owner = owner
        self._rows = {row.id: row for row in list_comparable(connection, owner, MOST_COMPARED)}
        self._words = {row.id: meaning_words(row.text) for row in self._rows.values()}
        self._tombstones = list_tombstones(connection, owner)

    def take(self, found: Found) -> str:
        """What came of it: made, merged, superseded, ended, proposed, forgotten or nothing."""
        if self._is_forgotten(found):
            return "forgotten"
        self._look_further_back(found)
        of = self._rows.get(found.of)
        if found.operation == "ends":
            return self._end(of, found) if of is not None else "nothing"
        if (same := self._find_same(found, of)) is not None:
            outcome = self._join(same, found)
            if found.operation in _CLOSING and of is not None and of.id != same.id:
                return self._close_late(of, self._rows[same.id], found.operation) or outcome
            return outcome
        if (proposal := self._find_proposal(found)) is not None:
            add_sources(self._connection, self._owner, proposal.id, [found.source])
            return "proposed"
        if found.operation in _CLOSING and of is not None:
            return self._contradict(of, found)
        self._make(found)
        return "made"

    def _look_further_back(self, found: Found) -> None:
        """For what says the same in the same words; it is not among those that were read when there are very many."""
        if len(self._rows) < MOST_COMPARED:
            return
        sign = fingerprint(found.statement.text)
        for row in find_comparable(self._connection, self._owner, [sign]).get(sign, []):
            if row.id not in self._rows:
                self._note(row)

    def unite(self, one: str, other: str) -> None:
        """Two that are said to say the same become the earlier one, with all their sources, if they share a word.

        The later one stays as it was, closed without an end, and what says it again joins the earlier one.
        """
        rows = sorted((row for row in map(self._rows.get, (one, other)) if row is not None), key=lambda row: row.id)
        if len(rows) != 2 or rows[0].id == rows[1].id:
            return
        kept, gone = rows if rows[0].origin == "user" or rows[1].origin != "user" else rows[::-1]
        if not (self._words[kept.id] & self._words[gone.id]) or _differ(kept.text, gone.text):
            return
        if gone.origin == "user" or gone.pinned_at or not (_is_open(kept) and _is_open(gone)):
            return
        if gone.taint != kept.taint or (gone.valid_from or gone.said_at) < (kept.valid_from or 0):
            return
        self._note(unite_memories(self._connection, kept, gone, "model"))
        self._note(change_memory(self._connection, kept, {}, "merged", "model"))

    def _find_same(self, found: Found, told: MemoryRow | None) -> MemoryRow | None:
        """The closest one that says it already; one that is over does not, unless it is said of the time before that.

        It may be true anew.
        """
        sign, words = fingerprint(found.statement.text), meaning_words(found.statement.text)
        since = since_when(found.statement)
        best: tuple[float, MemoryRow] | None = None
        for row in self._rows.values():
            if is_over(row, since):
                continue
            share = 1.0 if row.fingerprint == sign else overlap(words, self._words[row.id])
            needed = _SAME_AS_TOLD if found.operation == "same" and told is not None and row.id == told.id else SAME
            if share < needed or _differ(row.text, found.statement.text):
                continue
            if best is None or share > best[0]:
                best = (share, row)
        same = None if best is None else find_standing(best[1], self._rows.get)
        return None if same is None or is_over(same, since) else same

    def _find_proposal(self, found: Found) -> MemoryRow | None:
        """One that says it and was kept beside a person's own word, which still holds."""
        sign = fingerprint(found.statement.text)
        for row in self._rows.values():
            own = self._rows.get(row.superseded_by or "")
            if row.fingerprint == sign and own is not None and own.origin == "user" and _is_open(own):
                return row
        return None

    def _join(self, row: MemoryRow, found: Found) -> str:
        """Its sources are all of theirs; heard again it is surer, and holds again if it was stale."""
        statement = found.statement
        added = add_sources(self._connection, self._owner, row.id, [found.source])
        values: dict[str, Any] = {}
        if row.stale_at is not None:
            values["stale_at"] = None
        if row.origin == "derived":
            values["confidence"] = max(row.confidence, statement.confidence)
            if row.taint and not statement.taint:
                values["taint"] = ""  # it rests on the user's own word now
            if row.valid_from is None and statement.valid_from is not None:
                values["valid_from"] = statement.valid_from
        if statement.said_at is not None and statement.said_at < row.said_at:
            values["said_at"] = statement.said_at
        values = {name: value for name, value in values.items() if value != getattr(row, name)}
        if not values and not added:
            return "nothing"
        changed = change_memory(self._connection, row, values, "renewed" if row.stale_at else "merged", "model")
        self._note(changed)
        if row.stale_at is not None:
            close_again(self._connection, changed)
        return "merged"

    def _contradict(self, told: MemoryRow, found: Found) -> str:
        """What holds is what is true since last, whenever it was said and read."""
        old = self._find_holder(told, found)
        is_closed = old.superseded_at is not None or old.stale_at is not None
        is_older = _order_of_statement(found.statement) < _order(old) and found.operation != "corrects"
        if is_closed or (found.statement.taint and not old.taint and not is_older):
            self._make(found)
            return "made"
        made = self._make(found)
        if is_older:
            self._put_before(made, old)
            return "superseded"
        if old.origin == "user":
            values = {"superseded_by": old.id, "superseded_at": now_ms(), "valid_to": true_since(made)}
            self._note(change_memory(self._connection, made, values, "proposed", "model"))
            return "proposed"
        self._note(close_memory(self._connection, old, made, "model"))
        return "superseded"

    def _find_holder(self, told: MemoryRow, found: Found) -> MemoryRow:
        """What stands now in the place of a memory that was closed: what is about the same, as its words say."""
        words = meaning_words(found.statement.text)
        row = told
        for _ in self._rows:
            by = self._rows.get(row.superseded_by or "")
            if row.superseded_at is None or by is None or not words & self._words[by.id]:
                break
            row = by
        return row

    def _put_before(self, made: MemoryRow, holder: MemoryRow) -> None:
        """Into the line of what held before `holder`: until the next one is true, and from then on the one before."""
        line = sorted([holder, *self._list_closed_for(holder, self._words[made.id])], key=_order)
        after = next(row for row in line if _order(row) > _order(made))
        before = [row for row in line if _order(row) < _order(made)]
        closed = close_memory(self._connection, made, after, "model")
        self._note(closed)
        if before and before[-1].origin != "user" and not made.taint and _is_over_after(before[-1], true_since(made)):
            self._note(close_memory(self._connection, before[-1], closed, "model"))

    def _list_closed_for(self, holder: MemoryRow, words: frozenset[str]) -> list[MemoryRow]:
        """What was closed by it, or by what was: only what shares a word, for one may close several things."""
        found: dict[str, MemoryRow] = {}
        closing = {holder.id}
        while closing:
            rows = [row for row in self._rows.values() if row.superseded_by in closing and row.id not in found]
            found |= {row.id: row for row in rows if row.valid_to is not None and self._words[row.id] & words}
            closing = {row.id for row in rows if row.id in found}
        return list(found.values())

    def _close_late(self, told: MemoryRow, known: MemoryRow, operation: str) -> str:
        """A contradiction of two that were known already, and nobody had noticed; empty: nothing is to be done."""
        in_order = (told, known) if operation == "corrects" or _order(told) <= _order(known) else (known, told)
        old, new = in_order
        if not _is_open(old) or not _is_open(new) or old.origin == "user" or (new.taint and not old.taint):
            return ""
        self._note(close_memory(self._connection, old, new, "model"))
        return "superseded"

    def _end(self, old: MemoryRow, found: Found) -> str:
        """It held until the message said that it does not any more, or until the day it names."""
        if old.origin == "user" or old.valid_to is not None or old.stale_at is not None or found.statement.taint:
            return "nothing"
        at = found.statement.valid_to or found.statement.said_at or now_ms()
        if at < (old.valid_from or old.said_at):
            return "nothing"
        add_sources(self._connection, self._owner, old.id, [found.source])
        self._note(change_memory(self._connection, old, {"valid_to": at}, "ended", "model"))
        return "ended"

    def _make(self, found: Found) -> MemoryRow:
        statement = structs.replace(found.statement, sources=(found.source,))
        row = make_memory(self._connection, self._owner, statement, "model")
        self._note(row)
        return row

    def _note(self, row: MemoryRow) -> None:
        self._rows[row.id] = row
        self._words[row.id] = meaning_words(row.text)

    def _is_forgotten(self, found: Found) -> bool:
        return any(_is_like(found, tombstone) for tombstone in self._tombstones)


def _is_open(row: MemoryRow) -> bool:
    return row.superseded_at is None and row.stale_at is None and row.valid_to is None


def _order(row: MemoryRow) -> tuple[int, int]:
    """The later one holds: since when it is true, and when it was said."""
    return true_since(row), row.said_at


def since_when(statement: Statement) -> int:
    """From when it is said to be true."""
    said_at = now_ms() if statement.said_at is None else statement.said_at
    return said_at if statement.valid_from is None else statement.valid_from


def _order_of_statement(statement: Statement) -> tuple[int, int]:
    return since_when(statement), now_ms() if statement.said_at is None else statement.said_at


def is_over(row: MemoryRow, since: int) -> bool:
    """It was closed, and did not hold any more by then."""
    if is_united(row):
        return False
    return row.superseded_at is not None if row.valid_to is None else row.valid_to <= since


def _is_over_after(row: MemoryRow, at: int) -> bool:
    return row.valid_to is None or row.valid_to > at


def is_united(row: MemoryRow) -> bool:
    """It says what the memory says that stands for both."""
    return row.superseded_by is not None and row.valid_to is None


def find_standing(row: MemoryRow, find: Callable[[str], MemoryRow | None]) -> MemoryRow | None:
    """The one that stands for `row` and those that were made one with it, perhaps itself.

    None where there is none: it was forgotten, or undoing has made two stand for each other.
    """
    seen: set[str] = set()
    found: MemoryRow | None = row
    while found is not None and is_united(found):
        seen.add(found.id)
        found = None if found.superseded_by in seen else find(found.superseded_by or "")
    return found


def says_what_was_forgotten(text: str, tombstone: ChangeRow) -> bool:
    """In the same words, or nearly the same."""
    state = tombstone.state
    if state.get("fingerprint") == fingerprint(text):
        return True
    return is_like_marked(text, tombstone.memory_id, state.get("marks", []), _LIKE_FORGOTTEN)


def _is_like(found: Found, tombstone: ChangeRow) -> bool:
    """It says what was forgotten, or is another wording of the passage that it came from."""
    state, salt = tombstone.state, tombstone.memory_id
    if says_what_was_forgotten(found.statement.text, tombstone):
        return True
    passage = state.get("passages", {}).get(found.source.message_id)
    return passage is not None and is_like_marked(found.source.quote, salt, passage, _PASSAGE_FORGOTTEN)


def _differ(one: str, other: str) -> bool:
    """In a number or in a negation: then they do not say the same, however many words they share."""
    return _marks_of(one) != _marks_of(other)


def _marks_of(text: str) -> set[str]:
    return {found[0].casefold() for found in _DIFFERENCES.finditer(text)}
