"""What a shell or a terminal does to a server: few open files, a window that is closed."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.script import Script, words
from tests.harness.postgres import Databases
from tests.harness.server import START_S, children_of, clean_environment, run_command
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

FEW = 64


@pytest.fixture(autouse=True)
def hears_of_terminals() -> Iterator[None]:
    """Processes begin as in a terminal, though the tests may be run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_server_takes_more_open_files_than_its_shell_gives(make_server: MakeServer) -> None:
    running = make_server()
    running.under = ["/bin/sh", "-c", f'ulimit -S -n {FEW}; exec "$@"', "sh"]
    running.start()
    with contextlib.ExitStack() as held:
        for _ in range(2 * FEW):
            held.enter_context(socket.create_connection(("127.0.0.1", running.port), 5))
        assert httpx2.get(f"{running.url}/readyz", timeout=30).status_code == 200
    assert '"few_open_files"' not in running.log_text()


def test_too_few_open_files_are_told(make_server: MakeServer) -> None:
    running = make_server()
    running.under = ["/bin/sh", "-c", f'ulimit -n {FEW}; exec "$@"', "sh"]
    running.start()
    assert running.log_text().count('"event": "few_open_files"') == 1
    done = subprocess.run(
        [*running.under, sys.executable, "-m", "quarterdeck", "doctor"],
        cwd=running.work_dir, env=running.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert f"warn open files: a server may have {FEW} files and connections open → " in done.stdout


def test_a_server_whose_terminal_is_closed_hands_its_answers_over(make_server: MakeServer, upstream: Upstream) -> None:
    running = make_server().start()
    with running.http() as http:
        model = upstream.model(Script(pieces=words(500), delay_s=0.05))
        http.post("/api/messages", json={"conversation": "one", "text": "Hello", "model": model}).raise_for_status()
    wait_until(lambda: upstream.requests(model), "the model to be asked")
    os.kill(running.pid, signal.SIGHUP)
    assert running.wait() == 0
    assert "turn_handed_over" in running.log_text()


def test_nohup_counts(make_server: MakeServer) -> None:
    running = make_server()
    running.under = ["nohup"]
    running.start()
    os.kill(running.pid, signal.SIGHUP)
    time.sleep(1)  # so that one that hears it has closed its door
    assert httpx2.get(f"{running.url}/readyz", timeout=30).status_code == 200
    assert running.terminate()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_several_processes_end_with_their_terminal(tmp_path: Path, postgres: Databases) -> None:
    environment = clean_environment(tmp_path, QUARTERDECK_DATABASE_URL=postgres.new_database())
    mine, theirs = pty.openpty()
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "quarterdeck", "serve", "--workers", "2", "--port", "0", "--no-browser"],
        cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"Quarterdeck is ready" not in said:
        said += os.read(mine, 4096)
    children = children_of(supervisor.pid)
    assert len(children) == 2
    os.close(mine)
    os.kill(supervisor.pid, signal.SIGHUP)  # as the system does it for a controlling terminal
    try:
        assert supervisor.wait(START_S) == 0
    finally:
        supervisor.kill()
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def test_a_quick_backup_says_nothing_that_cron_would_mail(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, QUARTERDECK_DATA_DIR=str(tmp_path / "data"))
    assert run_command("key", "create", folder=tmp_path, environment=environment).returncode == 0
    done = run_command("backup", "a.backup", folder=tmp_path, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"Written: a\.backup, 0 conversations", done.stdout)
