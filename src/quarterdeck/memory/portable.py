"""Memories in and out as JSON Lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.taint import taint_of_imported, taint_to_export
from quarterdeck.errors import InputError, QuarterdeckError
from quarterdeck.memory.changing import Statement, change_memory, check_span, checked_kind, checked_text, make_memory
from quarterdeck.memory.merging import find_standing, is_over, says_what_was_forgotten, since_when
from quarterdeck.memory.wording import fingerprint, squeeze
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.memories import MemoryFilter, MemoryRow, find_comparable, find_memory, list_memories
from quarterdeck.store.memory_history import list_tombstones
from quarterdeck.store.memory_sources import MemorySource, SourceRow, add_sources, find_versions, list_sources

MOST_LINES = 25_000
"""Of one import over HTTP; `quarterdeck memory import` takes any number."""

_AT_ONCE = 250
_MAX_SOURCES = 100
_NO_MEMORY = "This line is no JSON object with a text."
_FORGOTTEN = "You have forgotten this memory. Write it anew if it is to come back."
_STALE = "The message that this memory came from said something else in the end. Write it anew if it is true."

Time = int | str | None
"""Milliseconds since 1970, or ISO 8601 (UTC where it says nothing else)."""


class GivenSource(Struct, frozen=True):
    message: str
    quote: str = ""


class GivenMemory(Struct, frozen=True, kw_only=True):
    """A line of an import. `id` is its name in that file; `superseded_by` names another one there."""

    text: str
    kind: str = "fact"
    id: str = ""
    confidence: float = 1.0
    said_at: Time = None
    valid_from: Time = None
    valid_to: Time = None
    pinned: bool = False
    state: str = "current"
    superseded_by: str | None = None
    taint: str = ""
    sources: list[GivenSource] = []


class Skipped(Struct, frozen=True):
    """Line `line`, counted from 1, is not taken over."""

    line: int
    reason: str


class Imported(Struct, frozen=True):
    """`known`: were there already, and got what sources they did not have."""

    imported: int
    known: int
    skipped: list[Skipped]


_decoder = msgspec.json.Decoder(GivenMemory)


def read_lines(body: bytes, most: int | None = MOST_LINES) -> tuple[list[tuple[int, GivenMemory]], list[Skipped]]:
    """The lines that are memories, with their numbers, and what is wrong with the others. Raises: `InputError`."""
    given: list[tuple[int, GivenMemory]] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        if most is not None and len(given) + len(skipped) >= most:
            raise InputError(f"At most {most:,} memories can be imported at a time. Send them in pieces.")
        try:
            memory = _decoder.decode(line)
            _check(memory)
            given.append((number, memory))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            skipped.append(Skipped(number, _what_is_wrong(error)))
        except QuarterdeckError as error:
            skipped.append(Skipped(number, error.message))
    if skipped and not given and all(skip.reason == _NO_MEMORY for skip in skipped):
        raise InputError("Nothing was imported: no line of this file is a JSON object with a text.")
    return given, skipped


def _what_is_wrong(error: Exception) -> str:
    field = str(error).rpartition(" - at `$.")[2].removesuffix("`")
    if isinstance(error, msgspec.ValidationError) and field.isidentifier() and field != "text":
        return f"What this line has in `{field}` is not of the kind that belongs there."
    return _NO_MEMORY


async def export_memories(database: Database, owner: str) -> AsyncIterator[bytes]:
    """All of them as lines, page by page, the newest first."""
    after = ""
    while True:
        page, after = await database.read(partial(_export_some, owner=owner, after=after))
        if page:
            yield page
        if not after:
            return


def _export_some(connection: ReadConnection, *, owner: str, after: str) -> tuple[bytes, str]:
    """Some lines, and the last memory of them (empty: that was all)."""
    rows = list_memories(connection, MemoryFilter(owner=owner, state="all"), after=after, limit=_AT_ONCE)
    sources = list_sources(connection, [row.id for row in rows])
    lines = [msgspec.json.encode(_exported(row, sources.get(row.id, []))) + b"\n" for row in rows]
    return b"".join(lines), rows[-1].id if len(rows) == _AT_ONCE else ""


def _exported(row: MemoryRow, sources: list[SourceRow]) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "text": row.text,
        "origin": row.origin,
        "confidence": row.confidence,
        "said_at": row.said_at,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "pinned": row.pinned_at is not None,
        "state": row.state(now_ms()),
        "superseded_by": row.superseded_by,
        "taint": taint_to_export(row.taint, is_imported=row.origin == "import"),
        "sources": [{"message": source.message_id, "quote": source.quote} for source in sources if not source.is_gone],
    }


async def import_memories(
    database: Database,
    owner: str,
    given: Iterable[tuple[int, GivenMemory]],
    *,
    tell: Callable[[int, int], None] = lambda done, total: None,
    pause: float = 0.0,
) -> Imported:
    """Each is made, unless it is there or was forgotten. Sources that are not the owner's messages are left out.

    A transaction takes some lines, so that what others write comes between; where another process writes, too, `pause`
    leaves it so many times as long as one took. What was taken over when it breaks off is known the next time.
    """
    lines = _superseders_first(list(given))
    rows: dict[str, MemoryRow] = {}
    skipped: list[Skipped] = []
    fresh = 0
    for start in range(0, len(lines), _AT_ONCE):
        some = lines[start : start + _AT_ONCE]
        begun = time.monotonic()
        step = await database.write(partial(_import_some, owner=owner, lines=some, earlier=rows))
        rows |= step.rows
        skipped += step.skipped
        fresh += step.fresh
        tell(start + len(some), len(lines))
        await asyncio.sleep((time.monotonic() - begun) * pause)
    return Imported(fresh, len(lines) - fresh - len(skipped), skipped)


class _Step(Struct, frozen=True):
    """`rows`: by their names in the file."""

    rows: dict[str, MemoryRow]
    fresh: int
    skipped: list[Skipped]


def _import_some(
    connection: WriteConnection, *, owner: str, lines: list[tuple[int, GivenMemory]], earlier: dict[str, MemoryRow]
) -> _Step:
    named = [source.message for _, memory in lines for source in memory.sources]
    versions = find_versions(connection, owner, list(dict.fromkeys(named)))
    known = find_comparable(connection, owner, [fingerprint(squeeze(memory.text)) for _, memory in lines])
    tombstones = list_tombstones(connection, owner)
    step = _Step({}, 0, [])
    fresh = 0
    for number, memory in lines:
        sign = fingerprint(squeeze(memory.text))
        sources = [
            MemorySource(source.message, versions[source.message], source.quote)
            for source in memory.sources
            if source.message in versions
        ]
        statement = _statement(memory, sources)
        if (row := _find_known(connection, known.get(sign, []), memory, statement)) is not None:
            add_sources(connection, owner, row.id, sources)
        elif memory.state == "stale":
            step.skipped.append(Skipped(number, _STALE))
            continue
        elif any(says_what_was_forgotten(squeeze(memory.text), tombstone) for tombstone in tombstones):
            step.skipped.append(Skipped(number, _FORGOTTEN))
            continue
        else:
            row = make_memory(connection, owner, statement)
            known.setdefault(sign, []).append(row)
            fresh += 1
        step.rows[_name(number, memory)] = row
    _close(connection, lines, step.rows, earlier)
    return _Step(step.rows, fresh, step.skipped)


def _find_known(
    connection: WriteConnection, rows: list[MemoryRow], memory: GivenMemory, statement: Statement
) -> MemoryRow | None:
    """Of those with its words the one that says what the line says: that it holds, or that it did once.

    What is over here says nothing of a time after that: such a line is true anew.
    """
    now = now_ms()
    has_ended = statement.valid_to is not None and statement.valid_to <= now
    is_over_there = has_ended or memory.state in ("superseded", "stale")
    rows = [row for row in rows if is_over_there or not is_over(row, since_when(statement))]
    row = min(rows, key=lambda row: (row.state(now) == "current") is is_over_there, default=None)
    if row is None or is_over_there:
        return row
    return find_standing(row, lambda memory: find_memory(connection, row.owner_id, memory))


def _name(number: int, memory: GivenMemory) -> str:
    return memory.id or f"line {number}"


def _superseders_first(lines: list[tuple[int, GivenMemory]]) -> list[tuple[int, GivenMemory]]:
    """What closed another one is there before it, so that no step leaves what was superseded as if it held."""
    by = {_name(number, memory): memory.superseded_by or "" for number, memory in lines}
    depths: dict[str, int] = {"": -1}

    def depth_of(name: str) -> int:
        way: list[str] = []
        while name in by and name not in depths:
            depths[name] = 0  # where a file goes round in a circle
            way.append(name)
            name = by[name]
        depth = depths.get(name, -1)
        for one in reversed(way):
            depth = depths[one] = depth + 1
        return depth

    return sorted(lines, key=lambda line: depth_of(_name(*line)))


def read_time(given: Time) -> int | None:
    """Raises: `InputError`."""
    if given is None or isinstance(given, int):
        if given is not None and abs(given) > 1 << 50:
            raise InputError("This time is too far away.")
        return given
    try:
        at = datetime.fromisoformat(given)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise InputError("A time is written in milliseconds since 1970 or as 2026-11-28T09:00:00Z.") from None


def _check(memory: GivenMemory) -> None:
    checked_text(memory.text)
    checked_kind(memory.kind)
    read_time(memory.said_at)
    check_span(read_time(memory.valid_from), read_time(memory.valid_to))
    if len(memory.sources) > _MAX_SOURCES:
        raise InputError(f"A memory has at most {_MAX_SOURCES} sources.")


def _statement(memory: GivenMemory, sources: list[MemorySource]) -> Statement:
    return Statement(
        text=memory.text, kind=memory.kind, origin="import", confidence=min(1.0, max(0.0, memory.confidence)),
        taint=taint_of_imported([], memory.taint),
        said_at=read_time(memory.said_at), valid_from=read_time(memory.valid_from),
        valid_to=read_time(memory.valid_to), is_pinned=memory.pinned, sources=tuple(sources),
    )  # fmt: skip


def _close(
    connection: WriteConnection,
    lines: list[tuple[int, GivenMemory]],
    rows: dict[str, MemoryRow],
    earlier: dict[str, MemoryRow],
) -> None:
    """What was superseded where it comes from is so here."""
    for number, memory in lines:
        row = rows.get(_name(number, memory))
        if row is None or row.version != 1 or row.superseded_at is not None or memory.state != "superseded":
            continue
        name = memory.superseded_by or ""
        by = rows.get(name) or earlier.get(name)
        values: dict[str, Any] = {
            "superseded_at": row.updated_at,
            "superseded_by": None if by is None else by.id,
            "valid_to": row.valid_to if row.valid_to is not None else row.updated_at,
        }
        change_memory(connection, row, values, "superseded", "user")
