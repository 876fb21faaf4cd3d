"""One import from its first byte to its report: some messages in each transaction, which also says how far it is.

Killed at any moment, it goes on behind the last transaction; imported again, everything is known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import InputError, TooLargeError
from quarterdeck.exchange.arranging import Arranged, arrange
from quarterdeck.exchange.belongings import write_belonging
from quarterdeck.exchange.draft import DraftConversation
from quarterdeck.exchange.drafts import Found, read_drafts
from quarterdeck.exchange.files import fill_in
from quarterdeck.exchange.opened import Opened
from quarterdeck.exchange.recognising import Plan, recognise
from quarterdeck.exchange.writing import Piece, Written, title_of, weight_of, write_piece
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.imports import (
    Counts,
    Cursor,
    ImportRow,
    Note,
    add_notes,
    advance_import,
    begin_import,
    end_import,
    find_import,
    set_format,
)
from quarterdeck.store.search import words_of

logger = get_logger("quarterdeck.exchange")

_CHUNK_MESSAGES = 200
_CHUNK_BYTES = 2 << 20
_TEXT_CHARS = 1_000  # of a note

Progress = Callable[[ImportRow], None]


class StoppedError(Exception):
    """Somebody has stopped it, or it is gone."""


class _Work(Struct):
    """What one transaction writes. `next`: where to go on once it is committed."""

    pieces: list[Piece]
    belongings: list[dict[str, Any]]
    notes: list[Note]
    next: Cursor
    done_bytes: int


async def run_import(
    database: Database, identifier: str, path: Path, *, pause: float = 0.0, progress: Progress = lambda _: None
) -> None:
    """Until it is complete, failed or stopped; its row says which. `pause`: for others, as a part of what it took.

    Raises: `StorageError`: then it may be run again.
    """
    row = await database.write(lambda connection: begin_import(connection, identifier))
    if row is None:
        return
    try:
        problem = await _Import(database, row, pause, progress).run(path)
        status, sentence = ("failed", problem) if problem else ("complete", "")
    except StoppedError:
        return
    except (InputError, TooLargeError) as error:
        status, sentence = "failed", error.message
    except OSError as error:
        logger.warning("import_failed", import_id=identifier, reason=repr(error))
        status, sentence = "failed", "The uploaded file is not there any more. Import it again: what is here is known."
    await database.write(lambda connection: end_import(connection, identifier, status, sentence))
    ended = await database.read(lambda connection: find_import(connection, row.owner_id, identifier))
    if ended is not None:
        progress(ended)


class _Import:
    def __init__(self, database: Database, row: ImportRow, pause: float, progress: Progress) -> None:
        self._database, self._row, self._pause, self._progress = database, row, pause, progress

    async def run(self, path: Path) -> str:
        """The sentence of what could not be read, empty when all could be. Raises: `InputError`, `StoppedError`."""
        opened = await asyncio.to_thread(Opened, path, self._row.name)
        with opened:
            plan = await asyncio.to_thread(recognise, opened)
            await self._begin(plan)
            batches = _gather(opened, plan, self._row.cursor)
            problem = await self._write_all(batches)
        total = self._row.counts
        if not problem and not (total.conversations or total.known_conversations or total.skipped):
            return "" if plan.format == "quarterdeck" else "There are no conversations in this file."
        return problem

    async def _write_all(self, batches: Iterator[tuple[_Work, str]]) -> str:
        """While one batch is written, the next one is read: always by the same thread.

        Several would each keep the memory of the largest batch that they have ever read.
        """
        problem = ""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as reader:
            reading = loop.run_in_executor(reader, next, batches, None)
            try:
                while (batch := await reading) is not None:
                    reading = loop.run_in_executor(reader, next, batches, None)
                    work, said = batch
                    problem = problem or said
                    await self._write(work)
            finally:  # whoever reads must not be left with a file that is closed
                await asyncio.gather(reading, return_exceptions=True)
        return problem

    async def _begin(self, plan: Plan) -> None:
        total = sum(member.size for member in plan.members)
        is_first = self._row.cursor == Cursor() and not self._row.counts.skipped
        notes = [Note("skipped", member.name, reason) for member, reason in plan.others] if is_first else []

        def write(connection: WriteConnection) -> Counts:
            set_format(connection, self._row.id, plan.format, total)
            return self._advance(connection, Counts(), notes, self._row.cursor, self._row.done_bytes)

        counts = await self._database.write(write)
        self._row = msgspec.structs.replace(self._row, format=plan.format, total_bytes=total, counts=counts)

    async def _write(self, work: _Work) -> None:
        begun = time.monotonic()

        def write(connection: WriteConnection) -> Counts:
            notes = list(work.notes)
            for value in work.belongings:  # conversations name them
                notes += write_belonging(connection, self._row.owner_id, value)
            written = [write_piece(connection, self._row.owner_id, piece) for piece in work.pieces]
            notes += [note for one in written for note in one.notes]
            return self._advance(connection, _sum(written), notes, work.next, work.done_bytes)

        counts = await self._database.write(write)
        self._row = msgspec.structs.replace(self._row, counts=counts, cursor=work.next, done_bytes=work.done_bytes)
        self._progress(self._row)
        await asyncio.sleep((time.monotonic() - begun) * self._pause)

    def _advance(
        self, connection: WriteConnection, added: Counts, notes: list[Note], cursor: Cursor, done_bytes: int
    ) -> Counts:
        """Raises: `StoppedError`, which undoes the transaction."""
        before = self._row.counts
        skipped = sum(note.kind == "skipped" for note in notes)
        counts = before.plus(added).plus(Counts(skipped=skipped, changed=len(notes) - skipped))
        cut = [Note(note.kind, note.item[:_TEXT_CHARS], note.reason[:_TEXT_CHARS]) for note in notes]
        add_notes(connection, self._row, before.skipped + before.changed, cut)
        if not advance_import(connection, self._row, cursor=cursor, counts=counts, done_bytes=done_bytes):
            raise StoppedError
        return counts


def _gather(opened: Opened, plan: Plan, start: Cursor) -> Iterator[tuple[_Work, str]]:
    """Batches of about `_CHUNK_MESSAGES` messages; with each the sentence of what could not be read. In a thread."""
    gathering = _Gathering(opened, start)
    problem = ""
    for found in read_drafts(opened, plan, start):
        problem = problem or found.problem
        for work in gathering.add(found):
            yield work, problem
    if (last := gathering.take()) is not None:
        yield last, problem


class _Gathering:
    def __init__(self, opened: Opened, start: Cursor) -> None:
        self._opened, self._start = opened, start
        self._work = self._begin(start, 0)
        self._messages = self._bytes = 0

    def add(self, found: Found) -> Iterator[_Work]:
        work, at = self._work, found.cursor
        work.notes += found.notes
        if found.belonging is not None:
            work.belongings.append(found.belonging)
        if found.draft is not None:
            yield from self._add_draft(found.draft, found)
        after = at.element + 1 if found.next_element is None else found.next_element
        self._work.next, self._work.done_bytes = Cursor(at.member, after), found.done_bytes
        if self._messages >= _CHUNK_MESSAGES or self._bytes >= _CHUNK_BYTES or len(self._work.notes) >= _CHUNK_MESSAGES:
            yield from self._flush()

    def take(self) -> _Work | None:
        work = self._work
        return work if work.pieces or work.belongings or work.notes else None

    def _add_draft(self, draft: DraftConversation, found: Found) -> Iterator[_Work]:
        arranged = arrange(draft)
        title = draft.title = title_of(draft)
        if not arranged.messages:
            draft.skip("", "There are no messages in it.")
            self._work.notes += draft.notes
            return
        at = found.cursor
        is_resumed = (at.member, at.element) == (self._start.member, self._start.element)
        start = self._start.message if is_resumed else 0
        notes = [] if start else draft.notes
        begun = self._work.done_bytes
        while start < len(arranged.messages):
            piece = self._cut(draft, arranged, start, notes, title)
            self._work.pieces.append(piece)
            start, notes = start + len(piece.parts), []
            if start < len(arranged.messages):
                part = (found.done_bytes - begun) * start // len(arranged.messages)
                self._work.next, self._work.done_bytes = Cursor(at.member, at.element, start), begun + part
                yield from self._flush()

    def _cut(self, draft: DraftConversation, arranged: Arranged, start: int, notes: list[Note], title: str) -> Piece:
        """As many of the messages as there is room for, one at least."""
        parts, words, notes = [], [], list(notes)
        for message in arranged.messages[start:]:
            filled, said = fill_in(self._opened, message, title)
            message.parts = []  # what is written is not kept twice
            parts.append(filled)
            words.append(words_of(filled))
            notes += said
            self._messages += 1
            self._bytes += weight_of(filled)
            if self._messages >= _CHUNK_MESSAGES or self._bytes >= _CHUNK_BYTES:
                break
        return Piece(draft, arranged, start, parts, words, notes)

    def _flush(self) -> Iterator[_Work]:
        done = self._work
        self._work = self._begin(done.next, done.done_bytes)
        self._messages = self._bytes = 0
        yield done

    def _begin(self, at: Cursor, done_bytes: int) -> _Work:
        return _Work([], [], [], at, done_bytes)


def _sum(written: list[Written]) -> Counts:
    total = Counts()
    for one in written:
        total = total.plus(one.counts)
    return total
