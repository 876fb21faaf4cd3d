"""The command line: help with an example, one sentence for a mistake and the right exit status, no traceback."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import MakeServer
from tests.harness.server import Server, clean_environment, run_command

COMMANDS = [
    [],
    ["serve"],
    ["chat"],
    ["streamlit"],
    ["worker"],
    ["open"],
    ["key"],
    ["key", "create"],
    ["key", "list"],
    ["key", "revoke"],
    ["key", "rotate"],
    ["backup"],
    ["restore"],
    ["copy-database"],
    ["migrate"],
    ["doctor"],
]


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in an empty folder with a data folder of its own."""
    given = {"QUARTERDECK_DATA_DIR": str(folder / "data")} | variables
    return run_command(*arguments, folder=folder, environment=clean_environment(folder, **given))


def sentence_of(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line on standard error."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("quarterdeck: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.rstrip().endswith(".")
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(tmp_path: Path, command: list[str]) -> None:
    done = run(tmp_path, *command, "--help")
    assert done.returncode == 0
    assert "Usage: quarterdeck" in done.stdout
    if command != ["key"]:
        assert "Example: " in done.stdout
    assert not (tmp_path / "data").exists()


def test_the_help_names_all_commands(tmp_path: Path) -> None:
    said = run(tmp_path, "--help").stdout
    assert all(re.search(rf"^  {name} ", said, re.MULTILINE) for name in ("serve", "worker", "open", "key"))


def test_the_version_is_printed_alone(tmp_path: Path) -> None:
    assert re.fullmatch(r"quarterdeck \d+\.\d+\.\d+\S*\n", run(tmp_path, "--version").stdout)


BAD_USE: list[list[str]] = [
    ["dance"],
    ["--loud"],
    ["serve", "--port"],
    ["serve", "--port", "many"],
    ["serve", "--port", "65536"],
    ["serve", "--port", "-1"],
    ["serve", "extra"],
    ["serve", "--prot", "80"],
    ["key", "destroy"],
    ["key", "create", "--count", "2"],
    ["open", "--link", "x"],
    ["backup"],
    ["restore"],
    ["copy-database"],
    ["copy-database", "mysql://localhost/x"],
    ["migrate", "0001"],
    ["doctor", "--cure"],
]


@pytest.mark.parametrize("arguments", BAD_USE, ids=" ".join)
def test_bad_use_is_one_sentence_and_status_two(tmp_path: Path, arguments: list[str]) -> None:
    sentence_of(run(tmp_path, *arguments), 2)
    assert not (tmp_path / "data").exists()


def test_a_choice_that_is_none_is_told_in_our_words_alone(tmp_path: Path) -> None:
    said = sentence_of(run(tmp_path, "user", "add", "bob", "--role", "owner"), 2)
    assert "'--role': 'owner' is not one of 'member', 'admin'" in said


def test_a_folder_is_no_export(tmp_path: Path) -> None:
    assert f"{tmp_path} is a folder" in sentence_of(run(tmp_path, "import", str(tmp_path)), 1)


BAD_SETTINGS = {
    "QUARTERDECK_PORT": "eighty",
    "QUARTERDECK_LOG_LEVEL": "loud",
    "QUARTERDECK_MIN_CHUNK_CHARS": "0",
    "QUARTERDECK_PUBLIC_URL": "chat.example.org",
    "QUARTERDECK_IDLE_TIMEOUT_S": "-5",
    "QUARTERDECK_DISCOVER": "perhaps",
    "QUARTERDECK_LOG_FORMAT": "poem",
}


def test_a_long_command_collects_its_garbage(tmp_path: Path) -> None:
    """An import of gigabytes would grow with its file."""
    looks = "import atexit, gc, sys; atexit.register(lambda: print(gc.isenabled(), file=sys.stderr)); "
    begins = "from quarterdeck.__main__ import main; main()"
    command = [sys.executable, "-c", looks + begins, "key", "list", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, env=clean_environment(tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.split()[-1]) == (0, "True"), done.stderr


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_a_setting_that_is_not_usable_is_named(tmp_path: Path, name: str) -> None:
    assert name in sentence_of(run(tmp_path, "serve", **{name: BAD_SETTINGS[name]}), 1)


@pytest.mark.parametrize(
    "content",
    [b"OPENAI_API_KEY sk-canary-in-dotenv-123456\n", b"\xff\xfe\x00broken", b"A=1\nnot an assignment\n", b"a\x00b=1\n"],
    ids=range(4),
)
def test_a_broken_env_file_is_told_without_its_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    sentence = sentence_of(run(tmp_path, "serve"), 1)
    assert ".env" in sentence
    assert "canary" not in sentence
    assert "broken" not in sentence


def test_a_folder_in_place_of_the_env_file_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert ".env" in sentence_of(run(tmp_path, "serve"), 1)


def test_the_env_file_is_read_and_the_environment_counts_more(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        f"# mine\nexport QUARTERDECK_DATA_DIR='{tmp_path}/from-env'\nQUARTERDECK_PORT=eighty\n"
    )
    environment = clean_environment(tmp_path, QUARTERDECK_PORT="8000")
    done = run_command("key", "create", folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "from-env" / "quarterdeck.sqlite3").exists()


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} is in use" in sentence_of(run(tmp_path, "serve", "--port", str(port)), 1)


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["key", "create"], ["open"]], ids=" ".join)
def test_a_data_folder_that_cannot_be_written_is_told(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "a-file"
    file.write_text("in the way")
    for place in (file, file / "below", Path("/proc/quarterdeck")):
        assert str(place) in sentence_of(run(tmp_path, *command, QUARTERDECK_DATA_DIR=str(place)), 1)


def test_an_address_that_is_not_loopback_needs_an_owner_first(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "::"):
        assert host in sentence_of(run(tmp_path, "serve", "--host", host, "--port", "0"), 1)


@pytest.mark.parametrize("broken", [b"not a database" * 100, b"\x00" * 4096])
def test_a_database_that_is_none_is_told_and_left_alone(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "quarterdeck.sqlite3"
    file.write_bytes(broken)
    for command in (["key", "create"], ["serve", "--port", "0", "--no-browser"]):
        sentence_of(run(tmp_path, *command), 1)
    assert file.read_bytes() == broken


def test_a_damaged_secret_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_bytes(b"short")
    assert "secret.key" in sentence_of(run(tmp_path, "serve", "--port", "0", "--no-browser"), 1)


def test_a_second_server_on_the_same_data_folder_is_refused(server: Server) -> None:
    done = server.run("serve", "--port", "0")
    assert str(server.data_dir) in sentence_of(done, 1)
    assert "Another Quarterdeck is running" in done.stderr


def test_a_key_is_printed_alone_also_beside_a_running_server(server: Server, tmp_path: Path) -> None:
    for done in (run(tmp_path, "key", "create"), server.run("key", "create", "--name", "another")):
        assert re.fullmatch(r"qd_k[0-9a-z]{66}\n", done.stdout), done.stdout
        assert done.stderr == ""


def test_the_ready_line_is_alone_on_standard_output(server: Server) -> None:
    said = server.output.read_text()
    assert re.fullmatch(r"Quarterdeck is ready at http://127\.0\.0\.1:\d+/open\?link=[\w-]{20,}\n", said)


def test_options_count_more_than_the_environment(make_server: MakeServer) -> None:
    running = make_server(QUARTERDECK_PORT="1", QUARTERDECK_DATA_DIR="/proc/nowhere").start()
    assert (running.data_dir / "quarterdeck.sqlite3").exists()
    assert running.port > 1


def test_the_data_folder_is_closed_to_others(server: Server, http: object) -> None:
    assert http is not None
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    files = [file for file in server.data_dir.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"quarterdeck.sqlite3", "log.sqlite3", "secret.key"}
    assert [(file.name, oct(file.stat().st_mode & 0o777)) for file in files if file.stat().st_mode & 0o077] == []


def test_a_data_folder_in_a_place_open_to_all_is_closed_at_the_start(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        run(tmp_path, "key", "create")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "data").iterdir() if file.stat().st_mode & 0o077] == []


def test_interrupting_from_the_keyboard_ends_quietly(make_server: MakeServer) -> None:
    running = make_server().start()
    os.kill(running.pid, 2)
    assert running.wait() == 0
    assert "Traceback" not in running.log_text()


def test_streamlit_that_is_not_installed_is_told(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['streamlit'] = None\n")
    done = run(tmp_path, "streamlit", "--url", "http://127.0.0.1:1", PYTHONPATH=str(tmp_path))
    told = sentence_of(done, 1)
    assert told.endswith(f": run `{sys.executable} -m pip install 'quarterdeck[streamlit]'`.\n"), "where it is itself"
