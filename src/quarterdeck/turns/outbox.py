"""Events on their way into one turn's log: deltas joined, sequence numbers given, one writer.

Everything is folded as it is committed, so the stored message is the fold of the log by construction.
"""

from __future__ import annotations

from quarterdeck.domain.events import Event, PartStarted, TextDelta, encode_event
from quarterdeck.domain.fold import Fold
from quarterdeck.errors import LogError
from quarterdeck.log.base import Log


class Outbox:
    def __init__(self, log: Log, turn: str, *, last_seq: int, fold: Fold) -> None:
        self._log = log
        self._turn = turn
        self._last_seq = last_seq
        self.fold = fold
        self._waiting: list[Event] = []
        self._part = -1
        self._texts: list[str] = []
        self.is_urgent = False  # something waits that must not wait for more text

    def put(self, events: list[Event]) -> None:
        for event in events:
            if type(event) is TextDelta:
                if event.part != self._part:
                    self._join()
                    self._part = event.part
                self._texts.append(event.text)
            else:
                self._join()
                self._waiting.append(event)
                self.is_urgent = True

    async def flush(self) -> None:
        """Commit what waits.

        Raises: `StaleWriterError` when the turn is somebody else's by now; `LogError`: then it waits on, for
        a log that began a part and lost it could not be folded.
        """
        self._join()
        events, self._waiting, self.is_urgent = self._waiting, [], False
        if not events:
            return
        try:
            await self._log.append(self._turn, self._last_seq + 1, [encode_event(event) for event in events])
        except LogError:
            self._waiting, self.is_urgent = events, True
            raise
        self._last_seq += len(events)
        for event in events:
            self.fold.apply(event)

    def _join(self) -> None:
        if self._texts:
            self._waiting.append(TextDelta(self._part, "".join(self._texts)))
            self._texts = []
        self._part = -1


def begins_text(events: list[Event]) -> bool:
    """Whether the first visible character is among `events`."""
    return any(type(event) is PartStarted for event in events)
