"""Servers as processes of their own: start, wait until they answer, measure, stop. Linux only (`/proc`)."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.upstream import model_name

ROOT = Path(__file__).parent.parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_POLL_S = 0.002
_START_TIMEOUT_S = 60.0


class Server:
    """A started process and everything it has started itself."""

    def __init__(
        self, command: list[str], port: int, environment: dict[str, str], log: Path, cores: set[int] | None = None
    ) -> None:
        self.port = port
        self._log = log
        self.started_s = time.perf_counter()
        self.ready_s = float("inf")
        with log.open("ab") as output, on_cores(cores):
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output
            )

    def wait_until(self, path: str, timeout_s: float = _START_TIMEOUT_S) -> None:
        """GET `path` answers 200 when this returns. Raises: `RuntimeError` with the end of the log."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        while time.perf_counter() - self.started_s < timeout_s and self._process.poll() is None:
            if _asks(self.port, request).startswith(b"HTTP/1.1 200"):
                self.ready_s = time.perf_counter() - self.started_s
                return
            time.sleep(_POLL_S)
        raise RuntimeError(f"{self._process.args!r} does not answer:\n{self._log.read_text()[-2000:]}")

    def cpu_s(self) -> float:
        """User and system time of the process tree so far, in steps of 10 ms."""
        return tree_cpu_s(self.pid)

    def resident_bytes(self) -> int:
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES for pid in _tree(self.pid))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    @property
    def pid(self) -> int:
        return self._process.pid


def tree_cpu_s(pid: int) -> float:
    """User and system time of a process and all it has started, so far, in steps of 10 ms."""
    return sum(_cpu_ticks(one) for one in _tree(pid)) / _TICKS_PER_S


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):  # it has just ended
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


@contextlib.contextmanager
def on_cores(cores: set[int] | None) -> Iterator[None]:
    """What this thread starts meanwhile runs on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cpu_ticks(pid: int) -> int:
    """Its own, and those of its children that have ended; 0 when it has ended itself (its parent has them then)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])


def _asks(port: int, request: bytes) -> bytes:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.settimeout(5)
        connection.sendall(request)
        return connection.recv(64)
    return b""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(server: Server, ready_path: str, timeout_s: float = _START_TIMEOUT_S) -> Iterator[Server]:
    try:
        server.wait_until(ready_path, timeout_s)
        yield server
    finally:
        server.stop()


def start_upstream(folder: Path) -> Server:
    port = free_port()
    return Server([sys.executable, "-m", "bench.upstream", str(port)], port, {}, folder / "upstream.log")


def provider_environment(upstream_port: int) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream_port}/v1"}


def quarterdeck_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "quarterdeck", *arguments]


def quarterdeck_environment(upstream_port: int) -> dict[str, str]:
    return {
        **provider_environment(upstream_port),
        "QUARTERDECK_MODEL": f"openai/{model_name(300, 50)}",
        "QUARTERDECK_DISCOVER": "0",
        "QUARTERDECK_TITLES": "0",
        "QUARTERDECK_LEARN_AFTER_S": "0",
        "QUARTERDECK_LOG_FORMAT": "json",
    }


def start_quarterdeck(data_dir: Path, upstream_port: int) -> Server:
    port = free_port()
    environment = quarterdeck_environment(upstream_port)
    command = quarterdeck_command("serve", "--port", str(port), "--data-dir", str(data_dir), "--no-browser")
    return Server(command, port, environment, data_dir.parent / "quarterdeck.log")


def create_key(data_dir: Path, environment: dict[str, str] | None = None) -> str:
    """Raises: `RuntimeError` with what the command said."""
    command = quarterdeck_command("key", "create", "--data-dir", str(data_dir))
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise RuntimeError(f"no key: {done.stderr[-2000:]}")
    return done.stdout.strip()


def start_plain_relay(folder: Path, upstream_port: int) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.peers.plain_relay:app", "--port", str(port)]
    command += ["--log-level", "warning"]
    return Server(command, port, provider_environment(upstream_port), folder / "relay.log")
