"""`quarterdeck` as a process of its own: started, killed, restarted on the same data folder and port."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx2
from tests.harness.forked import ForkedProcess, can_fork, fork, run_forked
from tests.harness.people import write
from tests.harness.waiting import wait_until

from quarterdeck.accounts.keys import create_api_key

START_S = 120.0  # several processes on a machine that has much else to do
_EXIT_S = 30.0
_COMMAND_S = 120.0
_COMMAND = [sys.executable, "-m", "quarterdeck"]
_WEAKENED = [sys.executable, str(Path(__file__).with_name("weakened.py"))]


def clean_environment(home: Path, **variables: str) -> dict[str, str]:
    """The variables of this process without any that Quarterdeck or a provider would read."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    quiet = {"QUARTERDECK_DISCOVER": "false", "QUARTERDECK_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"}
    quiet["QUARTERDECK_TITLES"] = "false"  # tests count what a model is asked; those of titles turn them on
    quiet["QUARTERDECK_LEARN_AFTER_S"] = "0"
    quiet["QUARTERDECK_RECALL"] = "false"  # and what it is sent; those of recall turn it on
    return kept | quiet | {"HOME": str(home)} | variables


class Server:
    """`folder` holds everything: the data folder, the working folder (for `.env`), the process's output.

    `WITHOUT` in the environment names the protections that it is to run without (`weakened`).
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.work_dir = folder / "work"
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.environment = clean_environment(folder, **environment)
        self.command = _WEAKENED if "WITHOUT" in environment else _COMMAND
        self.under: list[str] = []  # a command that runs the server: its words before the server's own
        self.options: list[str] = []  # of every start
        self.port = 0
        self.link = ""
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self._key = ""
        self._starts = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def key(self) -> str:
        """An API key of the owner, made once; in this process if that can be, for a command takes a second."""
        if not self._key:
            self._key = self._make_key()
        return self._key

    def _make_key(self) -> str:
        is_ours = self.command in (_COMMAND, _WEAKENED) and "QUARTERDECK_DATABASE_URL" not in self.environment
        if not (is_ours and (self.data_dir / "quarterdeck.sqlite3").is_file() and self.is_running()):
            return self.run("key", "create", "--name", "tests", WITHOUT="").stdout.strip()
        return str(write(self.data_dir, lambda connection: create_api_key(connection, label="tests")))

    @property
    def output(self) -> Path:
        """Standard output of the latest start."""
        return self.folder / f"stdout-{self._starts}.txt"

    def start(self) -> Self:
        """Returns when `/readyz` answers 200."""
        self.launch()
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        with httpx2.Client() as client:
            wait_until(lambda: self._is_ready(client), "the server to be ready", START_S)

    def launch(self, *options: str) -> None:
        """Start without waiting; on the same port as before, if there was one."""
        place = ["--data-dir", str(self.data_dir), "--port", str(self.port)]
        self._launch("serve", "--no-browser", *place, *self.options, *options)

    def _launch(self, *words: str) -> None:
        self._starts += 1
        with self.output.open("wb") as output, (self.folder / "stderr.txt").open("ab") as log:
            if self.command in (_COMMAND, _WEAKENED) and not self.under and can_fork(self.environment):
                with open(os.devnull, "rb") as nothing:
                    standard = (nothing.fileno(), output.fileno(), log.fileno())
                    self._process = fork(
                        list(words), self.work_dir, self.environment, standard, program=_program_of(self.environment)
                    )
                return
            self._process = subprocess.Popen(
                [*self.under, *self.command, *words], cwd=self.work_dir, env=self.environment, stdout=output, stderr=log
            )

    def _is_ready(self, client: httpx2.Client) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the server ended with {self._process.returncode}: {self.log_text()[-2000:]}")
        said = self.output.read_text()
        if not said.endswith("\n") or not self._hear(said):
            return False
        with contextlib.suppress(httpx2.TransportError):
            return client.get(f"{self.url}/readyz").status_code == 200
        return False

    def _hear(self, said: str) -> bool:
        """Has it said that it is ready, and where?"""
        if "Quarterdeck is ready at " not in said:
            return False
        self.link = said.split("Quarterdeck is ready at ")[1].splitlines()[0]
        self.port = int(self.link.split("/")[2].rpartition(":")[2])
        return True

    def children(self) -> list[int]:
        """The processes that it has started (`serve --workers N`)."""
        return children_of(self.pid)

    def kill(self) -> None:
        """kill -9. Children, if there are any, find out by themselves."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_EXIT_S)

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; the exit status and the seconds it took."""
        begun = time.monotonic()
        self.ask_to_stop()
        return self.wait(), time.monotonic() - begun

    def ask_to_stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def pause(self) -> None:
        """It is stopped as it stands: a machine that hangs, a container that is frozen."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(_EXIT_S)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def restart(self) -> Self:
        """After `kill` or `terminate`."""
        return self.start()

    def close(self) -> None:
        if self.is_running():
            children = self.children()
            self.kill()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Another `quarterdeck` command on the same data folder and database, also beside the running server."""
        return run_command(
            *arguments,
            folder=self.work_dir,
            environment=self.environment | {"QUARTERDECK_DATA_DIR": str(self.data_dir)} | variables,
        )

    @contextlib.contextmanager
    def http(self, key: str | None = None, **options: Any) -> Iterator[httpx2.Client]:
        """A client with the owner's key, or with `key`; empty for none."""
        token = self.key if key is None else key
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with httpx2.Client(base_url=self.url, headers=headers, timeout=10, **options) as client:
            yield client

    def log_text(self) -> str:
        """Standard error of all starts."""
        return (self.folder / "stderr.txt").read_text(errors="replace")


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


def run_command(
    *arguments: str, folder: Path, environment: dict[str, str], said: str | None = None
) -> subprocess.CompletedProcess[str]:
    """`quarterdeck …`; `said` comes by a pipe. Raises: `subprocess.TimeoutExpired`."""
    program = _program_of(environment)
    if can_fork(environment):
        return run_forked(list(arguments), folder, environment, _COMMAND_S, program=program, said=said)
    command = _WEAKENED if program else _COMMAND
    return subprocess.run(
        [*command, *arguments],
        input=said,
        stdin=subprocess.DEVNULL if said is None else None,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )


def _program_of(environment: dict[str, str]) -> str:
    return "weakened.py" if environment.get("WITHOUT") else ""
