"""The official `openai` client for Node, as it comes: one process tries it all, each test looks at a part."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from tests.fakes.script import Script, ScriptedCall, words
from tests.harness.front_ends import FOLDER
from tests.harness.openid_provider import find_node
from tests.harness.server import Server
from tests.harness.upstream import Upstream

WORDS = words(60)
CALL = ScriptedCall(id="call_1", name="weather", arguments=['{"place":', ' "Kiel"}'])


@pytest.fixture(scope="module")
def told(server: Server, upstream: Upstream) -> dict[str, Any]:
    models = {
        "words": upstream.model(Script(pieces=WORDS, delay_s=0.002)),
        "calls": upstream.model(Script(pieces=[], tool_calls=[CALL], finish="tool_calls")),
        "cut": upstream.model(Script(pieces=WORDS, fault="cut", fault_after=5)),
    }
    command = json.dumps({"url": server.url, "key": server.key, "models": models})
    ran = subprocess.run(
        [str(find_node()), "openai.mjs"], cwd=FOLDER, input=command, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_answers_come_whole_and_streamed(told: dict[str, Any]) -> None:
    assert told["whole"] == told["streamed"]["text"] == "".join(WORDS)
    assert told["streamed"]["usage"]["completion_tokens"] == len(WORDS)


def test_tools_are_called(told: dict[str, Any]) -> None:
    assert told["called"]["name"] == "weather"
    assert json.loads(told["called"]["arguments"]) == {"place": "Kiel"}


def test_errors_are_those_that_the_client_knows(told: dict[str, Any]) -> None:
    expected = {"status": 404, "code": "model_not_found", "param": "model", "kind": "NotFoundError"}
    assert told["refused"] == expected
    assert told["cutOff"] == {"told": "".join(WORDS[:5]), "code": "provider_cut"}


def test_a_background_response_is_followed_from_where_its_reader_left(told: dict[str, Any]) -> None:
    assert told["background"] == {"told": "".join(WORDS), "last": "response.completed", "text": "".join(WORDS)}


def test_a_response_in_a_conversation_is_among_its_items(told: dict[str, Any]) -> None:
    kept = told["conversation"]
    assert kept["texts"] == ["The cat is Mia.", "Hello?", "".join(WORDS)]
    assert (kept["last"], kept["deleted"]) == (kept["output"], True)


def test_models_and_vectors_are_there(told: dict[str, Any]) -> None:
    assert "openai/fake-chat" in told["listed"]
    assert told["vectors"] == [8, 8]
