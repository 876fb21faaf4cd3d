"""`copy-database`: from a data folder to PostgreSQL, killed and run again, compared to the last byte."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.installation import change, database_of, make_installation, run_dying, sums_in, sums_of
from tests.harness.postgres import Databases
from tests.harness.server import clean_environment, run_command
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until
from tests.unit.store.stored import open_place

from quarterdeck.store.migrate import HEAD
from quarterdeck.store.transfer_places import PostgresPlace

_SPACE = "local/x#5f0c31d2a9be"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_installation(tmp_path / "data", 30)


def environment_of(source: Path, **variables: str) -> dict[str, str]:
    return clean_environment(source.parent, QUARTERDECK_DATA_DIR=str(source), **variables)


def copy(source: Path, url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_command("copy-database", url, folder=source.parent, environment=environment_of(source, **variables))


def said_by(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal_of(done: subprocess.CompletedProcess[str], status: int = 1) -> str:
    assert done.returncode == status, done
    assert "Traceback" not in done.stderr
    [said] = [line for line in done.stderr.splitlines() if line.startswith("quarterdeck: ")]
    return said


def test_everything_arrives_and_it_is_said_what_to_set_without_the_password(source: Path, postgres: Databases) -> None:
    url = postgres.new_database(is_empty=True)
    given = url.replace("postgres@", "postgres:open%20sesame@") + "?application_name=moving"
    done = copy(source, given)
    assert "30 conversations, 60 messages" in said_by(done)
    assert f"QUARTERDECK_DATABASE_URL={given.replace('open%20sesame', '…')} " in done.stdout
    assert "sesame" not in done.stdout + done.stderr
    assert not {"\x1b", "\r"} & set(done.stderr), "no bar where there is no terminal"
    assert sums_of(PostgresPlace(url)) == sums_in(source)


def test_vectors_arrive_and_are_compared_there(source: Path, postgres: Databases) -> None:
    pytest.importorskip("numpy")
    from quarterdeck.memory.meaning import OnServer, pack
    from quarterdeck.store.pgvector import is_ready
    from quarterdeck.store.pgvector_upkeep import keep_up

    if not postgres.ask("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("the server that was given has no pgvector")
    put = "INSERT INTO vectors (key_id, model, owner_id, made_at, vector) VALUES (?, ?, 'ann', 1, ?)"
    with closing(sqlite3.connect(database_of(source))) as connection:
        connection.executemany(put, [("near", _SPACE, pack([1.0, 0.0])), ("far", _SPACE, pack([-1.0, 0.0]))])
        connection.commit()
    url = postgres.new_database(is_empty=True)
    said_by(copy(source, url))
    assert sums_of(PostgresPlace(url)) == sums_in(source)

    async def find() -> dict[str, float]:
        async with open_place(url) as database:
            await keep_up(database)
            assert await database.read(is_ready)
            return await database.read(lambda connection: OnServer(connection, "ann", _SPACE).find([1.0, 0.0], 9))

    assert asyncio.run(find()) == pytest.approx({"near": 1.0, "far": -1.0})


def revision_of(postgres: Databases, url: str) -> str:
    has_one = postgres.ask("SELECT count(*) FROM pg_tables WHERE tablename = 'alembic_version'", url) == "1"
    return postgres.ask("SELECT version_num FROM alembic_version", url) if has_one else ""


def test_a_copy_that_is_killed_anywhere_goes_on_and_doubles_nothing(
    source: Path, postgres: Databases, report: Report
) -> None:
    wanted, wrong, resumed, tried = sums_in(source), [], 0, 0
    url = postgres.new_database(is_empty=True)
    environment = environment_of(source)
    words_in_all = int(
        run_dying(0, "copy-database", url, folder=source.parent, environment=environment).stderr.split("words: ")[1]
    )
    count = trials(4, 40)
    for number in range(count):
        url = postgres.new_database(is_empty=True)
        at = 1 + words_in_all * number // count
        done = run_dying(at, "copy-database", url, folder=source.parent, environment=environment)
        wrong += [] if done.returncode < 0 else [f"at {at}: not killed, {done.stderr}"]
        if revision_of(postgres, url) != HEAD:
            done = run_dying(words_in_all // 2, "copy-database", url, folder=source.parent, environment=environment)
            wrong += [] if done.returncode <= 0 else [f"at {at}, again: {done.stderr}"]
        tried += 2
        revision = revision_of(postgres, url)
        assert revision in ("", "copying", HEAD)
        resumed += revision == "copying"
        if revision != HEAD:
            said_by(copy(source, url))
        wrong += [] if sums_of(PostgresPlace(url)) == wanted else [f"at {at}: not the same"]
    assert resumed, "none had begun to fill the tables"
    report("G13 copy-database killed and run again", wrong, tried)


def test_the_rows_of_an_earlier_run_are_not_copied_again(source: Path, postgres: Databases) -> None:
    url = postgres.new_database(is_empty=True)
    said_by(copy(source, url))
    postgres.ask("UPDATE alembic_version SET version_num = 'copying'", url)
    postgres.ask("DELETE FROM turn_steps WHERE step > 10", url)
    before = postgres.ask("SELECT xmin, id FROM messages ORDER BY id", url)
    there = sum(table.rows for table in sums_of(PostgresPlace(url)).values())
    assert f"{there} of the rows were there already" in said_by(copy(source, url))
    assert postgres.ask("SELECT xmin, id FROM messages ORDER BY id", url) == before
    assert sums_of(PostgresPlace(url)) == sums_in(source)


def test_a_source_that_has_changed_since_the_first_run_is_copied_anew(source: Path, postgres: Databases) -> None:
    url = postgres.new_database(is_empty=True)
    said_by(copy(source, url))
    postgres.ask("UPDATE alembic_version SET version_num = 'copying'", url)
    change(database_of(source), "UPDATE messages SET parts = '[]' WHERE rowid % 3 = 0")
    change(database_of(source), "DELETE FROM turn_steps WHERE step < 5")
    assert "from an earlier run" not in said_by(copy(source, url))
    assert sums_of(PostgresPlace(url)) == sums_in(source)


def test_until_it_is_finished_no_server_starts_on_it(
    source: Path, postgres: Databases, make_server: MakeServer
) -> None:
    url = postgres.new_database()
    postgres.ask("UPDATE alembic_version SET version_num = 'copying'", url)
    server = make_server(QUARTERDECK_DATABASE_URL=url)
    assert "A copy into this database was begun and is not finished" in refusal_of(server.run("migrate"))
    assert "A copy into this database" in refusal_of(server.run("serve", "--port", "0", "--no-browser"))


def test_a_target_that_holds_something_is_refused_and_left_alone(source: Path, postgres: Databases) -> None:
    foreign, used = postgres.new_database(is_empty=True), postgres.new_database()
    postgres.ask("CREATE TABLE invoices (id int)", foreign)
    assert "belongs to another program: it has a table invoices" in refusal_of(copy(source, foreign))
    assert postgres.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", foreign) == "invoices"
    postgres.ask("INSERT INTO users VALUES ('1', 'ben', 'owner', 0)", used)
    assert "holds data already" in refusal_of(copy(source, used))
    assert postgres.ask("SELECT name FROM users", used) == "ben"


def test_text_that_postgresql_cannot_hold_is_mended_and_counted(tmp_path: Path, postgres: Databases) -> None:
    source = make_installation(tmp_path / "data", 4, text="a\0b")
    change(database_of(source), "UPDATE conversations SET instructions = CAST(X'61EDA080FF62' AS TEXT)")
    url = postgres.new_database(is_empty=True)
    said = said_by(copy(source, url))
    assert "12 rows with the character NUL and 4 unreadable texts" in said
    assert postgres.ask("SELECT DISTINCT title, left(instructions, 1) FROM conversations", url) == "a\ufffdb|a"


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("mysql://localhost/x", 2, "write postgresql://user:password@host/database"),
        ("postgresql://ann:sesame@127.0.0.1:1/nowhere", 1, "cannot be reached"),
        ("postgresql://ann:sesame@127.0.0.1:x/nowhere", 2, "port is not a number"),
    ],
)
def test_a_target_that_is_none_is_told_without_the_password(source: Path, url: str, status: int, said: str) -> None:
    done = copy(source, url)
    assert said in refusal_of(done, status)
    assert "QUARTERDECK_DATABASE_URL" not in done.stderr
    assert "sesame" not in done.stderr


def test_a_folder_without_a_database_is_told(tmp_path: Path, postgres: Databases) -> None:
    assert "There is no SQLite database" in refusal_of(copy(tmp_path / "nowhere", postgres.new_database(is_empty=True)))


def test_an_answer_that_was_being_written_goes_on_with_its_text_after_the_move(
    make_server: MakeServer, upstream: Upstream, postgres: Databases
) -> None:
    running = make_server().start()
    model = upstream.model(Script(pieces=words(400), delay_s=0.02))
    with running.http() as http:
        with http.stream("POST", "/chat_batch", json={"message": "Hi", "chatId": "a", "model": model}) as answer:
            seen = ""
            for text in answer.iter_text():
                seen += text
                if len(seen) > 100:
                    break
        running.kill()
    upstream.change(model, Script(pieces=["the end"]))
    url = postgres.new_database(is_empty=True)
    assert "1 answers that were being written" in said_by(running.run("copy-database", url))
    moved = make_server(QUARTERDECK_DATABASE_URL=url)
    os.replace(running.data_dir, moved.data_dir)
    moved.start()
    with moved.http(running.key) as http:

        def ended() -> str | None:
            [_, answer] = fetch_messages(http, "a")
            return text_of(answer) if answer["status"] == "complete" else None

        text = wait_until(ended, "the answer to end", 30)
    assert text.startswith(seen)
    assert text.endswith("the end")
