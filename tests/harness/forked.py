"""`python -m quarterdeck …` as processes that are forked from one that has loaded it (`fork_server.py`).

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
from pathlib import Path
from typing import IO

from tests.harness.waiting import is_long

_PROGRAM = Path(__file__).with_name("fork_server.py")
_OF_THE_INTERPRETER = ("PYTHON", "LD_", "LC_", "LANG", "OPENSSL_", "MALLOC_")  # read while a process starts


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

    def start(
        self, words: list[str], folder: Path, environment: dict[str, str], output: IO[bytes], errors: IO[bytes]
    ) -> ForkedProcess:
        asked = json.dumps({"words": words, "folder": str(folder), "environment": environment}).encode()
        status, theirs = os.pipe()
        with self._asking:
            socket.send_fds(self._socket, [asked], [output.fileno(), errors.fileno(), theirs])
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
    words: list[str], folder: Path, environment: dict[str, str], output: IO[bytes], errors: IO[bytes]
) -> ForkedProcess:
    """`quarterdeck WORDS`, started."""
    return _fork_server().start(words, folder, environment, output, errors)


def run_forked(
    words: list[str], folder: Path, environment: dict[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` does it. Raises: `subprocess.TimeoutExpired`, when it was killed."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = fork(words, folder, environment, output, errors)
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(["quarterdeck", *words], status, _text_of(output), _text_of(errors))


def _text_of(written: IO[bytes]) -> str:
    written.seek(0)
    return written.read().decode()
