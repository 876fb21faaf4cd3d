"""What would break a promise is refused in one sentence that says which setting to change."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.harness.valkey import free_port
from tests.integration.test_command_line import run, sentence_of

DATABASE = {"QUARTERDECK_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
REDIS = {"QUARTERDECK_REDIS_URL": "redis://127.0.0.1:9/0"}
ON_ONE_FILE = (
    "quarterdeck: Several processes on one SQLite file would break what Quarterdeck promises. "
    "Set QUARTERDECK_DATABASE_URL to a PostgreSQL address, or use --workers 1.\n"
)
NO_REDIS = (
    "quarterdeck: With --workers 0 the turns are run by `quarterdeck worker`, which needs Redis: "
    "set QUARTERDECK_REDIS_URL.\n"
)
NO_ENGINES = (
    "quarterdeck: quarterdeck worker needs PostgreSQL and Redis: "
    "set QUARTERDECK_DATABASE_URL and QUARTERDECK_REDIS_URL.\n"
)
REFUSALS: list[tuple[list[str], dict[str, str], str]] = [
    (["serve", "--workers", "2"], {}, ON_ONE_FILE),
    (["serve", "--workers", "2"], REDIS, ON_ONE_FILE),
    (["serve", "--workers", "0"], {}, ON_ONE_FILE),
    (["serve", "--workers", "0"], REDIS, ON_ONE_FILE),
    (["serve", "--workers", "0"], DATABASE, NO_REDIS),
    (["worker"], {}, NO_ENGINES),
    (["worker"], DATABASE, NO_ENGINES),
    (["worker"], REDIS, NO_ENGINES),
]


@pytest.mark.parametrize(("command", "variables", "sentence"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_deployment_that_could_not_keep_its_promises_is_refused(
    tmp_path: Path, command: list[str], variables: dict[str, str], sentence: str
) -> None:
    assert sentence_of(run(tmp_path, *command, **variables), 1) == sentence
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", [["serve"], ["serve", "--workers", "3"], ["worker"]], ids=" ".join)
def test_a_database_that_is_not_there_is_told_once(tmp_path: Path, command: list[str]) -> None:
    nowhere = {
        "QUARTERDECK_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{free_port()}/none",
        "QUARTERDECK_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "QUARTERDECK_PORT": "0",
    }
    done = run(tmp_path, *command, **nowhere)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("quarterdeck: ")]
    assert len([line for line in told if "database" in line.lower()]) == 1, done.stderr


def test_a_port_for_probes_that_is_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = sentence_of(run(tmp_path, "worker", "--health-port", str(port), **DATABASE, **REDIS), 1)
    assert said == f"quarterdeck: Port {port} is in use. Stop what uses it, or choose another with --health-port.\n"
