"""How an answer is shown: Markdown on a terminal, its exact text in a pipe, events as JSON."""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from typing import Any, Protocol

import msgspec

from quarterdeck.client.answers import Delta, Entry
from quarterdeck.client.documents import Accepted
from quarterdeck.domain.citations import CitationFilter
from quarterdeck.domain.events import encode_event

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Screen(Protocol):
    """One answer after the other: `begin`, what comes of it, `end`."""

    def begin(self, accepted: Accepted | None, turn: str) -> None: ...
    def event(self, entry: Entry) -> None: ...
    def delta(self, delta: Delta) -> None: ...
    def end(self) -> None: ...


def make_screen() -> Screen:
    """As standard output can show it."""
    if not sys.stdout.isatty():
        return TextScreen()
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return TextScreen(is_terminal=True)
    screen: Screen = import_module("quarterdeck.cli.chat.markdown").MarkdownScreen()
    return screen


def clean(text: str) -> str:
    """Without the characters that would command a terminal: what a model writes is not trusted."""
    return _CONTROLS.sub("", text)


class TextScreen:
    """The text as it comes, without citations: they lead somewhere in the page only.

    On a terminal without control characters, and with ideas in lines of their own.
    """

    def __init__(self, *, is_terminal: bool = False) -> None:
        self._is_terminal = is_terminal
        self._last = "\n"
        self._part = -1
        self._filter = CitationFilter()

    def begin(self, accepted: Accepted | None, turn: str) -> None:
        self._last, self._part, self._filter = "\n", -1, CitationFilter()

    def event(self, entry: Entry) -> None:
        """Only what is said counts."""

    def delta(self, delta: Delta) -> None:
        if delta.kind in ("idea", "text") and delta.part != self._part:
            self._write(self._filter.end())
        if delta.kind == "idea" and delta.part != self._part:
            self._write("- " if self._last == "\n" else "\n- ")
        elif delta.kind == "text" and delta.part != self._part and self._part >= 0:
            self._write("\n\n")
        if delta.kind in ("idea", "text"):
            self._part = delta.part
            self._write(self._filter.feed(delta.text))

    def end(self) -> None:
        self._write(self._filter.end())
        if self._last != "\n":
            self._write("\n")

    def _write(self, text: str) -> None:
        text = clean(text) if self._is_terminal else text
        if text:
            self._last = text[-1]
            sys.stdout.write(text)
            sys.stdout.flush()


class JsonScreen:
    """The frames of the full socket, a line each: `accepted`, then `event` by `event`."""

    def __init__(self) -> None:
        self._turn = ""

    def begin(self, accepted: Accepted | None, turn: str) -> None:
        self._turn = turn
        if accepted is not None:
            self._line({"type": "accepted"} | _fields(accepted))

    def event(self, entry: Entry) -> None:
        seq, event = entry
        self._line({"type": "event", "turn": self._turn, "seq": seq, "event": msgspec.Raw(encode_event(event))})

    def delta(self, delta: Delta) -> None:
        """It is in the events."""

    def end(self) -> None:
        """They have said so."""

    def _line(self, frame: dict[str, Any]) -> None:
        sys.stdout.write(msgspec.json.encode(frame).decode() + "\n")
        sys.stdout.flush()


def _fields(accepted: Accepted) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(accepted)
    return found
