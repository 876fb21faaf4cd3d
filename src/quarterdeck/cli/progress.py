"""How far long work is: a bar on a terminal, a few plain lines otherwise; on standard error either way."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer

_LINE_EVERY_S = 5.0


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function to be called with what is being done, how much of it, and how much there is in all."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    rich: Any = import_module("rich.progress")
    console = import_module("rich.console").Console(stderr=True)
    columns = ("[progress.description]{task.description}", rich.BarColumn(), rich.MofNCompleteColumn())
    with rich.Progress(*columns, rich.TimeRemainingColumn(), console=console) as shown:
        yield _Bars(shown)


class _Bars:
    def __init__(self, shown: Any) -> None:
        self._shown = shown
        self._tasks: dict[str, Any] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if not total:
            return
        if what not in self._tasks:
            self._tasks[what] = self._shown.add_task(what, total=total)
        self._shown.update(self._tasks[what], completed=done, total=total)


class _Lines:
    """A line now and then, and none where it is quick: cron mails what a command says."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._said_at < _LINE_EVERY_S:
            return
        self._said_at = time.monotonic()
        typer.echo(f"{what}: {done}" if done >= total else f"{what}: {done} of {total}", err=True)
