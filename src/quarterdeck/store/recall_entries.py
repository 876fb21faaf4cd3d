"""An owner's entries in the search index as recall counts them, and which stand beside which.

Of somebody who has said little, all entries are read at once, as numbers: that takes less than looking beside each, and
says how many there are. Of others only what is beside the ones in question is read, and they are counted now and then.
Nothing is read before it is asked for: many questions have no word that is looked for.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cached_property

import msgspec

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.statements import Statement, among

_MANY = 500  # entries: of fewer, all are read
_MOST_COUNTED = 50_000
_REMEMBERED_S = 3_600.0
_REMEMBERED_EACH_S = 0.9  # of those that were counted: half as many again change what a word says
_MOST_REMEMBERED = 10_000  # owners
_AROUND = 2  # before and after each

_FIRST = Statement(
    "SELECT json_group_array(id) FROM (SELECT id FROM search_entries WHERE owner_id = :owner ORDER BY id LIMIT :most)",
    "SELECT array_agg(id) FROM (SELECT id FROM search_entries WHERE owner_id = :owner ORDER BY id LIMIT :most) AS own",
)
_COUNT = Statement("SELECT count(*) FROM (SELECT 1 FROM search_entries WHERE owner_id = :owner LIMIT :most) AS counted")
_BEFORE = (
    "SELECT b.id FROM search_entries AS b WHERE b.owner_id = :owner AND b.id < given.value "
    "ORDER BY b.id DESC LIMIT 1 OFFSET {}"
)
_AFTER = _BEFORE.replace("<", ">").replace("DESC", "ASC")
_BESIDE = among(
    "SELECT "  # nosec B608  # noqa: S608
    + ", ".join(f"({one.format(steps)})" for one in (_BEFORE, _AFTER) for steps in range(_AROUND))
    + " FROM {entries} AS given",
    "bigint",
)

_counts: dict[str, tuple[int, float]] = {}  # of each owner with many: how many, and when (`time.monotonic`)


class Entries:
    """Of one owner, in one state of the database."""

    def __init__(self, connection: AnyConnection, owner: str) -> None:
        self._connection = connection
        self._owner = owner
        self._all: Sequence[int] | None = None

    @cached_property
    def count(self) -> int:
        """Up to a bound; of many, as it was some minutes ago, an hour at most.

        How rare a word is does not change by some messages more, and counting many takes longer than all else here.
        """
        return self._remembered() or self._read()

    def with_neighbours(self, entries: Collection[int]) -> list[int]:
        """These, which are the owner's, and the two before and after each; in their order."""
        if self.count and self._all is None:
            rows = _BESIDE.rows(self._connection, {"owner": self._owner, "entries": list(entries)})
            return sorted({*entries, *(one for row in rows for one in row if one is not None)})
        own, found = self._all or (), set[int]()
        for entry in entries:
            at = bisect_left(own, entry)
            found.update(own[max(at - _AROUND, 0) : at + _AROUND + 1])
        return sorted(found)

    def _remembered(self) -> int:
        """0: they are to be read, or counted."""
        counted, at = _counts.get(self._owner, (0, 0.0))
        return counted if time.monotonic() - at < min(counted * _REMEMBERED_EACH_S, _REMEMBERED_S) else 0

    def _read(self) -> int:
        ((first,),) = _FIRST.rows(self._connection, {"owner": self._owner, "most": _MANY})
        own: list[int] = msgspec.json.decode(first) if isinstance(first, str) else first or []
        if len(own) < _MANY:
            self._all = own
            return len(own)
        ((count,),) = _COUNT.rows(self._connection, {"owner": self._owner, "most": _MOST_COUNTED})
        if len(_counts) >= _MOST_REMEMBERED:
            _counts.clear()
        _counts[self._owner] = count, time.monotonic()
        return int(count)
