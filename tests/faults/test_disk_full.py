"""G14: a disk that is full. Clear errors, nothing that was acknowledged is lost, and it goes on afterwards."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conftest import Control, MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.checks import find_differences, find_disorder, texts_of
from tests.harness.full_client import Frame, new_name, open_full
from tests.harness.installation import change, database_of, make_installation, sums_in
from tests.harness.server import Server, clean_environment
from tests.harness.stored import fetch_message, fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until


@contextlib.contextmanager
def full_disk(running: Server) -> Iterator[None]:
    """No file of the process may grow beyond 4 KiB: each write behind that fails as on a full disk."""
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def post(http: httpx2.Client, chat: str, model: str) -> httpx2.Response:
    return http.post("/chat_batch", json={"message": f"in {chat}", "chatId": chat, "model": model})


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server(PYTHONDONTWRITEBYTECODE="1").start()
    model = upstream.model(Script(pieces=["ok"]))
    wrong: list[str] = []
    with running.http() as http:
        before = [new_name("chat") for _ in range(5)]
        assert [post(http, chat, model).text for chat in before] == ["ok"] * 5
        with full_disk(running):
            refused = [new_name("chat") for _ in range(5)]
            wrong += [problem for chat in refused for problem in _check_refusal(post(http, chat, model))]
            assert http.get("/api/conversations").status_code == 200, "reading goes on"
        wait_until(lambda: post(http, "afterwards", model).status_code == 200, "the server to go on")
        running.kill()
    running.restart()
    with running.http() as http:
        for chat in (*before, "afterwards"):
            found = [text_of(message) for message in fetch_messages(http, chat)]
            wrong += [] if found[:2] == [f"in {chat}", "ok"] else [f"{chat}: {found}"]
        known = [chat for chat in refused if http.get(f"/api/conversations/{chat}").status_code != 404]
        wrong += [f"{chat} was refused and is there" for chat in known]
    report("G14 a full disk", wrong, 11)


async def test_what_a_full_disk_loses_would_be_seen(
    make_server: MakeServer, upstream: Upstream, control: Control
) -> None:
    without = "refusing what is not written"
    running = make_server(PYTHONDONTWRITEBYTECODE="1", WITHOUT=without).start()
    model = upstream.model(Script(pieces=["ok"]))
    async with open_full(running.port, running.key) as client:
        accepted: list[Frame] = []
        with full_disk(running):
            for _ in range(20):  # one that shares its transaction with a background job is refused all the same
                reply = await client.ask(
                    "send", id=new_name("key"), conversation=new_name("chat"), text="Hello", model=model, follow=False
                )
                accepted += [reply] if reply["type"] == "accepted" else []
        assert accepted
        running.kill()
    running.restart()
    with running.http() as http:
        chats = [sent["conversation"] for sent in accepted]
        lost = [f"{chat} is lost" for chat in chats if http.get(f"/api/conversations/{chat}").status_code == 404]
    control("G14 a full disk", without, lost)


def _check_refusal(answer: httpx2.Response) -> list[str]:
    problem: dict[str, Any] = answer.json() if answer.headers["content-type"].endswith("json") else {}
    is_good = answer.status_code == 503 and problem.get("code") == "storage" and problem["retryable"]
    return [] if is_good and "disk is full" in problem["detail"] else [f"{answer.status_code} {answer.text}"]


async def test_an_answer_that_meets_a_full_disk_ends_and_keeps_what_was_shown(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server(PYTHONDONTWRITEBYTECODE="1").start()
    model = upstream.model(Script(pieces=words(100), delay_s=0.02))
    async with open_full(running.port, running.key) as client:
        accepted = await client.send(model=model)
        shown = texts_of(await client.until_text(accepted["turn"], 50))
        with full_disk(running):
            wait_until(lambda: upstream.requests(model)[0].ended_at, "the upstream to be left")
        transcript = await client.until_ended(accepted["turn"], 20)
    with running.http() as http:
        stored = fetch_message(http, accepted["conversation"], accepted["answer"])
        assert http.get("/readyz").status_code == 200
    assert find_disorder(transcript) == []
    assert find_differences(transcript, stored) == []
    assert texts_of(transcript)[0].startswith(shown[0])


def run_without_room(folder: Path, blocks: int, *words: str) -> str:
    """The one sentence of a command whose files can have that many blocks of 512 bytes."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", sys.executable, "-m", "quarterdeck", *words],
        cwd=folder.parent, capture_output=True, text=True, timeout=60, check=False,
        env=clean_environment(folder.parent, QUARTERDECK_DATA_DIR=str(folder), PYTHONDONTWRITEBYTECODE="1"),
    )  # fmt: skip
    assert done.returncode == 1
    [said] = done.stderr.splitlines()
    return said


SERVE = ["serve", "--port", "0", "--no-browser"]


def test_a_first_start_without_room_says_so(tmp_path: Path) -> None:
    said = run_without_room(tmp_path / "data", 8, *SERVE)
    assert said == "quarterdeck: The database could not be made (the disk is full); Quarterdeck does not start."


def test_a_start_without_room_for_the_log_says_so(tmp_path: Path) -> None:
    folder = make_installation(tmp_path / "data", 1)
    assert "log.sqlite3 cannot be opened" in run_without_room(folder, 8, *SERVE)


@pytest.mark.parametrize("command", [SERVE, ["migrate"]], ids=" ".join)
def test_an_old_database_without_room_for_its_copy_stays_as_it_is(tmp_path: Path, command: list[str]) -> None:
    folder = make_installation(tmp_path / "data", 1)
    change(database_of(folder), "UPDATE alembic_version SET version_num = '0012'")
    before = sums_in(folder)
    assert "No copy of the database could be made (the disk is full)" in run_without_room(folder, 8, *command)
    assert sums_in(folder) == before
    assert {found.name for found in folder.iterdir()} <= {"quarterdeck.sqlite3", "serve.lock"}


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = make_installation(tmp_path / "data", 1)
    assert "secret.key cannot be written" in run_without_room(folder, 0, "key", "rotate")
    assert {found.name for found in folder.iterdir()} == {"quarterdeck.sqlite3", "secret.key.lock"}


def test_an_upload_that_finds_no_room_is_refused_and_leaves_nothing(make_server: MakeServer) -> None:
    running = make_server(PYTHONDONTWRITEBYTECODE="1").start()
    export = b"# A note\n\n" + b"Cats sleep. " * 2_000
    with running.http() as http:
        with full_disk(running):
            answer = http.post("/api/imports", content=export)
        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "storage", True)
        assert "the disk is full" in answer.json()["detail"]
        assert [found.name for found in (running.data_dir / "imports").iterdir()] == ["place"]
        taken = http.post("/api/imports", content=export)
        assert (taken.status_code, taken.json()["total_bytes"]) == (202, len(export))
