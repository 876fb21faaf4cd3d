"""What the last request of a conversation was made of, kept for the next one, which nearly always begins with the same.

Nothing of it is taken on trust. A message is what was kept while its row in the database is the same in every column
that is read; what was written of messages is used while these, and all that was written before them, are the same.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Any

from msgspec import Struct

from quarterdeck.context.prompt import Prompt
from quarterdeck.context.rendering import AnswerFormat, Before
from quarterdeck.store.paths import PARTS, PathRow

LEAST_ROWS = 8  # of fewer nothing is kept: most conversations are that short
MOST_BYTES = 32_000_000  # of all conversations together, estimated; the one that was asked in longest ago goes
KEEP_S = 900.0  # after what was asked last; what was deleted or is private stays in memory no longer either
_LOOK_S = 60.0
_ROW_BYTES = 2_000  # of a message beside its text
_TEXTS = 4  # how often the text of a message is there: as stored, decoded, as sent, for the digest


class KeptRow(Struct, frozen=True):
    """`stored`: the row as the database gave it; `cost`: its tokens as estimated."""

    stored: Any
    row: PathRow
    cost: int

    @property
    def size(self) -> int:
        return _ROW_BYTES + _TEXTS * len(self.stored[PARTS])


class Manner(Struct, frozen=True):
    """How messages are written."""

    answer_format: AnswerFormat
    zone: str
    with_calls: bool


class Written(Struct, frozen=True):
    """`prompt` is `prior` and then what `rows` (the oldest first) say; `above`: what stands above the next message."""

    manner: Manner
    prior: Prompt
    rows: list[PathRow]
    prompt: Prompt
    above: Before | None

    def fits(self, manner: Manner, prior: Prompt, rows: list[PathRow]) -> bool:
        """Whether a request that has `rows` (the oldest first) behind `prior` begins so; its question comes behind."""
        older = self.rows
        begins_so = len(older) < len(rows) and rows[: len(older)] == older
        return begins_so and manner == self.manner and prior.says_the_same(self.prior)


class Kept:
    """Of one conversation. Several threads may read it at a time: what stands here is replaced, never changed."""

    __slots__ = ("asked_at", "rows", "size", "written")

    def __init__(self) -> None:
        self.asked_at = monotonic()
        self.rows: Mapping[str, KeptRow] = {}
        self.written: Written | None = None
        self.size = 0  # bytes


class Keeper:
    """One per process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()
        self.size = 0  # bytes, estimated

    def find(self, conversation: str) -> Kept:
        """What there is; else an empty one, which stays when it is given rows."""
        with self._lock:
            known = self._kept.get(conversation)
            if known is None:
                return Kept()
            self._kept.move_to_end(conversation)
            known.asked_at = monotonic()
            return known

    def keep(self, conversation: str, kept: Kept, rows: Mapping[str, KeptRow]) -> None:
        """`rows`, by id, are all that was read now."""
        if len(rows) < LEAST_ROWS:
            return
        size = sum(known.size for known in rows.values())
        with self._lock:
            self._drop(conversation)
            kept.rows, kept.size, kept.asked_at = rows, size, monotonic()
            self._kept[conversation] = kept
            self.size += size
            while self.size > MOST_BYTES and self._kept:
                self._drop(next(iter(self._kept)))

    async def watch(self) -> None:
        """Runs as long as the server does: what nobody goes on with is dropped."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self.drop_idle()

    def drop_idle(self) -> None:
        with self._lock:
            until = monotonic() - KEEP_S
            while self._kept and next(iter(self._kept.values())).asked_at <= until:  # the longest ago stands first
                self._drop(next(iter(self._kept)))

    def _drop(self, conversation: str) -> None:
        if (known := self._kept.pop(conversation, None)) is not None:
            self.size -= known.size


KEEPER = Keeper()
