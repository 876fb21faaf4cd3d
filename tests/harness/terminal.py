"""A command on a real terminal: a pty of 80 columns, read by a thread, typed into."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.harness.forked import ForkedProcess, can_fork, fork
from tests.harness.waiting import wait_until

AnyProcess = subprocess.Popen[bytes] | ForkedProcess

COLUMNS, LINES = 80, 24
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])")


class Terminal:
    def __init__(self, process: AnyProcess, end: int) -> None:
        self.process = process
        self._end = end
        self._raw = bytearray()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def raw(self) -> str:
        return bytes(self._raw).decode(errors="replace")

    @property
    def text(self) -> str:
        """What was written, without the commands to the terminal."""
        return _ESCAPE.sub("", self.raw)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(self._end, 65536):
                self._raw += piece
                if b"\x1b[6n" in piece:  # where is the cursor?
                    os.write(self._end, b"\x1b[1;1R")

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def wait_for(self, text: str, after: int = 0, timeout_s: float = 30.0) -> int:
        """Where `text` ends, of what was written after the first `after` characters."""
        wait_until(lambda: text in self.text[after:], f"{text!r} in {self.text[after:]!r}", timeout_s)
        return after + self.text[after:].index(text) + len(text)

    def wait(self) -> int:
        """The exit status."""
        status = self.process.wait(20)
        self._reading.join(5)
        return status


@contextlib.contextmanager
def open_terminal(*words: str, folder: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    """`quarterdeck …` as somebody runs it at a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = _start(list(words), folder, {"TERM": "xterm-256color"} | environment, theirs)
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        os.close(ours)


def _start(words: list[str], folder: Path, environment: dict[str, str], end: int) -> AnyProcess:
    if can_fork(environment):
        return fork(words, folder, environment, (end, end, end), has_terminal=True)
    return subprocess.Popen(
        [sys.executable, "-m", "quarterdeck", *words],
        cwd=folder,
        env=environment,
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
    )
