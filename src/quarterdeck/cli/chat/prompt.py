"""The line that one types in, by prompt_toolkit: Enter sends, Alt-Enter begins a new line, Ctrl-R searches."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, FuzzyWordCompleter, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_searching
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from quarterdeck.cli.chat.reading import fit_to_keep


class PromptReader:
    def __init__(self, history: Path, commands: list[str]) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=_open_history(history),
            multiline=True,
            key_bindings=_keys(),
            completer=_Completer(commands),
            complete_while_typing=False,
            auto_suggest=AutoSuggestFromHistory(),
            prompt_continuation="  ",
            enable_open_in_editor=True,
        )
        self._asking: PromptSession[str] = PromptSession()

    def read(self, status: str) -> str | None:
        while True:
            try:
                return self._session.prompt("> ", bottom_toolbar=f" {status} · /help ")
            except EOFError:
                return None
            except KeyboardInterrupt:  # what was begun is thrown away
                sys.stdout.flush()

    def ask(self, question: str, choices: list[str]) -> str:
        try:
            return self._asking.prompt(question, completer=FuzzyWordCompleter(choices))
        except (EOFError, KeyboardInterrupt):
            return ""


class _Completer(Completer):
    """Commands at the beginning, files after an @."""

    def __init__(self, commands: list[str]) -> None:
        self._commands = commands
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        word = before.split()[-1] if before and not before[-1].isspace() else ""
        if before.startswith("/") and before == word:
            yield from (Completion(name, -len(word)) for name in self._commands if name.startswith(word))
        elif word.startswith("@"):
            yield from self._paths.get_completions(Document(word[1:]), complete_event)


class _PrivateHistory(FileHistory):
    def store_string(self, string: str) -> None:
        super().store_string(fit_to_keep(string))


def _open_history(path: Path) -> History:
    """Readable by this user alone; in memory where it cannot be kept."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        return _PrivateHistory(str(path))
    return InMemoryHistory()


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~is_searching)
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys
