"""What an owner's memories and summaries are to recall, kept as long as it is what the database has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sized
from threading import Lock
from typing import Generic, TypeVar

from msgspec import Struct

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.remembered import Known
from quarterdeck.memory.sections import Sections
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.recall_candidates import KnownEntries
from quarterdeck.store.recall_find import list_memory_keys
from quarterdeck.store.recall_marks import read_marks
from quarterdeck.store.recall_sections import list_sections

T = TypeVar("T", bound=Sized)

_MOST = 20_000  # texts of each kind, of all owners together; who has not asked for the longest time is read again
_ENTRIES_KEPT_MS = 600_000
"""A process of an older version, while it is replaced, may write an entry anew under the same id."""


class Kept(Generic[T]):
    """Several threads may ask. The length of what is kept is the number of its texts."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, T]] = OrderedDict()
        self._lock = Lock()

    def get(self, owner: str, mark: str, read: Callable[[], T]) -> T:
        """What was read under this mark. The mark and what `read` reads are of one state of the database."""
        with self._lock:
            known = self._kept.get(owner)
            if known is not None and known[0] == mark:
                self._kept.move_to_end(owner)
                return known[1]
        made = read()
        with self._lock:
            self._kept[owner] = mark, made
            self._kept.move_to_end(owner)
            while len(self._kept) > 1 and sum(len(one) for _, one in self._kept.values()) > _MOST:
                self._kept.popitem(last=False)
        return made


class Keys(Struct, frozen=True):
    """What leads to messages beside their own words."""

    known: Known
    sections: Sections
    entries: KnownEntries


class Keeper:
    """One per process."""

    def __init__(self) -> None:
        self._known: Kept[Known] = Kept()
        self._sections: Kept[Sections] = Kept()
        self._entries: Kept[KnownEntries] = Kept()

    def read(
        self, connection: AnyConnection, owner: str, not_messages: frozenset[str], *, has_waiting: bool = False
    ) -> Keys | None:
        """None: but for `not_messages` there is nothing that could be found. `has_waiting`: beside what the database
        has there is something that waits for the search index."""
        now = now_ms()
        marks = read_marks(connection, owner, now)
        has_others = marks.first_messages is None or not marks.first_messages <= not_messages
        if not (marks.memories or has_others or has_waiting):
            return None
        known = self._known.get(owner, marks.memories, lambda: _read_known(connection, owner, now, marks.memories))
        sections = self._sections.get(
            owner, marks.sections, lambda: Sections(list_sections(connection, owner) if marks.sections else [])
        )
        entries = self._entries.get(owner, str(now // _ENTRIES_KEPT_MS), KnownEntries)
        return Keys(known, sections, entries)


def _read_known(connection: AnyConnection, owner: str, now: int, mark: str) -> Known:
    return Known(list_memory_keys(connection, owner, now) if mark else [])
