"""A disk that the system has made read-only, as it does after errors: what is on it can still be taken away."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.conftest import MakeServer
from tests.fakes.script import Script
from tests.harness.installation import change, database_of
from tests.harness.server import Server, clean_environment, run_command
from tests.harness.upstream import Upstream

_MAKES_READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


def run_read_only(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command on a data folder whose disk takes no writes from it."""
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", _MAKES_READ_ONLY, "sh"]
    if not shutil.which("unshare") or subprocess.run([*own_mounts, str(folder), "true"], check=False).returncode:
        pytest.skip("a mount of one's own takes Linux, and user namespaces")
    return subprocess.run(
        [*own_mounts, str(folder), sys.executable, "-m", "quarterdeck", *words],
        cwd=folder.parent, capture_output=True, text=True, timeout=120, check=False,
        env=clean_environment(folder.parent, QUARTERDECK_DATA_DIR=str(folder), PYTHONDONTWRITEBYTECODE="1"),
    )  # fmt: skip


@pytest.fixture
def left(make_server: MakeServer, upstream: Upstream) -> Path:
    """The data folder of a server that has ended as it should, with one conversation."""
    running = make_server().start()
    converse(running, upstream)
    running.terminate()
    return running.data_dir


def converse(running: Server, upstream: Upstream) -> None:
    with running.http() as http:
        said = {"message": "the last words", "chatId": "last", "model": upstream.model(Script())}
        assert http.post("/chat_batch", json=said).status_code == 200


def test_a_disk_that_takes_no_writes_gives_its_backup_and_is_not_said_to_be_damaged(left: Path) -> None:
    backup = left.parent / "taken.backup"
    done = run_read_only(left, "backup", str(backup))
    assert done.returncode == 0, done.stderr
    assert "1 conversations, 2 messages" in done.stdout
    said = run_read_only(left, "doctor").stdout
    assert "cannot be written (Read-only file system)" in said
    assert "ok   integrity: the file is whole" in said
    assert "quarterdeck restore" not in said
    change(database_of(left), "DROP TABLE shares")
    assert "fail tables: shares is missing" in run_read_only(left, "doctor").stdout


def test_what_a_killed_server_left_in_its_write_ahead_log_is_in_the_backup(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path
) -> None:
    running = make_server().start()
    converse(running, upstream)
    running.kill()
    assert running.data_dir.joinpath("quarterdeck.sqlite3-wal").stat().st_size
    done = run_read_only(running.data_dir, "backup", str(tmp_path / "taken.backup"))
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "taken.backup") as taken:
        assert any(b"the last words" in taken.read(name) for name in taken.namelist())


def test_a_database_that_cannot_be_opened_is_not_said_to_be_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.joinpath("quarterdeck.sqlite3").mkdir(parents=True)
    environment = clean_environment(tmp_path, QUARTERDECK_DATA_DIR=str(folder))
    said = run_command("doctor", folder=tmp_path, environment=environment).stdout
    assert "fail database: " in said
    assert "quarterdeck restore" not in said
