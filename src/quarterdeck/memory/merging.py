"""A statement that passed the gates becomes a memory, joins one that says the same, or closes one that it contradicts.

Derivation never changes what somebody wrote or edited themselves: what contradicts that is kept beside it as a
proposal, closed from the start. What was forgotten is not made again.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, structs

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.changing import Statement, change_memory, close_again, close_memory, make_memory
from quarterdeck.memory.wording import fingerprint, is_like_marked, meaning_words, overlap
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.memories import MemoryRow, list_comparable
from quarterdeck.store.memory_history import ChangeRow, list_tombstones
from quarterdeck.store.memory_sources import MemorySource, add_sources, list_sources

SAME = 0.75
"""Of all their words: what shares so many says the same, if numbers and negations agree."""

_SAME_AS_TOLD = 0.3  # where the model says that it is the same
_LIKE_FORGOTTEN = 0.7
_PASSAGE_FORGOTTEN = 0.6
_DIFFERENCES = re.compile(
    r"\d+|\b(not|no|never|none|without|stopped|quit|former|formerly|previously|ex|used to|no longer|nicht|kein\w*|nie|"
    r"mehr|ne|pas|plus|jamais|nunca|ya no)\b|n['’]t\b",
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
        self._rows = {row.id: row for row in list_comparable(connection, owner)}
        self._words = {row.id: meaning_words(row.text) for row in self._rows.values()}
        self._tombstones = list_tombstones(connection, owner)

    def take(self, found: Found) -> str:
        """What came of it: made, merged, superseded, ended, proposed, forgotten or nothing."""
        if self._is_forgotten(found):
            return "forgotten"
        of = self._rows.get(found.of)
        if found.operation == "ends":
            return self._end(of, found) if of is not None else "nothing"
        if (same := self._find_same(found, of)) is not None:
            outcome = self._join(same, found)
            if found.operation == "contradicts" and of is not None and of.id != same.id:
                return self._close_late(of, self._rows[same.id]) or outcome
            return outcome
        if found.operation == "contradicts" and of is not None:
            return self._contradict(of, found)
        self._make(found)
        return "made"

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
        found = list_sources(self._connection, [gone.id]).get(gone.id, [])
        sources = [MemorySource(source.message_id, source.version, source.quote) for source in found]
        add_sources(self._connection, self._owner, kept.id, sources)
        values = {"superseded_by": kept.id, "superseded_at": now_ms()}
        self._note(change_memory(self._connection, gone, values, "united", "model"))
        self._note(change_memory(self._connection, kept, {}, "merged", "model"))

    def _find_same(self, found: Found, told: MemoryRow | None) -> MemoryRow | None:
        """The closest one that says it already; one that was closed does not, for it may be true anew."""
        sign, words = fingerprint(found.statement.text), meaning_words(found.statement.text)
        best: tuple[float, MemoryRow] | None = None
        for row in self._rows.values():
            if row.superseded_at is not None and not _is_united(row):
                continue
            share = 1.0 if row.fingerprint == sign else overlap(words, self._words[row.id])
            needed = _SAME_AS_TOLD if found.operation == "same" and told is not None and row.id == told.id else SAME
            if share < needed or _differ(row.text, found.statement.text):
                continue
            if best is None or share > best[0]:
                best = (share, row)
        same = None if best is None else best[1]
        while same is not None and _is_united(same):
            same = self._rows.get(same.superseded_by or "")
        return None if same is None or same.superseded_at is not None else same

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

    def _contradict(self, old: MemoryRow, found: Found) -> str:
        said_at = found.statement.said_at
        is_older = said_at is not None and said_at < old.said_at
        if old.superseded_at is not None or old.stale_at is not None or (found.statement.taint and not old.taint):
            self._make(found)
            return "made"
        if old.origin == "user" or is_older:
            made = self._make(found)
            values = {
                "superseded_by": old.id,
                "superseded_at": now_ms(),
                "valid_to": old.said_at if is_older else made.valid_to,
            }
            changed = change_memory(self._connection, made, values, "superseded" if is_older else "proposed", "model")
            self._note(changed)
            return "superseded" if is_older else "proposed"
        self._note(close_memory(self._connection, old, self._make(found), "model"))
        return "superseded"

    def _close_late(self, old: MemoryRow, new: MemoryRow) -> str:
        """What contradicts `old` was known already, and nobody had noticed; empty when nothing is to be done."""
        if not _is_open(old) or old.origin == "user" or new.said_at < old.said_at or (new.taint and not old.taint):
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


def _is_united(row: MemoryRow) -> bool:
    """It says what the memory says that stands for both."""
    return row.superseded_by is not None and row.valid_to is None


def _is_like(found: Found, tombstone: ChangeRow) -> bool:
    """The same words, nearly the same, or another wording of the passage that it came from."""
    text, state, salt = found.statement.text, tombstone.state, tombstone.memory_id
    if state.get("fingerprint") == fingerprint(text):
        return True
    if is_like_marked(text, salt, state.get("marks", []), _LIKE_FORGOTTEN):
        return True
    passage = state.get("passages", {}).get(found.source.message_id)
    return passage is not None and is_like_marked(found.source.quote, salt, passage, _PASSAGE_FORGOTTEN)


def _differ(one: str, other: str) -> bool:
    """In a number or in a negation: then they do not say the same, however many words they share."""
    return _marks_of(one) != _marks_of(other)


def _marks_of(text: str) -> set[str]:
    return {found[0].casefold() for found in _DIFFERENCES.finditer(text)}
