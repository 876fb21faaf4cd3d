"""`backup` and `restore` as people use them: beside a running server, onto another machine, into another database."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import create_engine, select
from tests.conftest import Control, MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.installation import change, database_of, make_installation, run_dying, sums_in, sums_of
from tests.harness.postgres import Databases
from tests.harness.server import Server, clean_environment, run_command
from tests.harness.stored import fetch_messages
from tests.harness.upstream import Upstream
from tests.harness.waiting import trials, wait_until

from quarterdeck.domain.search_query import parse_query
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.listing import Listing, list_conversations
from quarterdeck.store.postgres import PostgresDatabase
from quarterdeck.store.search import index_all
from quarterdeck.store.search_find import SearchFilter, find_entries
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import users
from quarterdeck.store.transfer_places import Place, PostgresPlace, SqlitePlace


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return run_command(*arguments, folder=folder, environment=clean_environment(folder, **variables))


def sentence_of(done: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """What a failed command says, beside its progress."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    [said] = [line for line in done.stderr.splitlines() if line.startswith("quarterdeck: ")]
    assert said.endswith(".")
    return said


class Load:
    """Questions in several conversations at once, one after the other in each, until it is stopped."""

    def __init__(self, running: Server, model: str, writers: int = 4) -> None:
        self._running, self._model = running, model
        self.chats = [new_name("chat") for _ in range(writers)]
        self.answered: dict[str, list[str]] = {chat: [] for chat in self.chats}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(chat,)) for chat in self.chats]
        running.key  # noqa: B018 - made before anybody uses it
        for thread in self._threads:
            thread.start()

    def _write(self, chat: str) -> None:
        with self._running.http() as http:
            while not self._stop.is_set():
                question = new_name("question")
                answer = http.post("/chat_batch", json={"message": question, "chatId": chat, "model": self._model})
                assert answer.status_code == 200, answer.text
                self.answered[chat].append(question)

    def count(self) -> int:
        return sum(map(len, self.answered.values()))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def lines_of(backup: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a backup, by the names of their columns, read as the format's page says."""
    with zipfile.ZipFile(backup) as file:
        columns = json.loads(file.read("manifest.json"))["tables"][table]["columns"]
        return [
            dict(zip(columns, json.loads(line), strict=True))
            for line in file.read(f"tables/{table}.jsonl").splitlines()
        ]


def differences(there: httpx2.Client, here: httpx2.Client, backup: Path) -> tuple[list[str], int]:
    """Messages of the backup that two servers tell differently, byte by byte, and how many were compared."""
    wrong, count = [], 0
    complete = {row["id"] for row in lines_of(backup, "messages") if row["status"] == "complete"}
    for conversation in lines_of(backup, "conversations"):
        mine = {found["id"]: found for found in fetch_messages(here, conversation["external_id"])}
        for theirs in fetch_messages(there, conversation["external_id"]):
            if theirs["id"] in complete:
                count += 1
                if json.dumps(mine.get(theirs["id"])) != json.dumps(theirs):
                    wrong.append(f"{theirs} is {mine.get(theirs['id'])}")
    return wrong, count


def test_a_backup_under_load_is_one_moment_and_is_restored_elsewhere_byte_by_byte(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path, report: Report
) -> None:
    running = make_server().start()
    load = Load(running, upstream.model(Script(pieces=words(12), delay_s=0.002)))
    wrong: list[str] = []
    compared = 0
    backups: list[tuple[Path, dict[str, list[str]]]] = []
    try:
        wait_until(lambda: load.count() >= 8, "the first answers", 30)
        for number in range(trials(2, 6)):
            before = {chat: list(questions) for chat, questions in load.answered.items()}
            file = tmp_path / f"{number}.backup"
            done = running.run("backup", str(file))
            assert done.returncode == 0, done.stderr
            backups.append((file, before))
            said = load.count()
            wait_until(lambda said=said: load.count() >= said + 4, "the load to go on", 30)  # type: ignore[misc]
    finally:
        load.stop()
    for file, before in backups:
        elsewhere = make_server()
        done = elsewhere.run("restore", str(file))
        assert done.returncode == 0, done.stderr
        elsewhere.start()
        with running.http() as there, elsewhere.http(running.key) as here:
            found, count = differences(there, here, file)
            wrong += found
            compared += count
            for chat, questions in before.items():
                texts = [
                    part["text"] for found in fetch_messages(here, chat) for part in found["parts"] if "text" in part
                ]
                wrong += [
                    f"{question} was answered before the backup" for question in questions if question not in texts
                ]
        elsewhere.kill()
    report("G15 backup under load, restored elsewhere", wrong, compared)


def test_a_backup_of_several_moments_would_be_seen(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path, control: Control
) -> None:
    without = "one moment"
    running = make_server(WITHOUT=without).start()
    load = Load(running, upstream.model(Script(pieces=words(3))))
    try:
        wait_until(lambda: load.count() >= 8, "the first answers", 30)
        done = running.run("backup", str(tmp_path / "some.backup"))
        assert done.returncode == 0, done.stderr
    finally:
        load.stop()
    elsewhere = make_server()
    restored = elsewhere.run("restore", str(tmp_path / "some.backup"))
    wrong = [restored.stderr] if restored.returncode else []
    if not wrong:
        elsewhere.start()
        with running.http() as there, elsewhere.http(running.key) as here:
            wrong, _ = differences(there, here, tmp_path / "some.backup")
    control("G15 backup under load", without, wrong)


def test_the_comparison_sees_a_single_byte_that_is_different(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path
) -> None:
    running, elsewhere = make_server().start(), make_server()
    model = upstream.model(Script(pieces=["an answer"]))
    with running.http() as http:
        assert http.post("/chat_batch", json={"message": "Hello", "chatId": "one", "model": model}).text == "an answer"
    file = tmp_path / "one.backup"
    assert running.run("backup", str(file)).returncode == 0
    assert elsewhere.run("restore", str(file)).returncode == 0
    change(database_of(elsewhere.data_dir), "UPDATE messages SET parts = replace(parts, 'an answer', 'an Answer')")
    elsewhere.start()
    with running.http() as there, elsewhere.http(running.key) as here:
        wrong, count = differences(there, here, file)
    assert (len(wrong), count) == (1, 2)


def test_an_answer_that_was_being_written_is_finished_where_the_backup_is_restored(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path
) -> None:
    running, elsewhere = make_server().start(), make_server()
    script = Script(pieces=words(200), delay_s=0.05)
    model = upstream.model(script)
    file = tmp_path / "busy.backup"

    def ask() -> None:
        with (
            running.http() as http,
            http.stream("POST", "/chat_batch", json={"message": "Hi", "chatId": "a", "model": model}),
        ):
            assert running.run("backup", str(file)).returncode == 0

    ask()
    running.kill()
    assert [row["status"] for row in lines_of(file, "turns")] == ["running"]
    upstream.change(model, Script(pieces=["in the end"]))
    assert elsewhere.run("restore", str(file)).returncode == 0
    elsewhere.start()
    with elsewhere.http(running.key) as http:

        def ended() -> dict[str, Any] | None:
            [_, answer] = fetch_messages(http, "a")
            return answer if answer["status"] != "running" else None

        answer = wait_until(ended, "the answer to end", 20)
    assert answer["status"] == "complete"
    assert answer["parts"][0]["text"].endswith("in the end")


def make_searchable(folder: Path) -> None:
    engine = create_engine(f"sqlite:///{database_of(folder)}")
    with engine.begin() as connection:
        index_all(connection)
    engine.dispose()


async def found_in(database: Database) -> tuple[int, int]:
    """How many messages and titles are found, by what `make_installation` has put there."""

    def find(connection: ReadConnection) -> tuple[int, int]:
        owner = str(connection.execute(select(users.c.id)).scalar_one())
        said = SearchFilter(owner=owner, query=parse_query("3 "))
        titles = list_conversations(connection, Listing(owner=owner, query="E, NA"), after=None, limit=9)
        return len(find_entries(connection, said, before=None, limit=9)), len(titles)

    try:
        return await database.read(find)
    finally:
        await database.close()


async def search_file(folder: Path) -> tuple[int, int]:
    return await found_in(SqliteDatabase(database_of(folder)))


async def search_server(url: str) -> tuple[int, int]:
    return await found_in(PostgresDatabase(url, 1))


@pytest.mark.parametrize("way", ["file to server", "server to file", "server to server"])
def test_a_backup_of_one_kind_of_database_is_restored_into_the_other(
    tmp_path: Path, postgres: Databases, way: str
) -> None:
    source = make_installation(tmp_path / "data", 5)
    make_searchable(source)
    wanted = sums_in(source)
    url, other = postgres.new_database(is_empty=True), postgres.new_database(is_empty=True)
    first = {"QUARTERDECK_DATA_DIR": str(source)}
    if way != "file to server":
        done = run(tmp_path / "work", "copy-database", url, **first)
        assert done.returncode == 0, done.stderr
        first = {"QUARTERDECK_DATA_DIR": str(tmp_path / "fleet"), "QUARTERDECK_DATABASE_URL": url}
    second = {"QUARTERDECK_DATA_DIR": str(tmp_path / "new")}
    if way != "server to file":
        second["QUARTERDECK_DATABASE_URL"] = other
    assert run(tmp_path / "work", "backup", "all.backup", **first).returncode == 0
    done = run(tmp_path / "work", "restore", "all.backup", **second)
    assert done.returncode == 0, done.stderr
    assert (sums_in(tmp_path / "new") if way == "server to file" else sums_of(PostgresPlace(other))) == wanted
    assert "not empty" in sentence_of(run(tmp_path / "work", "restore", "all.backup", **second))
    done = run(tmp_path / "work", "restore", "all.backup", "--replace", **second)
    assert done.returncode == 0, done.stderr
    assert (sums_in(tmp_path / "new") if way == "server to file" else sums_of(PostgresPlace(other))) == wanted
    search = search_file(tmp_path / "new") if way == "server to file" else search_server(other)
    assert asyncio.run(search) == asyncio.run(search_file(source)) == (2, 1)


def test_while_a_server_runs_nothing_is_put_in_the_place_of_its_database(
    make_server: MakeServer, postgres: Databases, tmp_path: Path
) -> None:
    running = make_server().start()
    file = tmp_path / "all.backup"
    assert running.run("backup", str(file)).returncode == 0
    assert "is running on the data folder" in sentence_of(running.run("restore", str(file), "--replace"))
    assert "is running on the data folder" in sentence_of(running.run("copy-database", postgres.new_database()))
    url = postgres.new_database() + "?application_name=chat"
    fleet = make_server(QUARTERDECK_DATABASE_URL=url).start()
    elsewhere = {"QUARTERDECK_DATA_DIR": str(tmp_path / "another")}
    said = sentence_of(fleet.run("restore", str(file), "--replace", **elsewhere))
    assert "is running on the database" in said


NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}  # on a full disk Python leaves a part of it, and trusts that later


