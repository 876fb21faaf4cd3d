"""Messages that the user has pinned: sent wherever they stand above, as long as there is room for them.

Whether one is above another never changes, so what was found out once is remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.paths import PathRow, list_pinned, read_links
from quarterdeck.store.summaries import SummaryRow, find_covering

MOST_PINS = 50
_PAGE = 5_000
_MOST_KNOWN = 10_000


class _Memory:
    """Answers by (pin, message): is it above that message?"""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._lock = Lock()

    def get(self, pin: str, below: str) -> bool | None:
        with self._lock:
            return self._known.get((pin, below))

    def put(self, pin: str, below: str, answer: bool) -> None:
        with self._lock:
            self._known[(pin, below)] = answer
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)


_memory = _Memory()


def find_pins(
    connection: AnyConnection, conversation: str, kept: list[PathRow], covering: list[SummaryRow]
) -> list[PathRow]:
    """Those above `kept` (newest first), the newest first; what `covering` summarises is certainly there."""
    pins = list_pinned(connection, conversation, MOST_PINS)
    if not pins or not kept:
        return []
    inside = {row.id for row in kept}
    outside = [pin for pin in pins if pin.id not in inside]
    oldest = kept[-1]
    if not outside or oldest.parent_id is None:
        return []
    summarised = _covered(connection, [pin.id for pin in outside], {summary.id for summary in covering})
    return [
        pin for pin in outside if pin.id in summarised or _is_above(connection, conversation, pin.id, oldest.parent_id)
    ]


def _covered(connection: AnyConnection, pins: list[str], summaries: set[str]) -> set[str]:
    """Those that `summaries` were made of, directly or through others."""
    if not summaries:
        return set()
    origins = {pin: {pin} for pin in pins}  # what was reached, and from which pins
    covered: set[str] = set()
    while origins:
        reached: dict[str, set[str]] = {}
        for source, made in find_covering(connection, list(origins)).items():
            for summary in made:
                reached.setdefault(summary, set()).update(origins[source])
        for summary in summaries & reached.keys():
            covered |= reached[summary]
        origins = reached
    return covered


def _is_above(connection: AnyConnection, conversation: str, pin: str, below: str) -> bool:
    known = _memory.get(pin, below)
    if known is None:
        known = _look_above(connection, conversation, pin, below)
        _memory.put(pin, below, known)
    return known


def _look_above(connection: AnyConnection, conversation: str, pin: str, below: str) -> bool:
    cursor: str | None = below
    while cursor is not None:
        links = read_links(connection, conversation, cursor, _PAGE)
        if any(message == pin for message, _ in links):
            return True
        cursor = links[-1][1] if links else None
    return False
