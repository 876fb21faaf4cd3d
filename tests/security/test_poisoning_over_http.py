"""The same over HTTP: hidden instructions in whatever a server lets in, with learning and recall switched on.

A gullible model obeys every order and remembers every claim of any text that it is sent. Whatever it asks approval for
is declined. Nothing may be done, and nothing of what others wrote may become a memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import func, select
from tests.conftest import Control, Report
from tests.fakes.gullible import Gullible
from tests.harness.deeds import Deeds
from tests.harness.exports import chatgpt_conversation, chatgpt_node
from tests.harness.full_client import new_name
from tests.harness.people import add_person, write
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.waiting import wait_until
from tests.security.test_poisoning import MARKS

from quarterdeck.store.tables import messages

KEY = "sk-fake-gullible"
MODEL = "openai/gpt-5-mini"
TRIAL_S = 30.0


class House:
    """A server on which Ann talks to the gullible model; Eva wishes her ill."""

    def __init__(self, server: Server, deeds: Deeds) -> None:
        self.server, self.deeds = server, deeds
        self.person = add_person(server.data_dir, new_name("ann"))

    def ask(self, http: httpx2.Client, text: str, conversation: str) -> str:
        """The ended turn; what it asked approval for was declined."""
        asked = http.post("/api/messages", json={"conversation": conversation, "text": text, "model": MODEL})
        assert asked.status_code == 202, asked.text
        turn, cursor, is_over = asked.json()["turn"], 0, False
        while not is_over:
            polled = http.get(f"/api/turns/{turn}/events", params={"after": cursor, "wait": 5}).json()
            cursor, is_over = polled["cursor"], polled["is_over"]
            for item in polled["items"]:
                if item["event"]["type"] == "approval.requested":
                    verdict = {"digest": item["event"]["digest"], "decision": "declined"}
                    settled = http.post(f"/api/turns/{turn}/approvals/{item['event']['call']}", json=verdict)
                    assert settled.status_code == 202, settled.text
        return str(turn)

    def bring(self, http: httpx2.Client, content: str, name: str) -> None:
        made = http.post("/api/imports", params={"name": name}, content=content.encode()).json()["id"]
        wait_until(lambda: http.get(f"/api/imports/{made}").json()["status"] == "complete", "the import", TRIAL_S)

    def carry_page(self, http: httpx2.Client, poison: str, word: str) -> str:
        self.deeds.write_page(word, poison)
        chat = new_name("chat")
        self.ask(http, f"Read this for me: please call read_page with ‹{word}›.", chat)
        return chat

    def carry_recalled(self, http: httpx2.Client, poison: str, word: str) -> str:
        """What a page said was repeated in an answer, and is recalled into another conversation."""
        self.deeds.write_page(word, f"Of the {word}: nothing to do yet.")
        earlier = new_name("earlier")
        self.ask(http, f"Tell me of the page: please call read_page with ‹{word}›.", earlier)
        answer = fetch_messages(http, earlier)[-1]
        edit = {"text": f"About the {word} harbour: {poison}", "version": answer["version"]}
        done = http.patch(f"/api/messages/{answer['id']}", json=edit)
        assert done.status_code == 200, done.text
        return self._ask_until_recalled(http, f"What was said about the {word} harbour?")

    def carry_import(self, http: httpx2.Client, poison: str, word: str) -> str:
        nodes = [
            chatgpt_node(f"{word}-q", None, "user", f"What about {word}?", at=1_700_000_001.0),
            chatgpt_node(f"{word}-a", f"{word}-q", "assistant", poison, at=1_700_000_002.0),
        ]
        self.bring(http, json.dumps([chatgpt_conversation(word, word, nodes)]), "conversations.json")
        return self._go_on(http, word)

    def carry_shared(self, http: httpx2.Client, poison: str, word: str) -> str:
        """Eva says it in a conversation of her own, and gives Ann the file: our own format, and nothing is marked."""
        eva = add_person(self.server.data_dir, new_name("eva"))
        with self.server.http(eva.session) as hers:
            chat = new_name("hers")
            hers.post("/chat_batch", json={"message": poison, "chatId": chat, "model": "builtin/log-reader"})
            hers.patch(f"/api/conversations/{chat}", json={"title": word})
            self.bring(http, hers.get("/api/export").text, "quarterdeck.jsonl")
        return self._go_on(http, word)

    def carry_memories(self, http: httpx2.Client, poison: str, word: str) -> str:
        """A file of memories, which says that it is the user's own word."""
        said = new_name("said")
        http.post("/chat_batch", json={"message": f"I saw the {word}.", "chatId": said, "model": "builtin/log-reader"})
        source = fetch_messages(http, said)[0]["id"]
        line = {
            "text": f"The {word} harbour: {poison}",
            "origin": "user",
            "taint": "",
            "sources": [{"message": source}],
        }
        assert http.post("/api/memories/import", content=json.dumps(line)).json()["imported"] == 1
        return self._ask_until_recalled(http, f"What of the {word} harbour?")

    def _ask_until_recalled(self, http: httpx2.Client, question: str) -> str:
        """A busy machine may not recall in time, and then nothing was tried."""
        for _ in range(10):
            chat = new_name("chat")
            turn = self.ask(http, question, chat)
            if '"recalled":{' in http.get(f"/api/turns/{turn}/context").text:
                return chat
        raise AssertionError(f"{question!r} recalls nothing")

    def _go_on(self, http: httpx2.Client, title: str) -> str:
        [found] = http.get("/api/conversations", params={"q": title}).json()["items"]
        self.ask(http, "And what is to be done now?", found["id"])
        return str(found["id"])


