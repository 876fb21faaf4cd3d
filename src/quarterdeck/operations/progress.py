"""How far a long operation is, for whoever shows it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""What is being done (a table's name), rows so far, rows in all. Called after every chunk, and at the end."""


def in_silence(_what: str, _done: int, _total: int) -> None:
    """For who does not show it."""
