"""What an answer cites leads somewhere in the page; everywhere else it is left out, and never shown raw."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from tests.fakes.script import Script
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.terminal import open_terminal
from tests.harness.upstream import Upstream
from tests.integration.test_chat_command import at_terminal as at_terminal
from tests.integration.test_chat_command import chat

PIECES = ["Under the blue pot [", "[m:01", "abc]]", ", as `[[m:ID]]` says [[m:01abd]].\n\n", "- tea [[m:01abe]]", " ["]
SHOWN = "Under the blue pot, as `[[m:ID]]` says.\n\n- tea ["


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=PIECES, delay_s=0.06))


def ask(http: httpx2.Client, model: str, **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "Where is the key?"}], **more}
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_shared_pages_and_exports_leave_citations_out(server: Server, http: httpx2.Client, model: str) -> None:
    name = new_name("chat")
    http.post("/chat_batch", json={"message": "Where is the key?", "chatId": name, "model": model})
    kept = http.get(f"/api/conversations/{name}/messages").json()["items"][-1]
    assert kept["parts"][0]["text"] == "".join(PIECES), "the log and the page have it as the model wrote it"
    made = http.post(f"/api/conversations/{name}/shares").json()
    with httpx2.Client(base_url=server.url, timeout=20) as visitor:
        shared = visitor.get("/s/" + made["url"].rsplit("/", 1)[1]).text
    assert "Under the blue pot, as <code>[[m:ID]]</code> says." in shared
    for kind in ("markdown", "html"):
        exported = http.get(f"/api/conversations/{name}/export", params={"format": kind}).text
        assert "Under the blue pot, as `[[m:ID]]` says." in exported
        assert "[[m:01" not in exported + shared


def test_openais_clients_are_not_told_citations(http: httpx2.Client, model: str) -> None:
    name = new_name("kept")
    whole = ask(http, model, conversation=name)
    assert whole["choices"][0]["message"]["content"] == SHOWN
    body = {"model": model, "messages": [{"role": "user", "content": "Again?"}], "conversation": name, "stream": True}
    streamed = http.post("/v1/chat/completions", json=body).text
    assert "[[m:01" not in streamed
    assert "blue pot" in streamed


def test_other_front_ends_are_not_told_citations(http: httpx2.Client, model: str) -> None:
    name = new_name("kept")
    batch = http.post("/chat_batch", json={"message": "Where is the key?", "chatId": name, "model": model})
    assert batch.text == SHOWN
    kept = http.get(f"/api/conversations/{name}/messages").json()["items"][-1]["conversation"]
    question = {"id": "q", "role": "user", "parts": [{"type": "text", "text": "Again?"}]}
    streams = [
        http.post("/api/ui/chat", json={"id": name, "messages": [question], "model": model}),
        http.post("/api/ag-ui", json=_ag_ui_run(name, model)),
        http.post("/v1/responses", json={"model": model, "input": "Again?", "conversation": kept, "stream": True}),
    ]
    for answer in streams:
        assert answer.status_code == 200, answer.text
        assert "Under the blue pot" in answer.text
        assert "[[m:01" not in answer.text
        assert _joined(answer.text) == SHOWN
    for address in (f"/api/ui/chat/{name}/messages", f"/v1/conversations/{kept}/items"):
        stored = http.get(address)
        assert stored.status_code == 200, stored.text
        assert "Under the blue pot, as `[[m:ID]]` says." in stored.text
        assert "[[m:01" not in stored.text


def _ag_ui_run(thread: str, model: str) -> dict[str, Any]:
    asked = {"id": new_name("q"), "role": "user", "content": "Again?"}
    named = {"threadId": thread, "runId": new_name("run"), "state": {}, "tools": [], "context": []}
    return {**named, "messages": [asked], "forwardedProps": {"model": model}}


def _joined(stream: str) -> str:
    """What the deltas of text add up to."""
    told = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    kinds = ("text-delta", "TEXT_MESSAGE_CONTENT", "response.output_text.delta")
    return "".join(event["delta"] for event in told if event["type"] in kinds)


def test_a_client_that_is_answered_alone_has_what_the_model_wrote(http: httpx2.Client, model: str) -> None:
    """Nothing was recalled for it, so what looks like a citation is none."""
    answer = http.post("/v1/responses", json={"model": model, "input": "Where is the key?"}).json()
    assert answer["output"][0]["content"][0]["text"] == "".join(PIECES)


def test_a_pipe_and_a_terminal_show_no_citations(
    server: Server,
    model: str,
    at_terminal: dict[str, str],  # it is a fixture
) -> None:
    assert chat(server, "Where is the key?", "--model", model).stdout.rstrip("\n") == SHOWN
    words = ["chat", "--url", server.url, "--model", model, "Where is the key?"]
    with open_terminal(*words, folder=server.work_dir, environment=at_terminal) as terminal:
        assert terminal.wait() == 0
        assert "Under the blue pot, as [[m:ID]] says." in terminal.text
        assert "m:01" not in terminal.text
