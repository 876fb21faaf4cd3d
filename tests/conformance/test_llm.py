"""Simon Willison's `llm`, as it comes, with a folder of its own, against a running server."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.fakes.openai_server import embed
from tests.fakes.script import Script, ScriptedCall, ScriptedUsage, words
from tests.harness.server import Server, clean_environment
from tests.harness.upstream import Upstream

LLM = [str(Path(sys.executable).with_name("llm"))]
Run = Callable[..., subprocess.CompletedProcess[str]]
FUNCTIONS = 'def weather(place: str) -> str:\n    "The weather somewhere."\n    return f"Rain in {place}"\n'


@pytest.fixture(scope="module")
def folder(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it keeps its keys, its models and what was said."""
    made = tmp_path_factory.mktemp("llm")
    assert run_llm(made, server, "keys", "set", "quarterdeck", "--value", server.key).returncode == 0
    return made


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(pieces=words(12), usage=ScriptedUsage(input=11, output=12)))


@pytest.fixture
def llm(server: Server, folder: Path, model: str) -> Run:
    """`llm(*words)`, which knows `quarterdeck` (Chat Completions), `quarterdeck-responses` and `stranger`."""
    place = {"model_name": model, "api_base": f"{server.url}/v1", "api_key_name": "quarterdeck"}
    able = place | {"supports_tools": True, "supports_schema": True}
    models = [
        able | {"model_id": "quarterdeck"},
        able | {"model_id": "quarterdeck-responses", "responses": True},
        place | {"model_id": "stranger", "model_name": "nobody/none"},
    ]
    (folder / "extra-openai-models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
    return functools.partial(run_llm, folder, server)


def run_llm(folder: Path, server: Server, *said: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LLM, *said], env=environment_of(folder, server), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip


def environment_of(folder: Path, server: Server) -> dict[str, str]:
    """It asks OpenAI itself for vectors, wherever the official client's own variables say that OpenAI is."""
    openai = {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": server.key}
    return clean_environment(folder, LLM_USER_PATH=str(folder), **openai)


def test_the_models_are_listed(llm: Run, server: Server) -> None:
    assert "OpenAI Chat: quarterdeck\n" in llm("models", "list").stdout
    at_server = llm("openai", "endpoint", f"{server.url}/v1", "--key", "quarterdeck", "--models")
    assert "openai/fake-chat" in at_server.stdout.split()


def test_an_answer_comes_with_what_it_used(llm: Run, upstream: Upstream, model: str) -> None:
    for way in (["quarterdeck"], ["quarterdeck", "--no-stream"], ["quarterdeck-responses"]):
        told = llm("-m", *way, "-s", "Be brief.", "Hello?")
        assert (told.stdout, told.returncode) == ("".join(words(12)) + "\n", 0), told.stderr
    for asked in upstream.requests(model):
        assert [message["content"] for message in asked.body["messages"]] == ["Be brief.", "Hello?"]
    logged = json.loads(llm("logs", "list", "--json", "-n", "3").stdout)
    kept = [(one["response"], one["input_tokens"], one["output_tokens"]) for one in logged]
    assert kept == [("".join(words(12)), 11, 12)] * 3


@pytest.mark.usefixtures("llm")
def test_an_answer_is_printed_as_it_comes(server: Server, folder: Path, upstream: Upstream, model: str) -> None:
    upstream.change(model, Script(pieces=words(3), fault="stall", fault_after=3))
    command, environment = [*LLM, "-m", "quarterdeck", "Hello?"], environment_of(folder, server)
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            wanted = "".join(words(3)).encode()
            assert running.stdout.read(len(wanted)) == wanted  # although the answer never ends
            assert running.poll() is None
        finally:
            running.kill()


def test_a_conversation_goes_on(llm: Run, upstream: Upstream, model: str) -> None:
    assert llm("-m", "quarterdeck", "One?").returncode == 0
    assert llm("-c", "Two?").returncode == 0
    said = [message["content"] for message in upstream.requests(model)[-1].body["messages"]]
    assert said == ["One?", "".join(words(12)), "Two?"]


def test_its_tools_are_called_and_their_results_taken(llm: Run, upstream: Upstream, model: str) -> None:
    call = ScriptedCall(id="call_1", name="weather", arguments=['{"place":', ' "Kiel"}'])
    upstream.change(model, Script(pieces=[], tool_calls=[call], finish="tool_calls"))
    llm("-m", "quarterdeck", "--functions", FUNCTIONS, "--chain-limit", "2", "The weather?")
    first, second, *_ = upstream.requests(model)
    assert first.body["tools"][0]["function"]["name"] == "weather"
    assert second.body["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "Rain in Kiel"}


def test_an_answer_has_the_structure_that_was_asked_for(llm: Run, upstream: Upstream, model: str) -> None:
    upstream.change(model, Script(pieces=['{"name": ', '"Whiskers", "age": 3}']))
    told = llm("-m", "quarterdeck", "--schema", "name, age int", "A name for a cat?")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {"name": "Whiskers", "age": 3}
    form = upstream.requests(model)[0].body["response_format"]
    assert form["json_schema"]["schema"]["properties"] == {"name": {"type": "string"}, "age": {"type": "integer"}}


def test_what_goes_wrong_is_said_in_one_sentence(llm: Run, upstream: Upstream, model: str) -> None:
    unknown = llm("-m", "stranger", "Hello?")
    refused = llm("-m", "quarterdeck", "--key", "qd_nobody", "Hello?")
    assert (unknown.returncode, refused.returncode) == (1, 1)
    assert unknown.stderr.startswith("Error: Error code: 404 - No provider named “nobody” is connected.")
    assert refused.stderr.startswith("Error: Error code: 401 - ")
    assert "Traceback" not in unknown.stderr + refused.stderr
    assert upstream.requests(model) == []


def test_texts_become_vectors(llm: Run) -> None:
    told = llm("embed", "-m", "3-small", "-c", "two")
    assert json.loads(told.stdout) == pytest.approx(embed("two", 8), abs=1e-6), told.stderr
