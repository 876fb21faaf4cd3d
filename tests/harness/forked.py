"""`python -m quarterdeck …` as processes that are forked from one that has loaded it (`fork_server.py`).

So are the commands whose protections are switched off or that are killed at a chosen word, and those at a terminal.

Loading costs more than a second of a processor, and the tests start some hundred servers. In the long setting, and
where the environment says how Python itself is to start, every process is a fresh one.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tests.harness.waiting import is_long

_PROGRAM = Path(__file__).with_name("fork_server.py")
_OF_THE_INTERPRETER = ("PYTHON", "LD_", "LC_", "LANG", "OPENSSL_", "MALLOC_")  # read while a process starts

Standard = tuple[int, int, int]
"""Descriptors for standard input, output and error."""


class ForkedProcess:
    """What the tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        return self.returncode if self._has_ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Raises: `subprocess.TimeoutExpired`."""
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _has_ended(self, timeout_s: float | None) -> bool:
        if self.returncode is None and select.select([self._status], [], [], timeout_s)[0]:
            self.returncode = int(os.read(self._status, 16))
            os.close(self._status)
        return self.returncode is not None


class _ForkServer:
    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._asking = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            descriptor = theirs.fileno()
            subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(descriptor)],
                stdin=subprocess.DEVNULL, env=environment, pass_fds=[descriptor],
            )  # fmt: skip

    def start(self, asked: dict[str, Any], standard: Standard) -> ForkedProcess:
        status, theirs = os.pipe()
        with self._asking:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], [*standard, theirs])
            os.close(theirs)
            pid = self._socket.recv(16)
        assert pid, "the fork server has ended"
        return ForkedProcess(int(pid), status)


@functools.cache
def _fork_server() -> _ForkServer:
    """One for this process; it ends with it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return _ForkServer(kept | {"PYTHONUNBUFFERED": "1"})


def _start_of(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_OF_THE_INTERPRETER)}


def can_fork(environment: dict[str, str]) -> bool:
    """Would a fresh process in `environment` be no other than a forked one?"""
    if is_long() or sys.platform != "linux":
        return False
    return _start_of(environment) == _start_of(_fork_server().environment)


def fork(
    words: list[str],
    folder: Path,
    environment: dict[str, str],
    standard: Standard,
    *,
    program: str = "",
    has_terminal: bool = False,
) -> ForkedProcess:
    """`quarterdeck WORDS`, started; by `program`, a script of this folder, if it is given.

    With `has_terminal` it leads a session on the terminal that is its standard input.
    """
    asked = {"words": words, "folder": str(folder), "environment": environment}
    return _fork_server().start(asked | {"program": program, "has_terminal": has_terminal}, standard)


def run_forked(
    words: list[str],
    folder: Path,
    environment: dict[str, str],
    timeout_s: float,
    *,
    program: str = "",
    said: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` does it; `said` comes by a pipe. Raises: `subprocess.TimeoutExpired`, when it was killed."""
    with (
        open(os.devnull, "rb") if said is None else _pipe_with(said.encode()) as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        standard = (given.fileno(), output.fileno(), errors.fileno())
        process = fork(words, folder, environment, standard, program=program)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(["quarterdeck", *words], status, _text_of(output), _text_of(errors))


@contextlib.contextmanager
def _pipe_with(words: bytes) -> Iterator[IO[bytes]]:
    """The end of a pipe that has all of `words` already, and ends with them."""
    assert len(words) < select.PIPE_BUF * 8, "more than a pipe holds"
    reading, writing = os.pipe()
    with open(reading, "rb") as given:
        with open(writing, "wb") as giving:
            giving.write(words)
        yield given


def _text_of(written: IO[bytes]) -> str:
    written.seek(0)
    return written.read().decode()
