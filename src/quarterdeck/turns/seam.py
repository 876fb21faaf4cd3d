"""Where a continued answer meets what was there: the text that a model repeats is dropped.

Asked to go on, models often begin again from the top, or repeat the last words. A seam holds the
continuation back only while it could still be such a repetition.
"""

from __future__ import annotations

_MIN_RESTART = 16  # characters that must agree before it counts as "began again"
_MIN_OVERLAP = 24  # characters repeated from the end
_LOOK_BACK = 400


class Seam:
    def __init__(self, before: str) -> None:
        self._before = before
        self._held = ""
        self._is_open = len(before) >= _MIN_OVERLAP

    def feed(self, text: str) -> str:
        """What of the held text and `text` is new, as far as that can be told now."""
        if not self._is_open:
            return text
        self._held += text
        if self._begins_again() or self._repeats_end():
            return ""
        return self.close()

    def close(self) -> str:
        """Decide with what there is."""
        if not self._is_open:
            return ""
        self._is_open = False
        held, self._held = self._held, ""
        if len(self._before) >= _MIN_RESTART and held.startswith(self._before):
            return held[len(self._before) :]
        tail = self._before[-_LOOK_BACK:]
        for size in range(min(len(tail), len(held)), _MIN_OVERLAP - 1, -1):
            if tail.endswith(held[:size]):
                return held[size:]
        return held

    def _begins_again(self) -> bool:
        return (
            len(self._before) >= _MIN_RESTART
            and len(self._held) <= len(self._before)
            and self._before.startswith(self._held)
        )

    def _repeats_end(self) -> bool:
        """Whether more text could still lengthen an overlap with the end."""
        tail = self._before[-_LOOK_BACK:]
        if len(self._held) >= len(tail):
            return False
        return self._held in tail and (len(self._held) < _MIN_OVERLAP or not tail.endswith(self._held))
