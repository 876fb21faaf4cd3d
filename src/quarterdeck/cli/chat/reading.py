"""What is typed: with history, search and several lines where the terminal can, a plain line where it cannot."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Protocol

import platformdirs

from quarterdeck.diagnostics import redact

_HISTORY = "terminal-history"


class Reader(Protocol):
    def read(self, status: str) -> str | None:
        """The next thing said; None for the end."""

    def ask(self, question: str, choices: list[str]) -> str:
        """An answer to a question; empty for none."""


def make_reader(data_dir: Path | None, commands: list[str]) -> Reader:
    """`data_dir`: where the history is kept; without one, where this user's programs keep theirs."""
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown") or not sys.stdout.isatty():
        return _LineReader()
    folder = data_dir or Path(platformdirs.user_state_dir("quarterdeck", appauthor=False))
    reader: Reader = import_module("quarterdeck.cli.chat.prompt").PromptReader(folder / _HISTORY, commands)
    return reader


class _LineReader:
    def read(self, status: str) -> str | None:
        while True:
            try:
                return input("> ")
            except EOFError:
                return None
            except KeyboardInterrupt:
                sys.stdout.write("\n")

    def ask(self, question: str, choices: list[str]) -> str:
        try:
            return input(question)
        except (EOFError, KeyboardInterrupt):
            return ""


def fit_to_keep(text: str) -> str:
    """As it may lie in a file: without what looks like a key."""
    return redact(text)
