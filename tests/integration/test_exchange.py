"""Import and export through the public doors: uploads, reports, stop and resume, a killed server, the commands."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx2
from tests.conftest import MakeFleet, MakeServer
from tests.fakes.script import Script, words
from tests.harness.exports import as_zip, chatgpt_chat
from tests.harness.postgres import Databases
from tests.harness.stored import fetch_messages, text_of
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until
from tests.unit.exchange.imported import open_account
from tests.unit.exchange.test_round_trip import export, without_ids

from quarterdeck.app.data import open_database
from quarterdeck.config import Settings
from quarterdeck.store.imports import Counts

_LONG_S = 30.0


def upload(http: httpx2.Client, content: bytes, name: str = "export.zip") -> dict[str, Any]:
    response = http.post("/api/imports", params={"name": name}, content=content)
    assert response.status_code == 202, response.text
    return dict(response.json())


def ended(http: httpx2.Client, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def look() -> bool:
        found.update(http.get(f"/api/imports/{identifier}").json())
        return found["status"] not in ("waiting", "running")

    wait_until(look, "the import to end", _LONG_S)
    return found


def count_messages(http: httpx2.Client) -> int:
    """All that an export has: every message that is there."""
    lines = http.get("/api/export").text.splitlines()
    return int(json.loads(lines[-1])["messages"])


def test_an_uploaded_export_is_imported_reported_searched_and_listed(http: httpx2.Client) -> None:
    chats = [chatgpt_chat("up-1", 3, "Uploaded"), {"title": "Nothing", "mapping": {}, "conversation_id": "up-2"}]
    begun = upload(http, as_zip({"conversations-000.json": chats, "user.json": {}}))
    done = ended(http, begun["id"])
    assert (done["status"], done["format"], done["done_bytes"]) == ("complete", "chatgpt", done["total_bytes"])
    assert done["counts"]["conversations"] == 1
    assert done["counts"]["messages"] == 6
    notes = http.get(f"/api/imports/{begun['id']}/report").json()["items"]
    assert [note["item"] for note in notes] == ["user.json", "“Nothing”"]
    [row] = http.get("/api/conversations", params={"q": "Uploaded"}).json()["items"]
    assert [text_of(message) for message in fetch_messages(http, row["id"])][-1] == "Answer 2"
    assert begun["id"] in [item["id"] for item in http.get("/api/imports").json()["items"]]
    assert http.delete(f"/api/imports/{begun['id']}").status_code == 204
    assert http.get(f"/api/imports/{begun['id']}").status_code == 404


def test_an_import_that_is_stopped_goes_on_where_it_was(make_server: MakeServer) -> None:
    server = make_server().start()
    with server.http() as http:
        content = json.dumps([chatgpt_chat(f"c{number}", 200) for number in range(8)]).encode()
        begun = upload(http, content, "conversations.json")
        wait_until(
            lambda: http.get(f"/api/imports/{begun['id']}").json()["counts"]["messages"] > 0, "the first messages", 20
        )
        stopped = http.post(f"/api/imports/{begun['id']}/stop").json()
        assert stopped["status"] == "stopped"
        assert http.post(f"/api/imports/{begun['id']}/resume").json()["status"] == "waiting"
        done = ended(http, begun["id"])
        assert done["counts"]["messages"] == 8 * 400 == count_messages(http)
        assert done["counts"]["known_messages"] == 0
        assert http.post(f"/api/imports/{begun['id']}/resume").status_code == 409


def test_a_killed_server_goes_on_with_the_import_and_counts_nothing_twice(make_server: MakeServer) -> None:
    server = make_server().start()
    with server.http() as http:
        content = json.dumps([chatgpt_chat("long", 1_500), *[chatgpt_chat(f"c{n}", 50) for n in range(4)]]).encode()
        begun = upload(http, content, "conversations.json")
        wait_until(
            lambda: http.get(f"/api/imports/{begun['id']}").json()["counts"]["messages"] > 0, "the first messages", 20
        )
    server.kill()
    server.restart()
    with server.http() as http:
        done = ended(http, begun["id"])
        assert done["status"] == "complete"
        assert done["counts"]["messages"] == 3_000 + 4 * 100 == count_messages(http)
        assert done["counts"]["known_messages"] == 0
    assert list((server.data_dir / "imports").iterdir()) == [server.data_dir / "imports" / "place"]
    assert (server.data_dir / "imports" / "place").stat().st_mode & 0o077 == 0


def test_a_file_that_is_too_large_is_refused_before_it_is_stored(make_server: MakeServer) -> None:
    server = make_server(QUARTERDECK_MAX_IMPORT_MB="1").start()
    with server.http() as http:
        refused = http.post("/api/imports", content=b"x" * (2 << 20))
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        unknown = http.post("/api/imports", content=iter([b"x" * (1 << 20)] * 3))  # it does not say how long it is
        assert unknown.status_code == 413
        assert http.post("/api/imports", content=b"").status_code == 422
    folder = server.data_dir / "imports"
    assert not folder.exists() or not [path for path in folder.iterdir() if path.name != "place"]


def test_the_commands_import_and_export_beside_a_running_server(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server().start()
    source, target = tmp_path / "conversations.json", tmp_path / "mine.jsonl"
    source.write_text(json.dumps([chatgpt_chat("c1", 2, "By command")]))
    said = server.run("import", str(source))
    assert (said.returncode, "1 conversations, 4 messages" in said.stdout) == (0, True), said
    assert "0 conversations, 0 messages. Known already: 1" in server.run("import", str(source)).stdout
    assert server.run("export", str(target)).returncode == 0
    assert server.run("export", str(target)).returncode == 1
    assert len(target.read_text().splitlines()) == 1 + 1 + 4 + 1
    server.run("user", "add", "ben")
    assert server.run("import", str(target), "--user", "ben").returncode == 0
    assert server.run("import", str(target), "--user", "nobody").returncode == 1
    account = tmp_path / "account.zip"
    assert server.run("export", str(account), "--user", "ben", "--format", "account").returncode == 0
    assert "quarterdeck.jsonl" in zipfile.ZipFile(account).namelist()
    source.write_text("<html>sign in</html>")
    failed = server.run("import", str(source))
    assert failed.returncode == 1
    assert failed.stderr.strip().splitlines()[-1].startswith("quarterdeck: This is a web page")


def test_exports_are_downloads_of_ones_own_conversations(http: httpx2.Client, stranger: httpx2.Client) -> None:
    ended(http, upload(http, json.dumps([chatgpt_chat("ex-1", 1, "Für Elise \U0001f3b9")]).encode(), "c.json")["id"])
    [row] = http.get("/api/conversations", params={"q": "Für Elise"}).json()["items"]
    for kind, begin in (("jsonl", '{"format"'), ("markdown", "# Für Elise"), ("html", "<!doctype html>")):
        answer = http.get(f"/api/conversations/{row['id']}/export", params={"format": kind})
        assert answer.text.startswith(begin)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert stranger.get(f"/api/conversations/{row['id']}/export").status_code == 404
    whole = http.get("/api/export", params={"format": "html"})
    assert any("Für Elise" in name for name in zipfile.ZipFile(io.BytesIO(whole.content)).namelist())
    assert "Für" not in stranger.get("/api/export").text


def test_an_export_says_which_answer_was_still_being_written(
    make_server: MakeServer, upstream: Upstream, tmp_path: Path
) -> None:
    server = make_server().start()
    model = upstream.model(Script(pieces=words(500), delay_s=0.05))
    with server.http() as http:
        body = {"message": "A question", "chatId": "chat", "model": model}
        with http.stream("POST", "/chat_batch", json=body):
            wait_until(lambda: len(upstream.requests(model)) == 1, "the answer to begin")
            one = {
                kind: http.get("/api/conversations/chat/export", params={"format": kind}).text
                for kind in ("jsonl", "markdown", "html")
            }
            said = server.run("export", str(tmp_path / "running.jsonl"))
            upstream.hurry(model)
        wait_until(lambda: fetch_messages(http, "chat")[-1]["status"] == "complete", "the answer to end")
        end = json.loads(one["jsonl"].splitlines()[-1])
        assert end == {"kind": "end", "conversations": 1, "messages": 1, "unfinished": 1}
        for kind in ("markdown", "html"):
            assert one[kind].count("This answer was still being written when this was exported.") == 1
        assert said.stdout.splitlines()[-1].startswith("1 answer is still being written, and not in it.")
        assert "unfinished" not in json.loads(http.get("/api/export").text.splitlines()[-1])
        http.delete("/api/conversations/chat")
        brought = ended(http, upload(http, one["markdown"].encode(), "one.md")["id"])
        assert brought["counts"]["messages"] == 1  # the note is no message
        running = tmp_path / "running.jsonl"
        other = running.read_bytes().replace(b'"kind":"conversation","id":"', b'"kind":"conversation","id":"other')
        again = upload(http, other, "running.jsonl")["id"]
        assert ended(http, again)["counts"]["messages"] == 1
        [note] = http.get(f"/api/imports/{again}/report").json()["items"]
        assert (note["item"], note["reason"]) == ("1 answer", "It was still being written when the file was made.")


def test_a_response_that_an_api_client_had_stored_is_in_the_rows_of_an_account_alone(
    make_server: MakeServer, upstream: Upstream
) -> None:
    server, model = make_server().start(), upstream.model(Script())
    with server.http() as http:
        http.post("/chat_batch", json={"message": "Seen in the page", "chatId": "seen", "model": model})
        http.post("/v1/responses", json={"input": "Asked by a program", "model": model}).raise_for_status()
        exported = http.get("/api/export").text
        assert json.loads(exported.splitlines()[-1])["conversations"] == 1
        assert ("Seen in the page" in exported, "Asked by a program" in exported) == (True, False)
        account = zipfile.ZipFile(io.BytesIO(http.get("/api/me/export").content))
        assert b"Asked by a program" not in account.read("quarterdeck.jsonl")
        assert b"Asked by a program" in account.read("messages.jsonl")


async def test_on_postgresql_an_export_is_imported_taken_away_and_imported_by_somebody_else(
    postgres: Databases, tmp_path: Path
) -> None:
    database = await open_database(Settings(data_dir=tmp_path, database_url=postgres.new_database()))
    try:
        ann = await open_account(tmp_path, "ann", database)
        chats = [chatgpt_chat("c1", 250), chatgpt_chat("c2", 2, "Nul\0 and \ud800")]
        assert (await ann.bring(chats)).row.counts == Counts(conversations=2, messages=504)
        assert (await ann.bring(chats)).row.counts == Counts(known_conversations=2, known_messages=504)
        exported = await export(ann)
        ben = await open_account(tmp_path, "ben", database)
        assert (await ben.bring(exported, "mine.jsonl")).row.counts == Counts(conversations=2, messages=504)
        assert without_ids(await export(ben)) == without_ids(exported)
        for conversation in await ben.conversations():
            await ben.path(conversation)
    finally:
        await database.close()


def test_in_a_fleet_the_process_that_has_the_file_imports_it(make_fleet: MakeFleet) -> None:
    fleet = make_fleet()
    fleet.serve("--workers", "0")
    fleet.worker()
    with fleet.http() as http:
        done = ended(http, upload(http, json.dumps([chatgpt_chat("f1", 30)]).encode(), "conversations.json")["id"])
        assert (done["status"], done["counts"]["messages"]) == ("complete", 60)
        assert count_messages(http) == 60
