"""`serve --workers N`: one process that answers nothing itself keeps N servers running on one listening socket.

A child says over a pipe that it is ready, and notices by another one that its supervisor is gone. A child that
dies is replaced; the new one is told the dead one's worker name, so that it takes over its turns at once
instead of when their leases run out. SIGTERM ends all of them, and so does a terminal that is closed; SIGHUP
otherwise replaces them one after the other.
"""

from __future__ import annotations

import contextlib
import gc
import glob
import os
import select
import signal
import socket
import subprocess  # nosec B404  # of this very program
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import msgspec
from msgspec import Struct

from quarterdeck import metrics
from quarterdeck.app.identity import Identity, make_worker_name
from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import SetupError

logger = get_logger("quarterdeck.supervisor")

INHERITANCE = "QUARTERDECK_CHILD"  # in a child's environment: its `Inheritance`
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 10.0  # who has served for so long did not fail at the start
_EXIT_S = 9.5
_LOOK_S = 0.5
_FIGURES = f"metrics-{socket.gethostname()}-"  # folders of one host's supervisors; a data folder may be shared


class Inheritance(Struct, frozen=True):
    """What a child gets from its supervisor: open files, and who it is."""

    listener: int
    ready: int
    life: int
    worker: str
    predecessor: str = ""

    @property
    def identity(self) -> Identity:
        return Identity(self.worker, self.predecessor)


def read_inheritance() -> Inheritance | None:
    """None in a process that nobody supervises."""
    given = os.environ.pop(INHERITANCE, "")
    return msgspec.json.decode(given, type=Inheritance) if given else None


def say_ready(inheritance: Inheritance, link: str) -> None:
    os.write(inheritance.ready, f"{link}\n".encode())
    os.close(inheritance.ready)


def end_with(life: int) -> None:
    """Drain when who started this process is gone, however it went: nobody else would stop it.

    `life` is the end of a pipe whose other end they hold.
    """

    def watch() -> None:
        with contextlib.suppress(OSError):
            os.read(life, 1)  # returns when its other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


class _Child:
    def __init__(self, process: subprocess.Popen[bytes], worker: str, ready: int) -> None:
        self.process = process
        self.worker = worker
        self.ready = ready
        self.started_s = time.monotonic()
        self.link = ""
        self.is_ready = False
        self.left_s: float | None = None  # when it was told to go

    @property
    def is_leaving(self) -> bool:
        return self.left_s is not None

    def leave(self) -> None:
        self.left_s = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)


