"""`quarterdeck memory …`: what is remembered of somebody, beside the running server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.full_client import new_name
from tests.harness.people import add_person
from tests.harness.server import Server
from tests.harness.waiting import wait_until


def test_memories_are_listed_exported_forgotten_and_not_brought_back(server: Server, tmp_path: Path) -> None:
    name = new_name("ann")
    person = add_person(server.data_dir, name)
    with server.http(person.session) as http:
        kept = http.post("/api/memories", json={"text": "Ann lives in Lisbon."}).json()["id"]
        gone = http.post("/api/memories", json={"text": "Ann likes rain."}).json()["id"]
        asked = {"message": "We sailed to the Azores.", "chatId": new_name("chat"), "model": "builtin/log-reader"}
        http.post("/chat_batch", json=asked)
        file = tmp_path / "memories.jsonl"
        listed = server.run("memory", "list", "--user", name).stdout
        assert (kept in listed, gone in listed, "fact, current: Ann likes rain." in listed) == (True, True, True)
        assert "2 memories" in server.run("memory", "export", str(file), "--user", name).stdout
        assert {json.loads(line)["id"] for line in file.read_text().splitlines()} == {kept, gone}
        assert server.run("memory", "export", str(file), "--user", name).returncode == 1, "nothing is overwritten"
        assert server.run("memory", "forget", gone, "--user", name).returncode == 0
        assert http.get(f"/api/memories/{gone}").status_code == 404
        brought = server.run("memory", "import", str(file), "--user", name).stdout
        assert "Imported: 0 memories. Known already: 1. Not taken over: 1." in brought
        search = (
            "memory",
            "search",
            "the Azores",
            "--user",
            name,
        )  # what a server has just heard is indexed a moment later
        wait_until(lambda: "We sailed to the Azores." in server.run(*search).stdout, "what was said to be found")


def test_wrong_use_is_told_in_a_sentence(server: Server, tmp_path: Path) -> None:
    for words in (
        ("list", "--user", "nobody-at-all"),
        ("forget", "no-such-memory"),
        ("import", str(tmp_path / "nothing.jsonl")),
        ("list", "--state", "odd"),
    ):
        done = server.run("memory", *words)
        assert done.returncode == 1, words
        assert done.stderr.startswith("quarterdeck: "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
