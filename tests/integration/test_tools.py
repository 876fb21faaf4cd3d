"""A model of each vendor that looks up what was said before: the calls and results as the strict fakes take them."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.gemini_server import FakeGemini
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script, ScriptedCall
from tests.fakes.serving import FakeServer
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.stored import fetch_messages

KEY = "sk-fake-tools"
BOAT = "My boat is called Albatross."
CASES = [("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5"), ("gemini", "gemini-2.5-flash")]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, FakeServer]]:
    with ExitStack() as stack:
        fakes: dict[str, FakeServer] = {
            "openai": FakeOpenAI(key=KEY), "anthropic": FakeAnthropic(key=KEY), "gemini": FakeGemini(key=KEY),
        }  # fmt: skip
        yield {name: stack.enter_context(fake.in_thread()) for name, fake in fakes.items()}


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory, vendors: dict[str, FakeServer]) -> Iterator[Server]:
    environment = {f"{name.upper()}_API_KEY": KEY for name in vendors}
    environment |= {f"{name.upper()}_BASE_URL": fake.base_url for name, fake in vendors.items()}
    running = Server(tmp_path_factory.mktemp("server"), QUARTERDECK_RECALL="true", **environment).start()
    yield running
    running.close()


@pytest.fixture
def http(remembering: Server) -> Iterator[httpx2.Client]:
    with remembering.http() as client:
        yield client


def ask(http: httpx2.Client, chat: str, text: str, model: str) -> str:
    """The ended turn."""
    answer = http.post("/chat_batch", json={"message": text, "chatId": chat, "model": model})
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-turn-id"])


def context_of(http: httpx2.Client, turn: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = http.get(f"/api/turns/{turn}/context", params={"texts": 1}).json()["steps"]
    return steps


@pytest.mark.parametrize(("vendor", "name"), CASES)
def test_a_model_looks_up_what_was_said_and_answers(
    http: httpx2.Client, vendors: dict[str, FakeServer], vendor: str, name: str
) -> None:
    fake, chat = vendors[vendor], new_name("chat")
    call = ScriptedCall(id="call_1", name="search_memory", arguments=['{"query": ', '"Albatross"}'])
    again = ScriptedCall(id="call_1", name="open_messages", arguments=['{"ids": ["nobody"]}'])
    fake.queue += [
        Script(pieces=["Noted."]), Script(pieces=["I look."], tool_calls=[call]),
        Script(pieces=[], tool_calls=[again]), Script(pieces=["Albatross", "."]),
    ]  # fmt: skip
    ask(http, new_name("earlier"), f"{BOAT} ({next(_numbers)})", f"{vendor}/{name}")
    turn = ask(http, chat, "Do you recollect it?", f"{vendor}/{name}")
    answer = fetch_messages(http, chat)[-1]
    assert answer["status"] == "complete", answer["error"]
    assert [part["kind"] for part in answer["parts"]] == [
        "text", "tool_call", "tool_result", "tool_call", "tool_result", "text",
    ]  # fmt: skip
    assert BOAT in answer["parts"][2]["text"]
    assert answer["parts"][4]["is_error"]
    assert answer["parts"][5]["text"].strip() == "Albatross."
    steps = context_of(http, turn)
    assert [step["step"] for step in steps] == [1, 2, 3]
    assert all(step["is_exact"] for step in steps)
    assert all(step["tools"] == ["search_memory", "open_messages"] for step in steps)
    told = [received.body for received in fake.requests[-3:]]
    assert BOAT in str(told[1])
    assert len(str(told[0])) < len(str(told[1])) < len(str(told[2]))


def test_a_turn_recalls_what_was_said_in_letters_that_were_typed_otherwise(
    http: httpx2.Client, vendors: dict[str, FakeServer]
) -> None:
    vendors["openai"].queue += [Script(pieces=["네."]), Script(pieces=["은행나무."])]
    earlier, decomposed = new_name("earlier"), unicodedata.normalize("NFD", "앵무새 이름은 은행나무")
    ask(http, earlier, decomposed, "openai/gpt-5-mini")
    turn = ask(http, new_name("chat"), "앵무새는 누구?", "openai/gpt-5-mini")
    [step] = context_of(http, turn)
    assert decomposed in next(entry["text"] for entry in step["entries"] if entry["recalled"])


def test_what_was_recalled_can_be_seen_with_its_source(http: httpx2.Client, vendors: dict[str, FakeServer]) -> None:
    vendors["openai"].queue += [Script(pieces=["Noted."]), Script(pieces=["Ludmilla."])]
    earlier = new_name("earlier")
    ask(http, earlier, "My parrot is called Ludmilla.", "openai/gpt-5-mini")
    turn = ask(http, new_name("chat"), "What is the name of my parrot?", "openai/gpt-5-mini")
    [step] = context_of(http, turn)
    found = [entry for entry in step["entries"] if entry["recalled"]]
    said = fetch_messages(http, earlier)[0]
    assert found[0]["recalled"]["messages"] == [said["id"]]
    assert found[0]["recalled"]["signals"]
    assert "My parrot is called Ludmilla." in found[0]["text"]
    assert (step["is_exact"], step["taint"], step["no_recall"]) == (True, "", "")
    off = http.patch("/api/memories/settings", json={"memory": "off"})
    assert off.status_code == 200
    vendors["openai"].queue.append(Script(pieces=["I do not know."]))
    turn = ask(http, new_name("chat"), "What is the name of my parrot?", "openai/gpt-5-mini")
    [step] = context_of(http, turn)
    assert (step["no_recall"], step["tools"]) == ("Memory is off here.", [])
    http.patch("/api/memories/settings", json={"memory": "on"})


def test_nothing_is_decided_about_a_call_of_an_answer_that_has_ended(
    http: httpx2.Client, vendors: dict[str, FakeServer]
) -> None:
    vendors["openai"].queue.append(Script(pieces=["Done."]))
    turn = ask(http, new_name("chat"), "Hello", "openai/gpt-5-mini")
    path = f"/api/turns/{turn}/approvals/call_1"
    answer = http.post(path, json={"digest": "0" * 64, "decision": "approved"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert http.post(path, json={"digest": "0", "decision": "perhaps"}).status_code == 422
