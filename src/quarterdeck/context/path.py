"""Reads a path for the context: the newest messages, then the summaries of what is above them.

From the request upwards until there is a summary that ends where one stands; from there from summary to summary. So the
work is that of what is sent, however long the conversation is.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from msgspec import Struct

from quarterdeck.context.kept import KEEPER, KeptRow
from quarterdeck.domain.tokens import estimate_parts
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.paths import PathRow, path_row, read_stored_upwards
from quarterdeck.store.summaries import SummaryRow, find_ending_at

_FIRST_PAGE = 16
_PAGE = 48
_MOST_PAGE = 200
_MOST_SUMMARIES = 200
_MOST_KNOWN = 10_000
LINE_TOKENS = 26  # of the line with the time that a message of the user begins with


_lengths: dict[str, int] = {}  # how many messages were read of a conversation the last time


class Read(Struct, frozen=True):
    """`rows` newest first, with those that are not sent, and what each costs; `summaries` newest first.

    `above` is the message where reading stopped with more to come, None when all is covered.
    """

    rows: list[PathRow]
    costs: list[int]
    summaries: list[SummaryRow]
    stale: int
    above: str | None


def read_path_within(
    connection: AnyConnection, conversation: str, request: str, budget: int, *, has_summaries: bool = True
) -> Read:
    """As many messages as `budget` (estimated tokens) takes; the request itself always.

    `has_summaries`: False where the conversation is known to have none.
    """
    kept = KEEPER.find(conversation)
    stored = _Stored(kept.rows)
    read = _read_within(connection, (conversation, request), budget, stored, has_summaries=has_summaries)
    _lengths[conversation] = len(stored.read)
    KEEPER.keep(conversation, kept, stored.read)
    return read


class _Stored:
    """Rows as the database has them become what they are, which of most is known. `read`: all that did, by id."""

    def __init__(self, known: Mapping[str, KeptRow]) -> None:
        self._known = known
        self.read: dict[str, KeptRow] = {}

    def understand(self, stored: Any) -> KeptRow:
        known = self._known.get(stored[0])
        if known is not None and known.stored == stored:
            return known
        row = path_row(stored)
        return KeptRow(stored, row, cost_of(row) if row.is_sent else 0)


def _read_within(
    connection: AnyConnection, of: tuple[str, str], budget: int, stored: _Stored, *, has_summaries: bool
) -> Read:
    """`of`: the conversation and the request."""
    conversation, request = of
    rows: list[PathRow] = []
    costs: list[int] = []
    cursor: str | None = request
    while cursor is not None:
        page = read_stored_upwards(connection, conversation, cursor, _PAGE if rows else _first_page(conversation))
        answered = [row[0] for row in page if row[0] != request] if has_summaries else []
        endings = find_ending_at(connection, conversation, answered)
        for raw in page:
            identifier = raw[0]
            if (ends := endings.get(identifier)) and (summary := pick(ends)) is not None:
                return _follow_summaries(connection, conversation, (rows, costs), summary)
            one = stored.understand(raw)
            budget -= one.cost
            if budget < 0 and rows:
                return Read(rows, costs, [], 0, identifier)
            stored.read[identifier] = one
            rows.append(one.row)
            costs.append(one.cost)
        cursor = rows[-1].parent_id if page else None
    return Read(rows, costs, [], 0, None)


def _first_page(conversation: str) -> int:
    """What was needed the last time and a little more: one question to the database instead of several."""
    if len(_lengths) > _MOST_KNOWN:
        _lengths.clear()
    return min(max(_lengths.get(conversation, 0) + 4, _FIRST_PAGE), _MOST_PAGE)


def cost_of(row: PathRow) -> int:
    return estimate_parts(row.parts) + (LINE_TOKENS if row.role == "user" else 0)


def pick(ends: list[SummaryRow]) -> SummaryRow | None:
    """The one that covers the most, of those that are not stale."""
    return next((summary for summary in ends if summary.stale_at is None), None)


def cut(rows: list[PathRow], costs: list[int], budget: int, *, is_whole: bool) -> list[PathRow]:
    """Of `rows` (newest first) those that fit, from a question on; all of them when they do and `is_whole`.

    Where it must cut it cuts at one of the questions in the older half of what fits: always the same one, by a hash of
    its id, as long as that fits. The beginning of what is sent stays where it is for many turns, and in the cache.
    """
    if not rows:
        return rows
    sums = list(accumulate(costs))
    fitting = sum(total <= budget for total in sums) or 1
    if fitting == len(rows) and is_whole:
        return rows

    def is_place(index: int) -> bool:
        return rows[index].role == "user" and rows[index].is_sent

    older_half = [index for index in range(fitting) if is_place(index) and sums[index] >= budget / 2]
    if older_half:
        place = max(older_half, key=lambda index: zlib.crc32(rows[index].id.encode()))
    else:
        place = max((index for index in range(fitting) if is_place(index)), default=0)
    return rows[: place + 1]


def _follow_summaries(
    connection: AnyConnection, conversation: str, newer: tuple[list[PathRow], list[int]], newest: SummaryRow
) -> Read:
    found = [newest]
    stale = 0
    cursor = newest.before_id
    while cursor is not None and len(found) < _MOST_SUMMARIES:
        ends = find_ending_at(connection, conversation, [cursor]).get(cursor, [])
        if not ends:
            return Read(*newer, found, stale, cursor)
        summary = pick(ends)
        if summary is None:
            stale += 1
            cursor = ends[-1].before_id  # the smallest: others may cover what is above it
        else:
            found.append(summary)
            cursor = summary.before_id
    return Read(*newer, found, stale, cursor)
