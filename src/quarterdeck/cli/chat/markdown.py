"""Markdown as it streams: blocks that are finished stay above, only the last one is drawn again.

So a long answer costs what is new in it, scrolls as text does, and can be copied from the terminal.
"""

from __future__ import annotations

import shutil
import sys
from typing import Any

from markdown_it import MarkdownIt
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.text import Text

from quarterdeck.cli.chat.screen import clean
from quarterdeck.client.answers import Delta, Entry
from quarterdeck.client.documents import Accepted
from quarterdeck.domain.citations import CitationFilter

_MAX_COLUMNS = 100
_FRAMES_PER_S = 12
_parser = MarkdownIt()


class MarkdownScreen:
    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, width=min(shutil.get_terminal_size().columns, _MAX_COLUMNS))
        self._live: Live | None = None
        self._tail = ""
        self._part = -1
        self._is_thinking = True
        self._has_written = False
        self._filter = CitationFilter()

    def begin(self, accepted: Accepted | None, turn: str) -> None:
        self._tail, self._part, self._is_thinking, self._has_written = "", -1, True, False
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=_FRAMES_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def event(self, entry: Entry) -> None:
        """Only what is said is shown."""

    def delta(self, delta: Delta) -> None:
        if delta.kind not in ("text", "idea"):
            return
        if delta.part != self._part:
            self._finish(self._tail + clean(self._filter.end()))
            self._part = delta.part
            self._tail = "- **Idea:** " if delta.kind == "idea" else ""
        self._is_thinking = False
        self._tail += clean(self._filter.feed(delta.text))
        if "\n" in delta.text and (whole := _end_of_finished(self._tail)):
            tail = self._tail
            self._tail = tail[whole:]
            self._finish(tail[:whole])

    def end(self) -> None:
        tail, self._tail, self._is_thinking = self._tail + clean(self._filter.end()), "", False
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._finish(tail)

    def _finish(self, text: str) -> None:
        if not text.strip():
            return
        if self._has_written:
            self._console.print()
        self._has_written = True
        self._console.print(_rendered(text))

    def _draw(self) -> RenderableType:
        if self._is_thinking:
            return Text("…", style="dim")
        if not self._tail.strip():
            return Text("")
        lines = self._console.render_lines(_rendered(self._tail), pad=False)
        shown = lines[-max(shutil.get_terminal_size().lines - 3, 3) :]
        segments: list[Any] = [segment for line in shown for segment in (*line, Segment.line())]
        body = Segments(segments[:-1])
        return Group(Text(""), body) if self._has_written else body


def _rendered(text: str) -> RenderableType:
    return Padding(Markdown(text.strip("\n"), hyperlinks=False), 0)


def _end_of_finished(text: str) -> int:
    """Where the last block begins, in characters: what stands before it changes no more."""
    begins = [token.map[0] for token in _parser.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    if len(begins) < 2:
        return 0
    return sum(len(line) + 1 for line in text.split("\n")[: begins[-1]])
