"""A process that has loaded Quarterdeck and forks itself for every command: a start costs a fifth of a fresh one.

    python fork_server.py DESCRIPTOR

The descriptor is a socket of whole messages. A request is JSON, `{"words": […], "folder": "…", "environment": {…},
"program": "…", "has_terminal": …}`, with four descriptors: for standard input, output and error, and a pipe for the
exit status. The answer is the process id; when that process has ended, its status is written into its pipe as
`subprocess` would tell it. It ends with the other end of the socket, and all that it has forked. `forked.py` is the
client.

With `has_terminal`, standard input is a terminal, and the process leads a session of its own on it. `program` is a
script beside this one that runs the command in its own way (`weakened.py`), or empty.

It must stay without threads and without what reads the environment or draws a number while it is loaded.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import termios
import time
from pathlib import Path
from typing import Any

# what `serve`, `worker` and the commands load sooner or later
SERVERS = ("cli.serving", "serve", "worker", "supervise", "web.application", "app.opening", "app.serving")
COMMANDS = ("cli.main", "cli.chat.command", "cli.database", "cli.doctor", "cli.keys", "cli.users", "operations.restore")
LIBRARIES = ("aiohttp", "httptools", "httpx2", "snowballstemmer", "sqlite3", "uvicorn", "uvloop", "websockets")
MIGRATIONS = ("alembic.command", "alembic.config")
MAX_REQUEST_BYTES = 1 << 20
HERE = Path(__file__).parent


def load() -> None:
    gc.disable()  # as `quarterdeck` itself does
    for name in (*(f"quarterdeck.{module}" for module in (*SERVERS, *COMMANDS)), *LIBRARIES, *MIGRATIONS):
        importlib.import_module(name)
    gc.freeze()


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """In a forked process: what it was asked to be. In the server: None, at the end."""
    statuses: dict[int, int] = {}
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C ends the tests, and they end this
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select([requests.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _reap(statuses)
        if requests.fileno() not in ready:
            continue
        text, descriptors, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 4)
        if not text:
            _end(statuses)
            return None
        status = descriptors.pop()
        pid = os.fork()
        if not pid:
            _become_fresh(descriptors, [status, ended, wake, *statuses.values()])
            requests.close()
            return dict(json.loads(text))
        statuses[pid] = status
        for descriptor in descriptors:
            os.close(descriptor)
        requests.send(str(pid).encode())


def _end(statuses: dict[int, int]) -> None:
    """Nobody will end what the tests left when they were ended themselves."""
    for pid in statuses:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _reap(statuses: dict[int, int]) -> None:
    for pid in list(statuses):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            pipe = statuses.pop(pid)
            os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(pipe)


def _become_fresh(standard: list[int], others: list[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where the tests were begun with nohup
    for place, descriptor in enumerate(standard):
        os.dup2(descriptor, place)
    for descriptor in (*standard, *others):
        os.close(descriptor)


def run(request: dict[str, Any]) -> None:
    """`python -m quarterdeck WORDS`, in the folder and the environment that were asked for."""
    if request["has_terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = ["quarterdeck", *request["words"]]
    gc.enable()
    if program := request["program"]:
        sys.path[:1] = [str(HERE), str(HERE.parents[1])]
        runpy.run_path(str(HERE / program), run_name="__main__")
    else:
        sys.path[0] = request["folder"]
        runpy.run_module("quarterdeck", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    load()
    if asked := serve(socket.socket(fileno=int(sys.argv[1]))):
        run(asked)
