"""What the model saw: the manifest against what the provider received, byte for byte; summaries, pins, retries."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.gemini_server import FakeGemini
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script, ScriptedUsage
from tests.fakes.serving import FakeServer, Received
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.signing_in import Browser
from tests.harness.stored import fetch_messages
from tests.harness.told import listed, received
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until

KEY = "sk-canary-context-0a1b2c3d"
LONG = "The harbour lay still under a thin mist while the crew wrote the day into the log. " * 14  # some 300 tokens
SUMMARY = "The user told of a harbour in the mist."


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, FakeServer]]:
    with ExitStack() as stack:
        fakes: dict[str, FakeServer] = {
            "openai": FakeOpenAI(key=KEY), "anthropic": FakeAnthropic(key=KEY), "gemini": FakeGemini(key=KEY),
        }  # fmt: skip
        yield {name: stack.enter_context(fake.in_thread()) for name, fake in fakes.items()}


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory, vendors: dict[str, FakeServer]) -> Iterator[Server]:
    """A server with all three vendors, whose owner lives in Berlin and wants something to be known."""
    environment = {f"{name.upper()}_API_KEY": KEY for name in vendors}
    environment |= {f"{name.upper()}_BASE_URL": fake.base_url for name, fake in vendors.items()}
    vendors["openai"].by_model["cheap"] = Script(pieces=[SUMMARY])
    running = Server(
        tmp_path_factory.mktemp("server"), QUARTERDECK_SUMMARISE_AFTER="2000",
        QUARTERDECK_BACKGROUND_MODEL="openai/cheap", **environment,
    ).start()  # fmt: skip
    with Browser(running) as browser:
        browser.open_link()
        change = {"time_zone": "Europe/Berlin", "about": "I sail. Answer shortly."}
        assert browser.http.patch("/api/me", json=change, headers={"origin": running.url}).status_code == 200
    yield running
    running.close()


@pytest.fixture
def http(talking: Server) -> Iterator[httpx2.Client]:
    with talking.http() as client:
        yield client


def ask(http: httpx2.Client, chat: str, text: str, model: str, **fields: Any) -> str:
    """The turn."""
    answer = http.post("/chat_batch", json={"message": text, "chatId": chat, "model": model} | fields)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-turn-id"])


def steps(http: httpx2.Client, turn: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def has_usage() -> bool:
        found[:] = http.get(f"/api/turns/{turn}/context", params={"texts": "1"}).json()["steps"]
        return bool(found) and found[-1]["usage"] is not None

    wait_until(has_usage, "the step's usage")
    return found


def asked(fake: FakeServer, name: str) -> list[Received]:
    return [request for request in list(fake.requests) if request.model == name]


def change_text(server: Server, message: str, text: str) -> None:
    """An edit in place, as the database has it."""
    with closing(sqlite3.connect(server.data_dir / "quarterdeck.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO message_versions (message_id, version, owner_id, parts, created_at) "
            "SELECT id, version, owner_id, parts, created_at FROM messages WHERE id = ?", [message],
        )  # fmt: skip
        database.execute(
            "UPDATE messages SET version = version + 1, parts = json_array(json_object('kind', 'text', 'text', ?)) "
            "WHERE id = ?", [text, message],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "name"), [("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5"), ("gemini", "gemini-2.5-flash")]
)
def test_the_manifest_is_what_the_provider_received_byte_for_byte_also_after_an_edit(
    http: httpx2.Client, talking: Server, vendors: dict[str, FakeServer], vendor: str, name: str
) -> None:
    chat = new_name("chat")
    vendors[vendor].by_model[name] = Script(
        pieces=["Aye, ", "«grüß» 漢字 🚢."], usage=ScriptedUsage(input=900, cached=400)
    )
    before = len(asked(vendors[vendor], name))
    turns = [ask(http, chat, f"Question {number}: </pinned> \u2028 ünï", f"{vendor}/{name}") for number in range(3)]
    told = [received(request.body) for request in asked(vendors[vendor], name)[before:]]
    first = fetch_messages(http, chat)[0]["id"]
    for is_edited in (False, True):
        if is_edited:
            change_text(talking, first, "Something else entirely")
        for turn, expected in zip(turns, told, strict=True):
            [step] = steps(http, turn)
            assert listed(step) == expected
            assert step["is_exact"]
            assert (step["usage"]["input_tokens"], step["usage"]["cached_tokens"]) == (900, 400)
    assert "Europe/Berlin" in told[0][0][1]
    assert "I sail." in told[0][0][1]
    for earlier, later in itertools.pairwise(told):
        assert later[: len(earlier)] == earlier, "the beginning stays as it is, and in the provider's cache"
    turn = ask(http, chat, "And now?", f"{vendor}/{name}")
    assert "Something else entirely" in received(asked(vendors[vendor], name)[-1].body)[1][1]
    assert steps(http, turn)[0]["entries"][2]["version"] == 2


def test_each_message_says_when_it_was_sent_and_how_long_after_the_one_before(
    http: httpx2.Client, vendors: dict[str, FakeServer]
) -> None:
    chat, name = new_name("chat"), new_name("model")
    for text in ("One", "Two"):
        ask(http, chat, text, f"openai/{name}")
    first, second = [text for role, text in received(asked(vendors["openai"], name)[-1].body) if role == "user"]
    head, _, said = first.partition("\n")
    assert said == "One"
    assert head.startswith("[Sent ")
    assert head.endswith(("+01:00]", "+02:00]"))
    assert " s after the answer of " in second.partition("\n")[0]


def test_a_long_conversation_is_summarised_and_a_change_of_what_was_covered_makes_it_stale(
    http: httpx2.Client, vendors: dict[str, FakeServer]
) -> None:
    chat, name = new_name("chat"), new_name("model")
    vendors["openai"].by_model[name] = Script(pieces=["Aye."])
    for number in range(8):
        ask(http, chat, f"{number} {LONG}", f"openai/{name}")

    def summaries() -> list[dict[str, Any]]:
        return list(http.get(f"/api/conversations/{chat}/summaries").json()["items"])

    wait_until(lambda: bool(summaries()), "a summary")
    stored = fetch_messages(http, chat)
    made = summaries()[-1]
    assert (made["text"], made["first"], made["is_stale"]) == (SUMMARY, stored[0]["id"], False)
    covered = http.get(f"/api/summaries/{made['id']}").json()["sources"]
    assert covered == [message["id"] for message in stored[: len(covered)]]
    turn = ask(http, chat, "What did I tell you?", f"openai/{name}")
    [step] = steps(http, turn)
    assert listed(step) == received(asked(vendors["openai"], name)[-1].body)
    kinds = [entry["kind"] for entry in step["entries"]]
    assert kinds.count("summary") >= 1
    assert not {entry["message"] for entry in step["entries"]} & set(covered)
    assert SUMMARY in listed(step)[1][1]

    vendors["openai"].by_model["cheap"] = Script(pieces=["Made anew."])
    path = f"/api/messages/{covered[0]}/mark"
    assert http.patch(path, json={"mark": "excluded"}).status_code == 204
    wait_until(lambda: "Made anew." in [found["text"] for found in summaries()], "the summary made anew")
    vendors["openai"].by_model["cheap"] = Script(pieces=[SUMMARY])
    assert http.get(f"/api/summaries/{made['id']}").json()["is_stale"]
    asked_for = asked(vendors["openai"], "cheap")[-1].body["messages"][-1]["content"]
    assert f"0 {LONG}"[:40] not in asked_for, "what is excluded is not shown to the summariser either"
    assert steps(http, turn)[0]["is_exact"], "what was sent then can still be read"


def test_many_summaries_are_merged_into_one_that_follows_a_change_of_what_they_were_made_of(
    http: httpx2.Client, vendors: dict[str, FakeServer]
) -> None:
    chat, name = new_name("chat"), new_name("model")
    vendors["openai"].by_model[name] = Script(pieces=["Aye."])
    for number in range(16):  # each a section of its own, and more than a path may have
        ask(http, chat, f"{number} {LONG * 4}", f"openai/{name}")

    def summaries(level: int, *, stale: bool = False) -> list[dict[str, Any]]:
        found = http.get(f"/api/conversations/{chat}/summaries").json()["items"]
        return [summary for summary in found if summary["level"] == level and summary["is_stale"] == stale]

    wait_until(lambda: bool(summaries(2)), "the merged summary")
    merged, stored = summaries(2)[0], fetch_messages(http, chat)
    assert merged["first"] == stored[0]["id"]
    assert merged["messages"] > summaries(1)[0]["messages"]
    turn = ask(http, chat, "What did I tell you?", f"openai/{name}")
    [step] = steps(http, turn)
    assert listed(step) == received(asked(vendors["openai"], name)[-1].body)
    assert merged["id"] in [entry.get("summary") for entry in step["entries"]]
    wait_until(lambda: len(summaries(1)) == 15, "a section of each long question but the last")

    vendors["openai"].by_model["cheap"] = Script(pieces=["Made anew."])
    before = len(asked(vendors["openai"], "cheap"))
    assert http.patch(f"/api/messages/{stored[0]['id']}/mark", json={"mark": "excluded"}).status_code == 204
    wait_until(lambda: "Made anew." in [found["text"] for found in summaries(2)], "the merged summary made anew")
    vendors["openai"].by_model["cheap"] = Script(pieces=[SUMMARY])
    assert http.get(f"/api/summaries/{merged['id']}").json()["is_stale"]
    texts = [request.body["messages"][-1]["content"] for request in asked(vendors["openai"], "cheap")[before:]]
    assert any("Made anew." in text and SUMMARY in text for text in texts), (
        "it is made of the section that was made anew"
    )


def test_a_pinned_message_is_sent_also_when_it_is_summarised_and_an_excluded_one_is_not(
    http: httpx2.Client, vendors: dict[str, FakeServer]
) -> None:
    chat, name = new_name("chat"), new_name("model")
    ask(http, chat, "Remember: the key is under the mat.", f"openai/{name}")
    ask(http, chat, "Forget this nonsense.", f"openai/{name}")
    for number in range(8):
        ask(http, chat, f"{number} {LONG}", f"openai/{name}")
    wait_until(lambda: bool(http.get(f"/api/conversations/{chat}/summaries").json()["items"]), "a summary")
    stored = fetch_messages(http, chat)
    assert http.patch(f"/api/messages/{stored[0]['id']}/mark", json={"mark": "pinned"}).status_code == 204
    assert http.patch(f"/api/messages/{stored[-2]['id']}/mark", json={"mark": "excluded"}).status_code == 204
    assert [message["mark"] for message in (fetch_messages(http, chat)[0], fetch_messages(http, chat)[-2])] == [
        "pinned", "excluded",
    ]  # fmt: skip
    [step] = steps(http, ask(http, chat, "Where is the key?", f"openai/{name}"))
    told = listed(step)
    assert told == received(asked(vendors["openai"], name)[-1].body)
    assert "<pinned>\nRemember: the key is under the mat.\n</pinned>" in told[1][1]
    assert [entry["message"] for entry in step["entries"] if entry["kind"] == "pinned"] == [stored[0]["id"]]
    assert stored[-2]["id"] not in [entry["message"] for entry in step["entries"]]
    assert http.patch(f"/api/messages/{stored[0]['id']}/mark", json={"mark": "shiny"}).status_code == 422


TOO_LONG = {
    "openai": (400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
    "anthropic": (400, "prompt is too long: 9000 tokens > 8192 maximum", ""),
    "gemini": (400, "The input token count (9000) exceeds the maximum number of tokens allowed (8192).", ""),
}


@pytest.mark.parametrize("vendor", TOO_LONG)
def test_what_is_too_long_for_the_provider_is_sent_once_more_with_less_and_the_turn_says_so(
    http: httpx2.Client, vendors: dict[str, FakeServer], vendor: str
) -> None:
    chat, name = new_name("chat"), new_name("model")
    for number in range(4):
        ask(http, chat, f"{number} {LONG}", f"{vendor}/{name}")
    status, message, code = TOO_LONG[vendor]
    vendors[vendor].by_model[name] = Script(
        status=status, error_message=message, error_code=code, failures=1, pieces=["It fits."]
    )
    sent = len(asked(vendors[vendor], name))
    turn = ask(http, chat, "Does it fit?", f"{vendor}/{name}")
    requests = asked(vendors[vendor], name)[sent:]
    assert len(requests) == 2
    assert len(str(requests[1].body)) < len(str(requests[0].body))
    [step] = steps(http, turn)
    assert step["shortened"]
    assert step["clipped"]
    assert listed(step) == received(requests[1].body)
    events = http.get(f"/api/turns/{turn}/events").text
    assert events.count('"type":"context.shortened"') == 1
    assert events.count('"type":"step.started"') == 1
    vendors[vendor].by_model[name] = Script(status=status, error_message=message, error_code=code)
    sent = len(asked(vendors[vendor], name))
    assert http.post("/chat_batch", json={"message": "And now?", "chatId": chat}).status_code == 502
    assert len(asked(vendors[vendor], name)) == sent + 2, "once more, and no more"


def test_the_gauge_tells_how_much_of_the_window_the_next_message_takes(http: httpx2.Client) -> None:
    chat, name = new_name("chat"), new_name("model")
    ask(http, chat, "Hello", f"openai/{name}")
    short = http.get(f"/api/conversations/{chat}/context").json()
    ask(http, chat, LONG, f"openai/{name}")
    long = http.get(f"/api/conversations/{chat}/context").json()
    assert long["counted"] > short["counted"] + 200
    assert long["budget"] <= long["window"]
    assert set(long["by_kind"]) == {"about", "time", "message"}
    other = http.get(f"/api/conversations/{chat}/context", params={"model": "anthropic/claude-sonnet-4-5"}).json()
    assert other["window"] > long["window"]


def test_without_a_summariser_older_messages_are_clipped_and_the_manifest_says_why(
    make_server: MakeServer, upstream: Upstream
) -> None:
    cheap, model = upstream.model(Script(status=400, error_message="No.")), upstream.model(Script(pieces=["Aye."]))
    server = make_server(QUARTERDECK_SUMMARISE_AFTER="1000", QUARTERDECK_BACKGROUND_MODEL=cheap).start()
    with server.http() as http:
        chat = new_name("chat")
        text = f"{LONG} " * 8
        for number in range(12):
            ask(http, chat, f"{number} {text}", model)
        wait_until(lambda: len(upstream.requests(cheap)) > 0, "the summariser to be asked")
        [step] = steps(http, ask(http, chat, "And now?", model))
    assert step["clipped"]
    assert step["clipped_at"]
    assert "No." in step["no_summary"]
    assert step["counted"] <= step["budget"]
    assert listed(step) == received(upstream.requests(model)[-1].body)


def test_a_summary_that_is_broken_off_by_a_restart_or_a_kill_is_made_later_and_nothing_is_lost(
    make_server: MakeServer, upstream: Upstream
) -> None:
    slow = Script(pieces=["Too late."], first_delay_s=60.0)
    cheap, model = upstream.model(slow), upstream.model(Script(pieces=["Aye."]))
    server = make_server(QUARTERDECK_SUMMARISE_AFTER="1000", QUARTERDECK_BACKGROUND_MODEL=cheap).start()
    killed, stopped = new_name("chat"), new_name("chat")

    def begin(chat: str) -> None:
        before = len(upstream.requests(cheap))
        with server.http() as http:
            for number in range(4):
                ask(http, chat, f"{number} {LONG * 4}", model)
        wait_until(lambda: len(upstream.requests(cheap)) > before, "the summariser to be asked")

    begin(killed)
    server.kill()
    server.restart()
    begin(stopped)
    assert server.terminate()[0] == 0
    upstream.change(cheap, Script(pieces=[SUMMARY]))
    server.restart()
    with server.http() as http:
        for chat in (killed, stopped):
            turn = ask(http, chat, "And now?", model)
            assert listed(steps(http, turn)[0]) == received(upstream.requests(model)[-1].body)
            assert len(fetch_messages(http, chat)) == 10

        def texts() -> list[str]:
            return [found["text"] for found in http.get(f"/api/conversations/{stopped}/summaries").json()["items"]]

        wait_until(lambda: SUMMARY in texts(), "the summary after the restart")
        assert "Too late." not in texts()
