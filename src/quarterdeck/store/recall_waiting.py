"""What was said a moment ago and has no entry in the search index yet, as recall looks through it: so that it is found
without being written first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quarterdeck.domain.parts import TextPart
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.recall_candidates import IS_FOUND, CandidateRow, candidate_of, in_order
from quarterdeck.store.search import NewEntry, made_entries
from quarterdeck.store.statements import among

_IS_AS_IT_WAS = among(
    "SELECT m.id FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "  # nosec B608  # noqa: S608
    f"WHERE m.id IN {{messages}} AND m.owner_id = :owner AND m.version = 1 AND {IS_FOUND} "
    "AND NOT EXISTS (SELECT 1 FROM search_entries AS e WHERE e.message_id = m.id)"
)


class Waiting:
    """A message whose entry is still to be written. Its words are found once, by whoever wants them first: several
    threads may (so there is no lock that the event loop would wait for), and find the same.

    `unread_chars`: how long the text is of which the words are still to be found.
    """

    def __init__(self, entry: NewEntry) -> None:
        self._entry = entry
        self._row: dict[str, Any] | None = None
        self._is_read = False
        self.owner, self.conversation = entry.owner_id, entry.conversation_id
        self.unread_chars = sum(len(part.text) for part in entry.parts if isinstance(part, TextPart))

    @property
    def row(self) -> dict[str, Any] | None:
        """Its entry; None: it can be found by nothing."""
        if not self._is_read:
            self._row = next(iter(made_entries([self._entry])), None)
            self._is_read, self.unread_chars = True, 0
        return self._row

    @property
    def candidate(self) -> CandidateRow | None:
        """As ranking counts it; None: it never is one."""
        return None if self.row is None else candidate_of(self.row)


def with_waiting(
    connection: AnyConnection, owner: str, rows: list[CandidateRow], waiting: Sequence[CandidateRow]
) -> list[CandidateRow]:
    """In the order of time. What has an entry by now is among `rows`, or is not meant; what was edited, deleted or has
    become private meanwhile is left out."""
    if not waiting:
        return rows
    values = {"messages": [row.message_id for row in waiting], "owner": owner}
    left = {message for (message,) in _IS_AS_IT_WAS.rows(connection, values)}
    return in_order([*rows, *(row for row in waiting if row.message_id in left)])