def limit_files() -> None:
    """Each file ends at 4 KiB, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_on_a_full_disk_it_is_said_and_nothing_is_changed(tmp_path: Path, command: str) -> None:
    source = make_installation(tmp_path / "data", 40, text="".join(new_name("text") for _ in range(30)))
    mine = make_installation(tmp_path / "mine", 2)
    file = tmp_path / "all.backup"
    given = {"QUARTERDECK_DATA_DIR": str(source)}
    arguments = ["backup", str(file)]
    if command == "restore":
        assert run(tmp_path / "work", *arguments, **given).returncode == 0
        given, arguments = {"QUARTERDECK_DATA_DIR": str(mine)}, ["restore", str(file), "--replace"]
    before = sums_in(mine)
    (tmp_path / "work").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "quarterdeck", *arguments], cwd=tmp_path / "work", capture_output=True, text=True,
        env=clean_environment(tmp_path, **given, **NO_BYTECODE), preexec_fn=limit_files, timeout=60,
    )  # fmt: skip
    sentence_of(done)
    assert sums_in(mine) == before
    assert file.exists() == (command == "restore")
    assert [found.name for found in tmp_path.iterdir() if found.name.endswith(".part")] == []
    assert {found.name for found in mine.iterdir()} <= {"quarterdeck.sqlite3", "serve.lock"}


def test_a_backup_whose_key_is_damaged_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    source, mine = make_installation(tmp_path / "data", 2), make_installation(tmp_path / "mine", 3)
    (source / "secret.key").write_bytes(bytes(range(32)))
    file = tmp_path / "all.backup"
    work = tmp_path / "work"
    assert run(work, "backup", str(file), "--with-secrets", QUARTERDECK_DATA_DIR=str(source)).returncode == 0
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        key = archive.getinfo("secret.key")
    content[key.header_offset + 30 + len("secret.key") + key.compress_size // 2] ^= 0xFF
    file.write_bytes(content)
    before = sums_in(mine)
    done = run(work, "restore", str(file), "--replace", QUARTERDECK_DATA_DIR=str(mine))
    assert "is damaged" in sentence_of(done)
    assert sums_in(mine) == before


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_restore_that_is_killed_leaves_the_old_or_the_new(
    tmp_path: Path, postgres: Databases, report: Report, kind: str
) -> None:
    work = tmp_path / "work"
    source = make_installation(tmp_path / "source", 3)
    backup = tmp_path / "all.backup"
    assert run(work, "backup", str(backup), QUARTERDECK_DATA_DIR=str(source)).returncode == 0
    template = make_installation(tmp_path / "template", 2)
    old, new = sums_in(template), sums_in(source)

    def make(name: str) -> tuple[Place, dict[str, str]]:
        folder = shutil.copytree(template, tmp_path / name)
        given = {"QUARTERDECK_DATA_DIR": str(folder)}
        if kind == "file":
            return SqlitePlace(database_of(folder)), clean_environment(tmp_path, **given)
        url = postgres.new_database(is_empty=True)
        assert run(work, "copy-database", url, **given).returncode == 0
        return PostgresPlace(url), clean_environment(tmp_path, QUARTERDECK_DATABASE_URL=url, **given)

    def bring_back(at: int, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return run_dying(at, "restore", str(backup), "--replace", folder=work, environment=environment)

    words_in_all = int(bring_back(0, make("all")[1]).stderr.split("words: ")[1])
    count = trials(3, 40)
    points = sorted({1 + words_in_all * number // count for number in range(count)} | {words_in_all - 1, words_in_all})
    wrong, was_old = [], 0
    place, environment = make("mine")
    for point in points:
        done = bring_back(point, environment)
        found = sums_of(place)
        wrong += [] if done.returncode < 0 else [f"at {point}: not killed, {done.stderr}"]
        wrong += [] if found in (old, new) else [f"at {point}: {found}"]
        was_old += found == old
    assert was_old, "none was killed before the end"
    assert bring_back(0, environment).returncode == 0
    assert sums_of(place) == new
    assert not list((tmp_path / "mine").glob("*.restoring-*"))
    report(f"G13 restore killed on the {kind}, {words_in_all} words", wrong, len(points))


def test_a_backup_says_whether_it_can_open_what_is_sealed(tmp_path: Path) -> None:
    source = make_installation(tmp_path / "data", 1)
    given = {"QUARTERDECK_DATA_DIR": str(source)}
    work = tmp_path / "work"
    assert "no secret.key" in sentence_of(run(work, "backup", "a.backup", "--with-secrets", **given))
    (source / "secret.key").write_bytes(os.urandom(32))
    done = run(work, "backup", "a.backup", "--with-secrets", **given)
    assert "It contains secret.key" in done.stdout
    done = run(work, "backup", "b.backup", **given)
    assert "secret.key is not in it" in done.stdout
    done = run(work, "restore", str(work / "b.backup"), QUARTERDECK_DATA_DIR=str(tmp_path / "b"))
    assert "1 provider keys open only with the secret.key" in done.stdout
    run(work, "restore", str(work / "a.backup"), QUARTERDECK_DATA_DIR=str(tmp_path / "a"))
    assert (tmp_path / "a" / "secret.key").read_bytes() == (source / "secret.key").read_bytes()
