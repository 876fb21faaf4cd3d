"""The page of what is known about somebody: a line for each memory that holds, edited as text.

An edit is compared with the page line by line. A line that says something else is an edit of its memory, a new line is
a new memory of the person's own, a line that is gone is forgotten: all of it in one transaction, each with its undo.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from heapq import nlargest

from msgspec import Struct

from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import InputError, StaleVersionError
from quarterdeck.memory.changing import MAX_TEXT_CHARS, Edit, Statement, edit_memory, forget_memory, write_memory
from quarterdeck.memory.wording import squeeze
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.locks import lock_belongings
from quarterdeck.store.memories import MemoryRow, find_memories, list_leading
from quarterdeck.store.standing_notes import NotesRow, find_notes, save_notes

MOST_LINES = 300
"""Memories on the page: the pinned ones and the newest."""
MAX_CHARS = 2 * MOST_LINES * MAX_TEXT_CHARS  # a full page of the longest ones, and as much that is new

_TITLES = {
    "fact": "Facts", "relation": "People", "preference": "Preferences", "plan": "Plans", "event": "Events",
}  # fmt: skip
_KINDS = {title.casefold(): kind for kind, title in _TITLES.items()}
_BULLET = re.compile(r"[-*] +|-(?=[^\W\d_])")  # a minus before a number is none
_CANDIDATES, _MOST_COMPARED, _COMPARED_CHARS = 3, 900, 150  # for each line, of all lines, of a line
_ALIKE = 0.5  # of their characters: then a line was changed, else one was removed and another written


class _Line(Struct, frozen=True):
    """A statement of the page. `memory` is empty for one that is new; `kind` that of the heading above."""

    text: str
    kind: str
    memory: str = ""


def read_notes(connection: AnyConnection, owner: str) -> NotesRow | None:
    """None when the page has to be written (anew): `write_notes`."""
    row = find_notes(connection, owner)
    return None if row is None or row.stale_at is not None else row


def write_notes(connection: WriteConnection, owner: str) -> NotesRow:
    """As things are now; a page that says the same already stays at its version."""
    known = find_notes(connection, owner)
    text, lines = _lay_out(list_leading(connection, owner, MOST_LINES))
    if known is not None and known.text == text and known.lines == lines:
        row = NotesRow(owner, text, lines, known.version, None, known.updated_at)
    else:
        row = NotesRow(owner, text, lines, 1 if known is None else known.version + 1, None, now_ms())
    save_notes(connection, row)
    return row


def edit_notes(connection: WriteConnection, owner: str, text: str, version: int) -> NotesRow:
    """The page as it is after the edit. `version`: the one that was edited.

    Raises: `InputError`; `StaleVersionError` when it is another by now, or a memory that was edited was changed since.
    """
    if len(text) > MAX_CHARS:
        raise InputError(f"The notes have at most {MAX_CHARS:,} characters.")
    lock_belongings(connection, owner)
    known = find_notes(connection, owner)
    if known is None or known.version != version:
        raise _stale()
    before = _read(known.text, known.lines)
    _apply(connection, owner, before, _read(text, []))
    return write_notes(connection, owner)


def _lay_out(chosen: list[MemoryRow]) -> tuple[str, list[str]]:
    """The text, and the memory that each of its lines says."""
    text: list[str] = []
    lines: list[str] = []
    for kind, title in _TITLES.items():
        of_kind = [row for row in chosen if row.kind == kind]
        if not of_kind:
            continue
        text += ([""] if text else []) + [f"## {title}", *(f"- {squeeze(row.text)}" for row in of_kind)]
        lines += ([""] if lines else []) + ["", *(row.id for row in of_kind)]
    return "\n".join(text), lines


def _read(text: str, memories: list[str]) -> list[_Line]:
    """The statements of a page; whatever its headings are called, what is under none of ours is a fact."""
    found: list[_Line] = []
    kind = "fact"
    for number, raw in enumerate(text.splitlines()):
        line = squeeze(raw)
        if line.startswith("#"):
            kind = _KINDS.get(line.strip("# :").casefold(), "fact")
        elif line.strip(" -*"):
            found.append(_Line(_said_in(line), kind, memories[number] if number < len(memories) else ""))
    return found


def _said_in(line: str) -> str:
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def _apply(connection: WriteConnection, owner: str, before: list[_Line], after: list[_Line]) -> None:
    rows = find_memories(connection, owner, [line.memory for line in before])
    kept: dict[str, list[_Line]] = {}
    for line in after:
        kept.setdefault(line.text, []).append(line)
    gone = [line for line in before if line.text not in kept]
    fresh = _list_fresh(before, after)
    if len(fresh) > MOST_LINES:
        raise InputError(f"At most {MOST_LINES} lines of the notes can be new at a time. Save them in pieces.")
    words = {line.text: _compared_words(line.text) for line in fresh}
    for line in before:
        same = kept.get(line.text)
        if same and all(other.kind != line.kind for other in same):
            _edit(connection, owner, rows, line, same[0])
    for number, line in enumerate(gone):
        is_compared = number * _CANDIDATES < _MOST_COMPARED  # whoever writes a whole page anew changes no line of it
        changed = _most_alike(line, fresh, words) if is_compared else None
        if changed is not None:
            fresh.remove(changed)
            _edit(connection, owner, rows, line, changed)
        elif (row := rows.get(line.memory)) is not None:
            forget_memory(connection, owner, _as_read(row, line).id)
    for line in fresh:
        write_memory(connection, owner, Statement(text=line.text, kind=line.kind))


def _list_fresh(before: list[_Line], after: list[_Line]) -> list[_Line]:
    """What the page did not say so often; of lines that read the same it said those under their old headings."""
    said = Counter(line.text for line in before)
    places = {(line.text, line.kind) for line in before}
    fresh: list[_Line] = []
    for line in sorted(after, key=lambda line: (line.text, line.kind) not in places):
        if said[line.text]:
            said[line.text] -= 1
        else:
            fresh.append(line)
    return fresh


def _edit(connection: WriteConnection, owner: str, rows: dict[str, MemoryRow], old: _Line, new: _Line) -> None:
    row = rows.get(old.memory)
    if row is None:
        raise _stale()
    row = _as_read(row, old)
    edit_memory(connection, owner, row.id, Edit(version=row.version, text=new.text, kind=new.kind))


def _as_read(row: MemoryRow, line: _Line) -> MemoryRow:
    """The memory of a line, which still says what the line said. Raises: `StaleVersionError`."""
    if squeeze(row.text) != line.text:
        raise _stale()
    return row


def _most_alike(line: _Line, others: list[_Line], words: dict[str, frozenset[str]]) -> _Line | None:
    """Of those that share most words with it: to compare all of a long page takes minutes."""
    own, said = _compared_words(line.text), line.text[:_COMPARED_CHARS]
    near = nlargest(_CANDIDATES, range(len(others)), key=lambda at: (len(own & words[others[at].text]), -at))
    shares = [(SequenceMatcher(None, said, others[at].text[:_COMPARED_CHARS]).ratio(), -at) for at in near]
    share, place = max(shares, default=(0.0, 0))
    return others[-place] if share >= _ALIKE else None


def _compared_words(text: str) -> frozenset[str]:
    return frozenset(text[:_COMPARED_CHARS].casefold().split())


def _stale() -> StaleVersionError:
    return StaleVersionError(
        "What is known was changed somewhere else meanwhile. Nothing was overwritten; look at the page as it is now."
    )