class Supervisor:
    def __init__(self, settings: Settings, listener: socket.socket, count: int) -> None:
        self._settings = settings
        self._listener = listener
        self._count = count
        self._children: list[_Child] = []
        self._to_replace: deque[_Child] = deque()
        self._starts: list[tuple[float, str]] = []  # when, and the worker to follow
        self._pause_s = _FIRST_PAUSE_S
        self._is_stopping = False
        is_detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # by `nohup`
        self._ends_with_terminal = _has_terminal() and not is_detached
        self._variables: dict[str, str] = {}
        self._figures = settings.data_dir / f"{_FIGURES}{os.getpid()}"
        self._life, self._life_ends = os.pipe()  # the second one is closed with this process

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Until a signal. `on_ready` is called once, with a link that signs the owner in.

        Raises: `SetupError` when the first server could not start; it has said why.
        """
        gc.enable()  # the command has turned it off, for its start
        _remove_orphans(self._settings.data_dir)
        self._variables = metrics.prepare_multiprocess(self._figures)
        with self._signals() as woken:
            try:
                self._begin(woken, on_ready)
                while not self._is_stopping:
                    self._look(woken)
            finally:
                self._stop(woken)

    def _begin(self, woken: int, on_ready: Callable[[str], None]) -> None:
        """The first alone: it makes or migrates the database, and what is wrong is said once."""
        first = self._start("")
        while not (first.is_ready or self._is_stopping):
            self._wait(woken)
            if first.process.poll() is not None:
                raise SetupError("The server could not start; the lines above say why.")
        for _ in range(self._count - 1):
            self._start("")
        while not (self._is_stopping or all(child.is_ready for child in self._children)):
            self._look(woken)
        if not self._is_stopping:
            on_ready(first.link)

    def _look(self, woken: int) -> None:
        self._wait(woken)
        self._bury()
        self._start_due()
        self._roll()

    def _wait(self, woken: int) -> None:
        """For a signal, for a child that is ready, or for a moment."""
        waiting = {child.ready: child for child in self._children if child.ready >= 0}
        found, _, _ = select.select([woken, *waiting], [], [], _LOOK_S)
        if woken in found:
            os.read(woken, 1024)
        for ready in set(found) & waiting.keys():
            self._hear(waiting[ready])

    def _hear(self, child: _Child) -> None:
        said = os.read(child.ready, 4096)
        os.close(child.ready)
        child.ready = -1
        if said.endswith(b"\n"):
            child.is_ready, child.link = True, said.decode().strip()
            logger.info("server_ready", server=child.process.pid, worker=child.worker)

    def _start(self, predecessor: str) -> _Child:
        worker = make_worker_name()
        ready, ready_of_child = os.pipe()
        inherited = Inheritance(self._listener.fileno(), ready_of_child, self._life, worker, predecessor)
        process = subprocess.Popen(  # nosec B603  # this very program
            [sys.executable, "-m", "quarterdeck", "serve", "--no-browser"],
            env=self._environment(inherited),
            stdin=subprocess.DEVNULL,
            pass_fds=(inherited.listener, ready_of_child, self._life),
            start_new_session=True,  # a Ctrl-C is for the supervisor, which tells its children
        )
        os.close(ready_of_child)
        child = _Child(process, worker, ready)
        self._children.append(child)
        logger.info("server_started", server=process.pid, worker=worker, predecessor=predecessor)
        return child

    def _environment(self, inherited: Inheritance) -> dict[str, str]:
        own = {
            "QUARTERDECK_HOST": self._settings.host,
            "QUARTERDECK_PORT": str(self._settings.port),
            "QUARTERDECK_DATA_DIR": str(self._settings.data_dir),
            INHERITANCE: msgspec.json.encode(inherited).decode(),
        }
        return dict(os.environ) | own | self._variables

    def _bury(self) -> None:
        """A child that ended without being asked to is replaced: at once, or later if it never served."""
        for child in [child for child in self._children if child.process.poll() is not None]:
            self._forget(child)
            if child.left_s is not None:
                seconds = round(time.monotonic() - child.left_s, 2)
                logger.info("server_left", server=child.process.pid, status=child.process.returncode, seconds=seconds)
                continue
            logger.error("server_died", server=child.process.pid, status=child.process.returncode)
            lived_s = time.monotonic() - child.started_s
            if child.is_ready or lived_s > _STEADY_S:
                self._pause_s = _FIRST_PAUSE_S
                self._starts.append((0.0, child.worker))
            else:
                self._starts.append((time.monotonic() + self._pause_s, child.worker))
                self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _forget(self, child: _Child) -> None:
        self._children.remove(child)
        metrics.mark_dead(self._figures, child.process.pid)
        if child.ready >= 0:
            os.close(child.ready)
            child.ready = -1

    def _start_due(self) -> None:
        due = [start for start in self._starts if start[0] <= time.monotonic()]
        for start in due:
            self._starts.remove(start)
            self._start(start[1])

    def replace_all(self) -> None:
        """A rolling restart."""
        self._to_replace = deque(child for child in self._children if not child.is_leaving)

    def _roll(self) -> None:
        """One at a time: a new one is there before an old one is told to go, and that one gone before the next."""
        is_settled = all(child.is_ready and not child.is_leaving for child in self._children)
        if not is_settled or self._starts:
            return
        while self._to_replace and self._to_replace[0] not in self._children:
            self._to_replace.popleft()
        if len(self._children) > self._count and self._to_replace:
            self._to_replace.popleft().leave()
        elif self._to_replace:
            self._start("")

    def _stop(self, woken: int) -> None:
        for child in self._children:
            child.leave()
        give_up_s = time.monotonic() + _EXIT_S
        while self._children and time.monotonic() < give_up_s:
            self._wait(woken)
            self._bury()
        for child in self._children:
            child.process.kill()
            child.process.wait()
        _remove_folder(self._figures)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Gives the end of a pipe that can be read when a signal has come."""
        woken, wakes = os.pipe()
        os.set_blocking(wakes, False)

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._is_stopping = True

        def roll_or_stop(_number: int, _frame: FrameType | None) -> None:
            """The same signal is sent by who wants new servers and by a terminal that is closed."""
            if self._ends_with_terminal and not _has_terminal():
                self._is_stopping = True
            else:
                self.replace_all()

        def look(_number: int, _frame: FrameType | None) -> None:
            """The pipe wakes the loop, which finds the dead child."""

        wanted = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: roll_or_stop, signal.SIGCHLD: look}
        before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(woken)
            os.close(wakes)


def _has_terminal() -> bool:
    """Does somebody look on, or type? Not any more when their window was closed."""
    return any(os.isatty(descriptor) for descriptor in range(3))


def _remove_orphans(data_dir: Path) -> None:
    """What supervisors have left that were killed."""
    for folder in data_dir.glob(f"{glob.escape(_FIGURES)}*"):
        pid = folder.name.removeprefix(_FIGURES)
        if pid.isdigit() and not _is_alive(int(pid)):
            _remove_folder(folder)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _remove_folder(folder: Path) -> None:
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