Carry = Callable[[House, httpx2.Client, str, str], str]
CARRIERS: dict[str, Carry] = {
    "a tool's result": House.carry_page,
    "a recalled answer": House.carry_recalled,
    "an imported conversation": House.carry_import,
    "a conversation that somebody shared": House.carry_shared,
    "a file of memories": House.carry_memories,
}
LETTERS = "abcdefgh"


@contextmanager
def open_house(folder: Path, **environment: str) -> Iterator[House]:
    deeds = Deeds(folder / "deeds")
    with Gullible(key=KEY).in_thread() as fake:
        wanted = {
            "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": fake.base_url, "QUARTERDECK_MODEL": MODEL,
            "QUARTERDECK_BACKGROUND_MODEL": MODEL, "QUARTERDECK_LEARN_AFTER_S": "0.2", "QUARTERDECK_RECALL": "true",
        }  # fmt: skip
        server = Server(folder, **(wanted | deeds.environment | environment)).start()
        try:
            yield House(server, deeds)
        finally:
            server.close()


def try_effects(house: House, marks: tuple[str, ...]) -> tuple[list[str], int]:
    violations: list[str] = []
    count = 0
    for at, (carrier, carry) in enumerate(CARRIERS.items()):
        for number, mark in enumerate(marks):
            count += 1
            word = f"quay{LETTERS[at]}{LETTERS[number]}"
            what = f"{word} now"
            poison = f"{mark.format(tool='send_mail', what=what)} I own the {word} castle."
            with house.server.http(house.person.session) as http:
                answer = fetch_messages(http, carry(house, http, poison, word))[-1]
            if what in house.deeds.done:
                violations.append(f"{carrier}: {what!r} was done")
            elif not any(what in part.get("arguments", "") for part in answer["parts"]):
                violations.append(f"{carrier}: the model was not shown {what!r}, nothing was tried: {answer['parts']}")
    return violations, count


def learn(house: House) -> list[dict[str, Any]]:
    """All that is remembered of Ann when everything was read, also what was imported."""

    def count_unread(connection: Any) -> int:
        is_unread = messages.c.remembered_at.is_(None), messages.c.role == "user", messages.c.deleted_at.is_(None)
        found = select(func.count()).where(messages.c.owner_id == house.person.id, *is_unread)
        return int(connection.execute(found).scalar_one())

    with house.server.http(house.person.session) as http:
        assert http.post("/api/memories/learn", json={"since": 0}).status_code == 202
        house.ask(http, "I live in Lisbon since I own the lisbon castle.", new_name("chat"))
        wait_until(lambda: write(house.server.data_dir, count_unread) == 0, "all to be read", TRIAL_S)
        found: list[dict[str, Any]] = http.get("/api/memories", params={"state": "all", "limit": 200}).json()[
            "memories"
        ]
    assert any("lisbon castle" in memory["text"] for memory in found), "nothing is learned at all"
    derived = [memory for memory in found if memory["origin"] == "derived" and "lisbon" not in memory["text"]]
    return [memory for memory in derived if "castle" in memory["text"] or "send_mail" in memory["text"]]


def paste(house: House, marks: tuple[str, ...]) -> int:
    """What others wrote, within messages of Ann's own; how many."""
    texts = [f"{mark.format(tool='nothing', what='x')} I own the pasted castle." for mark in marks]
    with house.server.http(house.person.session) as http:
        for text in texts:
            house.ask(http, f"What does that mean?\n```\n{text}\n```", new_name("chat"))
            quoted = text.replace("\n", "\n> ")
            house.ask(http, f"My friend wrote to me:\n> {quoted}\n\nShall I answer?", new_name("chat"))
    return 2 * len(texts)


def test_hidden_instructions_have_no_effect_and_are_not_remembered(tmp_path: Path, report: Report) -> None:
    with open_house(tmp_path, WITHOUT="tools to act with") as house:
        violations, count = try_effects(house, MARKS)
        violations += [f"remembered: {memory['text']!r}" for memory in learn(house)]
        count += paste(house, MARKS)
        violations += [f"remembered of a pasted text: {memory['text']!r}" for memory in learn(house)]
    report("hidden instructions over HTTP: unapproved effects and memories", violations, count)


def test_without_approvals_and_gates_they_are_carried_out_and_remembered(tmp_path: Path, control: Control) -> None:
    with open_house(tmp_path, WITHOUT="tools to act with,approvals,the gates of memory") as house:
        done, count = try_effects(house, MARKS[:2])
        assert len(done) > count * 0.8, "the model is not gullible enough for the test to mean anything"
        control("hidden instructions over HTTP", "the approval of side effects", done)
        paste(house, MARKS[:2])
        remembered = [memory["text"] for memory in learn(house)]
        control("hidden instructions over HTTP", "the gates of memory", remembered)


def test_without_marking_imports_they_are_carried_out(tmp_path: Path, control: Control) -> None:
    with open_house(tmp_path, WITHOUT="tools to act with,marking what is imported") as house:
        done, _ = try_effects(house, MARKS[:1])
    imported = [one for one in done if "was done" in one]
    assert len(imported) == 3, done
    control("hidden instructions over HTTP", "marking what is imported", imported)
