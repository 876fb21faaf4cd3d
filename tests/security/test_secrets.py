"""Canary secrets and message texts, looked for in every log line, every answer and on the disk."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.conftest import Report
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.upstream import UPSTREAM_KEY, Upstream

STORED_KEY = "plain-stored-canary-5b1e77aa90"  # of no vendor's form: only known because it was entered
GROQ_KEY = "gsk_canary0123456789abcdefghij"
TEXT = "message-text-canary-73fd"
ANSWER = "answer-text-canary-91ac"


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Server]:
    """A server that logs everything it can."""
    environment = upstream.environment | {
        "QUARTERDECK_LOG_LEVEL": "debug",
        "GROQ_API_KEY": GROQ_KEY,
        "GROQ_BASE_URL": upstream.base_url,  # which refuses this key
    }
    running = Server(tmp_path_factory.mktemp("talkative"), **environment).start()
    yield running
    running.close()


async def use_everything(running: Server, upstream: Upstream) -> list[str]:
    """What HTTP and the sockets answered during a full run, mistakes included."""
    answers: list[httpx2.Response] = []
    said: list[str] = []
    models = [upstream.model(Script(pieces=[ANSWER])), upstream.model(Script(pieces=words(5), fault="cut"))]
    models += ["groq/some-model", "mine/some-model", "nowhere/x", "builtin/log-reader"]
    given = {"base_url": upstream.base_url, "key": STORED_KEY}
    with running.http() as http:
        answers.append(http.put("/api/providers/mine", json=given))
        answers.append(http.post("/api/providers/test", json=given | {"name": "mine"}))
        answers.append(http.post("/api/providers/test", json=given | {"name": "x", "base_url": "http://127.0.0.1:1/"}))
        answers.append(http.put("/api/providers/mine", json=given | {"base_url": f"http://u:{STORED_KEY}@x/"}))
        answers += [
            http.post("/chat_batch", json={"message": TEXT, "model": model}) for model in models[:1] + models[2:]
        ]
        paths = [path for path in http.get("/openapi.json").json()["paths"] if "{" not in path]
        answers += [http.get(path) for path in [*paths, "/", f"/open?link={running.key}", f"/x?key={running.key}"]]
        answers.append(http.get("/api/models", params={"refresh": 1}))
        answers.append(http.post("/chat_batch", content=f'{{"message": "{TEXT}'.encode()))
    answers.append(httpx2.get(running.link))
    answers.append(httpx2.get(running.link))
    async with open_full(running.port, running.key) as client, open_simple(running.port, running.key) as simple:
        for model in models:
            reply = await client.ask("send", id=new_name("key"), conversation="all", text=TEXT, model=model)
            if reply["type"] == "accepted":
                await client.until_ended(reply["turn"], 20)
            said += [str(frame) for frame in await simple.ask(TEXT, new_name("chat"), model=model)]
        await client.say(f'{{"type": "send", "text": "{TEXT}", "key": "{STORED_KEY}"}}')
        await simple.say(f'{{"message": "{TEXT}", "chatId": 5, "key": "{STORED_KEY}"}}')
        said.append(str(await simple.next()))
        said += [str(frame) for frame in client.frames] + [str(client.transcripts)]
    kept = [f"{answer.text} {dict(answer.headers)}" for answer in answers]
    return said + [text for text in kept if "set-cookie" not in text]


async def test_no_secret_and_no_message_is_in_any_log_line_answer_or_file(
    talkative: Server, upstream: Upstream, report: Report
) -> None:
    said = await use_everything(talkative, upstream)
    talkative.terminate()
    log = talkative.log_text()
    link = talkative.link.partition("link=")[2]
    secrets = {
        "upstream key": UPSTREAM_KEY, "stored key": STORED_KEY, "groq key": GROQ_KEY, "api key": talkative.key,
        "api key's secret": talkative.key[30:], "one-time link": link,
    }  # fmt: skip
    wrong = [f"{name} in the log" for name, secret in secrets.items() if secret in log]
    wrong += [f"{name} in the log" for name, text in (("a message", TEXT), ("an answer", ANSWER)) if text in log]
    wrong += [f"{name} in {text[:200]}" for name, secret in secrets.items() for text in said if secret in text]
    files = {file.name: file.read_bytes() for file in talkative.data_dir.iterdir() if file.is_file()}
    wrong += [
        f"{name} in {file}" for name, secret in secrets.items() for file in files if secret.encode() in files[file]
    ]
    assert '"level": "debug"' in log, "it said what it could"
    assert "provider_call" in log or "turn_ended" in log
    assert any(TEXT in content.decode(errors="replace") for content in files.values()), "messages are stored, of course"
    report("secrets in logs, answers and files", wrong, len(said) + len(files) + 1)


def test_a_provider_key_reaches_its_own_provider_only(server: Server, http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    http.post("/chat_batch", json={"message": f"my key is {server.key}", "model": model})
    [request] = upstream.requests(model)
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert UPSTREAM_KEY not in str(request.body)
    assert "qd_session" not in str(request.headers)
