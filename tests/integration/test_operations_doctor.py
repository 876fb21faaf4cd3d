"""`doctor`: what is well, what is not, what to do; never a secret, and nothing is changed."""

from __future__ import annotations

import base64
import json
import os
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.conftest import MakeServer
from tests.fakes.script import Script
from tests.harness.installation import change, database_of, make_installation
from tests.harness.postgres import Databases
from tests.harness.server import Server, clean_environment, run_command
from tests.harness.upstream import UPSTREAM_KEY, Upstream
from tests.harness.valkey import AnyRedis
from tests.harness.waiting import wait_until

from quarterdeck.accounts.vault import Vault
from quarterdeck.store.transfer_schema import make_tables

SECRET = "sk-canary-stored-9a8b7c6d5e4f"


def examine(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {"QUARTERDECK_DATA_DIR": str(folder), "QUARTERDECK_PORT": str(free_port())} | variables
    done = run_command("doctor", *options, folder=folder.parent, environment=clean_environment(folder.parent, **given))
    assert done.stderr == ""
    assert SECRET not in done.stdout
    assert UPSTREAM_KEY not in done.stdout
    return done


def findings(folder: Path, *options: str, **variables: str) -> dict[str, tuple[str, str]]:
    """State and words of each subject; the worst where there are several."""
    done = examine(folder, "--json", *options, **variables)
    said = json.loads(done.stdout)
    found: dict[str, tuple[str, str]] = {}
    order = ("ok", "warn", "fail")
    for finding in said["findings"]:
        assert bool(finding["advice"]) == (finding["state"] != "ok")
        before = found.get(finding["subject"], ("ok", ""))
        if order.index(finding["state"]) >= order.index(before[0]):
            found[finding["subject"]] = (finding["state"], finding["says"])
    failed = any(state == "fail" for state, _ in found.values())
    assert (done.returncode, said["ok"]) == ((1, False) if failed else (0, True))
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a stored key that its secret.key opens."""
    made = make_installation(tmp_path / "data", 2)
    key = os.urandom(32)
    (made / "secret.key").write_bytes(key)
    (made / "secret.key").chmod(0o600)
    seal(made, key)
    os.chmod(database_of(made), 0o600)
    return made


def seal(folder: Path, key: bytes) -> None:
    change(
        database_of(folder),
        "UPDATE endpoints SET key_sealed = ?",
        Vault(lambda: (key,)).seal(SECRET, "endpoint:openai"),
    )


def test_a_fresh_machine_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    done = examine(tmp_path / "data")
    assert done.returncode == 0
    assert all(line.startswith(("ok   ", "warn ")) for line in done.stdout.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_a_good_installation_is_well(folder: Path) -> None:
    found = findings(folder)
    assert {state for state, _ in found.values()} == {"ok"}, found
    assert "openai is connected" in found["provider"][1]


def test_what_others_may_read_is_told(folder: Path) -> None:
    database_of(folder).chmod(0o644)
    assert findings(folder)["data folder"][0] == "warn"


def test_a_key_that_does_not_open_what_is_stored_is_told(folder: Path) -> None:
    seal(folder, os.urandom(32))
    assert findings(folder)["secret key"] == ("fail", "the stored key of openai cannot be opened")
    (folder / "secret.key").unlink()
    assert "is not there" in findings(folder)["secret key"][1]
    (folder / "secret.key").write_bytes(b"short")
    assert findings(folder)["secret key"][0] == "fail"
    key = os.urandom(32)
    seal(folder, key)
    given = base64.b64encode(key).decode()
    assert findings(folder, QUARTERDECK_SECRET_KEY=given)["secret key"] == ("ok", "from QUARTERDECK_SECRET_KEY")
    assert findings(folder, QUARTERDECK_SECRET_KEY="nonsense")["secret key"][0] == "fail"


def test_a_database_that_is_damaged_older_or_newer_is_told(folder: Path) -> None:
    change(database_of(folder), "UPDATE alembic_version SET version_num = '0001'")
    assert findings(folder)["tables"][0] == "warn"
    change(database_of(folder), "UPDATE alembic_version SET version_num = '9999'")
    assert findings(folder)["tables"][0] == "fail"
    change(database_of(folder), "DELETE FROM users")
    assert findings(folder)["integrity"][0] == "fail"
    with database_of(folder).open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    found = findings(folder)
    assert "fail" in (found.get("integrity", ("", ""))[0], found["database"][0])
    database_of(folder).write_bytes(b"no database" * 100)
    assert findings(folder)["database"][0] == "fail"


def test_settings_that_cannot_be_read_are_one_line(folder: Path) -> None:
    assert findings(folder, QUARTERDECK_MIN_CHUNK_CHARS="many")["settings"][0] == "fail"
    found = findings(folder, QUARTERDECK_DATABASE_URL=f"postgresql://ann:{SECRET}@host:x/y")
    assert found["settings"][0] == "fail"


def test_a_table_or_a_column_that_is_missing_is_named(folder: Path, postgres: Databases, tmp_path: Path) -> None:
    for statement in (
        "DROP TABLE shares",
        "ALTER TABLE messages DROP COLUMN speaker",
        "ALTER TABLE turns DROP COLUMN decisions",
        "ALTER TABLE turns DROP COLUMN asked",
        "DROP TRIGGER search_entries_update",
    ):
        change(database_of(folder), statement)
    fails = "without it, parts of Quarterdeck fail"
    assert said_missing(examine(folder)) == [
        f"fail tables: messages has no column speaker: {fails}",
        f"fail tables: search_entries_update is missing: {fails}",
        f"fail tables: shares is missing: {fails}",
        "fail tables: turns has no columns decisions and asked: without them, parts of Quarterdeck fail",
    ]
    url = postgres.new_database()
    for statement in ("DROP TABLE share_messages", "ALTER TABLE shares DROP COLUMN title, DROP COLUMN secret_hash"):
        postgres.ask(statement, url)
    assert said_missing(examine(tmp_path / "other", QUARTERDECK_DATABASE_URL=url)) == [
        "fail tables: share_messages is missing: without it, parts of Quarterdeck fail",
        "fail tables: shares has no columns secret_hash and title: without them, parts of Quarterdeck fail",
    ]


def test_an_index_that_is_missing_is_named_and_comes_back_with_a_backup(
    folder: Path, postgres: Databases, tmp_path: Path
) -> None:
    def said(folder: Path, **settings: str) -> list[str]:
        lines = [line for line in examine(folder, **settings).stdout.splitlines() if " indexes: " in line]
        return [line.partition(" → ")[0] for line in lines]

    expected = [
        "warn indexes: ix_messages_owner of messages is missing: what is looked for by it takes longer",
        "fail indexes: uq_users_name_key of users is missing: what must be there once can be there twice",
    ]
    dropped = ("DROP INDEX ix_messages_owner", "DROP INDEX uq_users_name_key")
    assert said(folder) == []
    for statement in dropped:
        change(database_of(folder), statement)
    assert sorted(said(folder)) == sorted(expected)
    kept = str(tmp_path / "kept.backup")
    for arguments in (("backup", kept), ("restore", kept, "--replace")):
        done = run_command(
            *arguments, folder=tmp_path, environment=clean_environment(tmp_path, QUARTERDECK_DATA_DIR=str(folder))
        )
        assert done.returncode == 0, done.stderr
    assert said(folder) == []

    url = postgres.new_database()
    assert said(tmp_path / "other", QUARTERDECK_DATABASE_URL=url) == []
    for statement in dropped:
        postgres.ask(statement, url)
    assert sorted(said(tmp_path / "other", QUARTERDECK_DATABASE_URL=url)) == sorted(expected)


def test_what_an_older_database_lacks_of_this_version_is_not_missing(tmp_path: Path) -> None:
    older = tmp_path / "data" / "quarterdeck.sqlite3"
    older.parent.mkdir(mode=0o700)
    engine = create_engine(f"sqlite:///{older}")
    with engine.begin() as connection:
        make_tables(connection, "0007")
    engine.dispose()
    assert said_missing(examine(older.parent)) == []
    change(older, "DROP TABLE prices")
    assert said_missing(examine(older.parent)) == [
        "fail tables: prices is missing: without it, parts of Quarterdeck fail"
    ]


def said_missing(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines about it without their advice, which is the same for each."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("fail tables")]
    assert all(line.endswith(" → Restore a backup: quarterdeck restore FILE --replace") for line in lines)
    assert done.returncode == (1 if lines else 0)
    return sorted(line.partition(" → ")[0] for line in lines)


def test_a_port_is_free_ours_or_somebody_elses(make_server: MakeServer) -> None:
    running = make_server().start()
    port = str(running.port)
    assert findings(running.data_dir, QUARTERDECK_PORT=port)["port"] == (
        "ok",
        f"Quarterdeck answers on 127.0.0.1:{port}",
    )
    elsewhere = findings(running.data_dir)["port"]
    assert elsewhere == ("ok", f"Quarterdeck answers on 127.0.0.1:{port}"), "its folder says where it runs"
    running.kill()
    assert findings(running.data_dir)["port"][1].endswith(" is free")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert findings(running.data_dir, QUARTERDECK_PORT=port)["port"][0] == "fail"


def test_providers_are_asked_only_when_it_is_wanted(folder: Path, upstream: Upstream) -> None:
    change(database_of(folder), "DELETE FROM endpoints")
    model = upstream.model(Script(pieces=["never asked"]))
    given = upstream.environment
    assert "not asked" in findings(folder, **given)["provider"][1]
    state, said = findings(folder, "--online", **given)["provider"]
    assert (state, "openai answers in" in said) == ("ok", True)
    wrong_key = given | {"OPENAI_API_KEY": SECRET}
    assert findings(folder, "--online", **wrong_key)["provider"][0] == "fail"
    nobody = given | {"OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}
    assert findings(folder, "--online", **nobody)["provider"][0] == "fail"
    assert upstream.requests(model) == []


def test_the_engines_of_a_fleet_are_examined(tmp_path: Path, postgres: Databases, valkey: AnyRedis) -> None:
    url = postgres.new_database()
    both = {"QUARTERDECK_DATABASE_URL": url, "QUARTERDECK_REDIS_URL": valkey.url}
    found = findings(tmp_path / "data", **both)
    assert found["database"][1].startswith("PostgreSQL ")
    assert (found["clock"][0], found["connections"][0], found["tables"][0]) == ("ok", "ok", "ok")
    assert "Valkey" in found["log"][1] or "Redis" in found["log"][1]
    assert found["processes"][0] == "warn", "no key that all have"
    secret = base64.b64encode(os.urandom(32)).decode()
    assert findings(tmp_path / "data", QUARTERDECK_SECRET_KEY=secret, **both)["processes"][0] == "ok"
    alone = findings(tmp_path / "data", QUARTERDECK_REDIS_URL=valkey.url)
    assert alone["processes"][0] == "warn"


def test_an_engine_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    port = free_port()
    found = findings(tmp_path / "data", QUARTERDECK_DATABASE_URL=f"postgresql://ann:{SECRET}@127.0.0.1:{port}/x")
    assert (found["database"][0], found["log"][0]) == ("fail", "fail")
    found = findings(tmp_path / "data", QUARTERDECK_REDIS_URL=f"redis://:{SECRET}@127.0.0.1:{port}/0")
    assert found["log"][0] == "fail"


def test_an_examination_beside_a_running_server_changes_nothing(make_server: MakeServer) -> None:
    running: Server = make_server().start()
    assert running.run("key", "create").returncode == 0

    def rows() -> list[object]:
        with closing(sqlite3.connect(database_of(running.data_dir))) as connection:
            return [connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("users", "api_keys")]  # noqa: S608 - fixed names

    before = rows(), sorted(file.name for file in running.data_dir.iterdir())
    assert findings(running.data_dir, QUARTERDECK_PORT=str(running.port))["database"][0] == "ok"
    assert (rows(), sorted(file.name for file in running.data_dir.iterdir())) == before


def test_the_embedding_model_is_told_with_what_is_missing_and_when_it_does_not_answer(
    make_server: MakeServer, upstream: Upstream
) -> None:
    server = make_server(QUARTERDECK_LEARN_AFTER_S="0", QUARTERDECK_TITLES="0").start()
    assert findings(server.data_dir)["memory"] == ("ok", "finds by words alone; no embedding model is chosen")
    assert "finds by words alone" in server.run("memory", "status").stdout
    model = upstream.model(Script())
    with server.http() as http:
        http.post("/chat_batch", json={"message": "I like soup.", "model": "builtin/log-reader"}).raise_for_status()
        http.get("/api/search", params={"q": "soup"}).raise_for_status()  # what was said is in the index then
        http.put("/api/admin/memory", json={"model": model}).raise_for_status()
        wait_until(lambda: http.get("/api/admin/memory").json()["state"] == "ready", "the vectors")
        done = http.get("/api/admin/memory").json()["done"]
        assert done > 0
        told = server.run("memory", "status").stdout
        assert told == f"Model: {model} (chosen in the page)\nVectors: {done}, missing: 0\nCompared by: numpy\n"
        said = f"{model} has made {done} vectors, none is missing; compared by numpy"
        assert findings(server.data_dir, **upstream.environment)["memory"] == ("ok", said)

        upstream.change(model, Script(status=503))
        state, says = findings(server.data_dir, "--online", **upstream.environment)["memory"]
        assert (state, bool(says)) == ("fail", True)
        http.post("/chat_batch", json={"message": "And rain.", "model": "builtin/log-reader"}).raise_for_status()
        wait_until(lambda: http.get("/api/admin/memory").json()["state"] == "failing", "the fault")
        state, says = findings(server.data_dir, **upstream.environment)["memory"]
        assert (state, f"{model} made no vectors when it was asked last" in says) == ("warn", True)
        assert "No vectors just now: " in server.run("memory", "status").stdout
    folder = server.data_dir
    assert findings(folder, QUARTERDECK_EMBEDDING_MODEL="local/nothing-here")["memory"][0] == "warn", "the row wins"


def test_an_embedding_model_that_is_not_installed_is_a_failure(tmp_path: Path) -> None:
    folder = make_installation(tmp_path / "data")
    state, says = findings(folder, QUARTERDECK_EMBEDDING_MODEL="local/nothing-here")["memory"]
    assert (state, "The embedding model nothing-here is not here" in says) == ("fail", True)


def test_a_misspelled_setting_and_half_of_two_are_told(tmp_path: Path) -> None:
    folder = make_installation(tmp_path / "data")
    assert findings(folder)["settings"] == ("ok", "can be read")
    said = examine(folder, QUARTERDECK_PUBLIC_ULR="https://chat.example.org", QUARTERDECK_KEY="qd_k").stdout
    assert "QUARTERDECK_PUBLIC_ULR is no setting, so nobody reads it → Did you mean QUARTERDECK_PUBLIC_URL?" in said
    assert "QUARTERDECK_KEY" not in said
    state, says = findings(folder, QUARTERDECK_GOOGLE_CLIENT_ID="someone")["settings"]
    assert (state, says) == ("warn", "QUARTERDECK_GOOGLE_CLIENT_ID is set without QUARTERDECK_GOOGLE_CLIENT_SECRET")
