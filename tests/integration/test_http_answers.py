"""`POST /chat_batch`, the server-sent events of a turn, and the routes about models and the server."""

from __future__ import annotations

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.script import Script, words
from tests.harness.checks import Transcript, find_differences, find_disorder, texts_of
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import UPSTREAM_KEY, Upstream
from tests.harness.waiting import wait_until


def read_sse(http: httpx2.Client, turn: str, headers: dict[str, str] | None = None, **params: str) -> Transcript:
    response = http.get(f"/api/turns/{turn}/events", params=params, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return parse_sse(response.text)


def parse_sse(text: str) -> Transcript:
    transcript: Transcript = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if lines:
            transcript.append((int(lines["id"]), json.loads(lines["data"])))
    return transcript


def finished_turn(http: httpx2.Client, upstream: Upstream, count: int = 30) -> str:
    model = upstream.model(Script(pieces=words(count), delay_s=0.003))
    return http.post("/chat_batch", json={"message": "Hi", "model": model}).headers["x-turn-id"]


def test_an_answer_in_one_go_is_plain_text_with_its_ids(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Grüße, ", "Welt 🌍"]))
    chat = new_name("chat")
    answer = http.post("/chat_batch", json={"message": "Hi", "chatId": chat, "model": model, "temperature": 0.1})
    assert (answer.status_code, answer.text) == (200, "Grüße, Welt 🌍")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-chat-id"] == chat
    assert fetch_messages(http, chat)[-1]["turn"] == answer.headers["x-turn-id"]
    assert upstream.requests(model)[0].body["temperature"] == 0.1


def test_an_answer_in_one_go_needs_only_a_message(http: httpx2.Client, upstream: Upstream) -> None:
    answer = http.post("/chat_batch", json={"message": "Hello there", "model": upstream.model(Script())})
    conversation = http.get(f"/api/conversations/{answer.headers['x-chat-id']}")
    assert conversation.json()["title"] == "Hello there"


def test_an_answer_in_one_go_is_written_as_it_arrives(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), fault="stall", fault_after=20))
    with http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as answer:
        received = ""
        for piece in answer.iter_text():
            received += piece
            if received == "".join(words(20)).rstrip():  # the space may be the beginning of a citation
                break
        assert http.post(f"/api/turns/{answer.headers['x-turn-id']}/stop").status_code == 202


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (Script(status=401, failures=None), 502, "provider_key_refused"),
        (Script(status=429, failures=None, retry_after="300"), 429, "provider_rate_limited"),
        (Script(status=400), 502, "provider_rejected_request"),
        (Script(status=404), 404, "model_not_found"),
        (Script(fault="empty"), 502, "provider_empty"),
        (Script(fault="refusal"), 502, "provider_refused"),
        (Script(fault="cut", fault_after=0), 502, "provider_cut"),
        (Script(fault="html"), 502, "provider_malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_error_before_the_first_byte_is_a_problem_with_its_status(
    http: httpx2.Client, upstream: Upstream, script: Script, status: int, code: str
) -> None:
    answer = http.post("/chat_batch", json={"message": "Hi", "model": upstream.model(script)})
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() == {"type", "title", "status", "detail", "code", "retryable"}
    assert problem["detail"].strip()


def test_an_error_after_the_first_byte_breaks_the_connection(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(20), fault="cut", fault_after=10, delay_s=0.01))
    with http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_text()
        received = next(pieces)
        with pytest.raises(httpx2.RemoteProtocolError):
            received += "".join(pieces)
    assert "".join(words(10)).startswith(received)


def test_the_same_id_in_one_go_is_asked_once(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Once."]))
    asked = {"message": "Hi", "chatId": new_name("chat"), "id": new_name("key"), "model": model}
    answers = [http.post("/chat_batch", json=asked) for _ in range(3)]
    assert {answer.text for answer in answers} == {"Once."}
    assert len({answer.headers["x-turn-id"] for answer in answers}) == 1
    assert len(upstream.requests(model)) == 1
    assert http.post("/chat_batch", json=asked | {"message": "Other"}).status_code == 409


def test_events_are_ids_and_lines_of_json_and_the_last_is_the_end(http: httpx2.Client, upstream: Upstream) -> None:
    turn = finished_turn(http, upstream)
    transcript = read_sse(http, turn)
    assert find_disorder(transcript) == []
    assert texts_of(transcript) == ["".join(words(30))]


def test_events_come_live_and_the_server_closes_after_the_end(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(40), delay_s=0.01))
    with http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as answer:
        turn = answer.headers["x-turn-id"]
        chat = answer.headers["x-chat-id"]
        transcript = read_sse(http, turn)
    assert find_disorder(transcript) == []
    assert find_differences(transcript, fetch_messages(http, chat)[-1]) == []


def test_events_go_on_after_any_cursor_given_either_way(http: httpx2.Client, upstream: Upstream) -> None:
    turn = finished_turn(http, upstream)
    whole = read_sse(http, turn)
    for cursor in range(len(whole) + 1):
        assert read_sse(http, turn, after=str(cursor)) == whole[cursor:]
        assert read_sse(http, turn, headers={"last-event-id": str(cursor)}) == whole[cursor:]
    assert read_sse(http, turn, headers={"last-event-id": "3"}, after="1") == whole[3:], "the newer one counts"


@pytest.mark.parametrize("cursor", ["10000", "999999999999"])
def test_a_cursor_ahead_of_the_events_is_gone(http: httpx2.Client, upstream: Upstream, cursor: str) -> None:
    turn = finished_turn(http, upstream)
    ahead = http.get(f"/api/turns/{turn}/events", params={"after": cursor})
    assert (ahead.status_code, ahead.json()["code"]) == (410, "resync")


@pytest.mark.parametrize("cursor", [b"x", b"-1", b"1.5", "²".encode(), b"9" * 13])
def test_a_cursor_that_is_no_number_is_refused(http: httpx2.Client, upstream: Upstream, cursor: bytes) -> None:
    turn = finished_turn(http, upstream)
    refused = http.get(f"/api/turns/{turn}/events", headers={b"last-event-id": cursor})
    assert refused.status_code in (422, 410)


def test_events_that_are_no_longer_kept_are_gone(make_server: MakeServer, upstream: Upstream) -> None:
    running = make_server().start()
    with running.http() as http:
        turn = finished_turn(http, upstream)
        running.terminate()
        for file in running.data_dir.glob("log.sqlite3*"):
            file.unlink()
        running.restart()
    with running.http() as http:
        assert http.get(f"/api/turns/{turn}/events").status_code == 410
        assert http.get(f"/api/turns/{turn}/events", params={"after": 3}).json()["code"] == "resync"
        assert http.get(f"/api/turns/{turn}/context").status_code == 200


def test_a_silent_stream_of_events_has_a_heartbeat(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(fault="stall", fault_after=1))
    with server.http() as http, http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as answer:
        turn = answer.headers["x-turn-id"]
        with http.stream("GET", f"/api/turns/{turn}/events", timeout=16) as events:
            assert any(line.startswith(":") for line in events.iter_lines())
        http.post(f"/api/turns/{turn}/stop")


def test_stopping_over_http_ends_the_turn_with_what_it_has(http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(400), delay_s=0.02))
    with http.stream("POST", "/chat_batch", json={"message": "Hi", "model": model}) as answer:
        pieces = answer.iter_text()
        received = next(pieces)
        assert http.post(f"/api/turns/{answer.headers['x-turn-id']}/stop").status_code == 202
        received += "".join(pieces)
        stored = fetch_messages(http, answer.headers["x-chat-id"])[-1]
    assert (stored["status"], stored["parts"]) == ("stopped", [{"kind": "text", "text": received}])
    assert http.post(f"/api/turns/{answer.headers['x-turn-id']}/stop").status_code == 202


def test_models_come_with_their_default_and_the_built_in_one(http: httpx2.Client) -> None:
    found = http.get("/api/models").json()
    ids = [profile["id"] for profile in found["items"]]
    assert "builtin/log-reader" in ids
    assert "openai/fake-chat" in ids
    assert found["default"] in ids
    assert found["errors"] == []
    assert http.get("/api/models", params={"refresh": 1}).json()["default"] == found["default"]


def test_the_built_in_assistant_is_listed(http: httpx2.Client) -> None:
    [ideas] = [found for found in http.get("/api/assistants").json()["items"] if found["id"] == "ideas"]
    assert ideas["format"] == "tagged"
    assert ideas["name"]


def test_a_provider_is_connected_used_tested_and_removed(
    server: Server, http: httpx2.Client, upstream: Upstream
) -> None:
    given = {"base_url": upstream.base_url, "key": UPSTREAM_KEY, "label": "My own"}
    tried = http.post("/api/providers/test", json=given | {"name": "mine"}).json()
    assert (tried["ok"], tried["code"]) == (True, "")
    assert http.put("/api/providers/mine", json=given).status_code == 200
    [mine] = [found for found in http.get("/api/providers").json()["items"] if found["name"] == "mine"]
    assert (mine["label"], mine["origin"], mine["key_set"], mine["state"]) == ("My own", "settings", True, "ok")
    assert mine["key_hint"] == UPSTREAM_KEY[-4:]
    assert http.put("/api/providers/mine", json={"base_url": upstream.base_url}).status_code == 200, "the key stays"
    answer = http.post("/chat_batch", json={"message": "Hi", "model": "mine/fake-chat"})
    assert answer.text == "Hello, world!"
    database = b"".join(file.read_bytes() for file in server.data_dir.glob("quarterdeck.sqlite3*"))
    assert UPSTREAM_KEY.encode() not in database, "keys are stored encrypted"
    assert http.delete("/api/providers/mine").status_code == 204
    assert http.delete("/api/providers/mine").status_code == 404
    assert http.post("/chat_batch", json={"message": "Hi", "model": "mine/fake-chat"}).status_code == 404


def test_a_wrong_provider_key_is_told_when_it_is_tried(http: httpx2.Client, upstream: Upstream) -> None:
    given = {"name": "openai", "base_url": upstream.base_url, "key": "sk-wrong-0123456789abcdef"}
    tried = http.post("/api/providers/test", json=given).json()
    assert (tried["ok"], tried["code"]) == (False, "provider_key_refused")
    assert "sk-wrong" not in tried["message"]


def test_a_stored_key_goes_to_its_own_address_only(http: httpx2.Client, upstream: Upstream) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere, ThreadPoolExecutor(1) as pool:
        heard = pool.submit(_hear_one_request, elsewhere)
        given = {"name": "openai", "base_url": f"http://127.0.0.1:{elsewhere.getsockname()[1]}/v1"}
        assert http.post("/api/providers/test", json=given).json()["ok"] is False
        request = heard.result(5)
    assert request.startswith(b"GET /v1/models")
    assert UPSTREAM_KEY.encode() not in request


def _hear_one_request(listener: socket.socket) -> bytes:
    listener.settimeout(5)
    connection, _ = listener.accept()
    with connection:
        return connection.recv(65536)


def test_a_locked_provider_key_does_not_keep_the_server_from_starting(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server().start()
    with running.http() as http:
        http.put("/api/providers/mine", json={"base_url": upstream.base_url, "key": UPSTREAM_KEY})
    running.terminate()
    (running.data_dir / "secret.key").write_bytes(os.urandom(32))
    running.restart()
    assert "provider_key_locked" in running.log_text()


def test_the_default_model_is_a_setting(make_server: MakeServer, upstream: Upstream) -> None:
    running = make_server().start()
    model = upstream.model(Script(pieces=["By default."]))
    with running.http() as http:
        assert http.patch("/api/settings", json={"default_model": model}).json()["default_model"] == model
        assert http.get("/api/models").json()["default"] == model
        assert http.post("/chat_batch", json={"message": "Hi"}).text == "By default."
        assert http.patch("/api/settings", json={"default_model": "nowhere/x"}).status_code == 404
        running.terminate()
        running.restart()
        assert http.get("/api/settings").json()["default_model"] == model
        assert http.patch("/api/settings", json={"default_model": ""}).json()["default_model"] != model


def test_who_is_asking_and_where_everything_is(server: Server, http: httpx2.Client) -> None:
    me = http.get("/api/me").json()
    assert (me["name"], me["role"]) == ("owner", "owner")
    settings = http.get("/api/settings").json()
    assert settings.keys() == {"default_model", "public_url", "data_dir", "version"}
    assert settings["data_dir"] == str(server.data_dir)
    assert settings["version"] == me["version"]


def test_health_needs_no_sign_in(server: Server) -> None:
    with server.http("") as nobody:
        assert nobody.get("/healthz").json() == {"status": "alive"}
        assert nobody.get("/readyz").json() == {"status": "ready"}
        assert nobody.get("/openapi.json").json()["info"]["title"] == "Quarterdeck"


def test_silent_upstreams_do_not_hold_up_others(server: Server, upstream: Upstream) -> None:
    silent = upstream.model(Script(first_delay_s=3600))
    asked = {"message": "Hi", "model": silent}
    with server.http() as http, ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(http.post, "/chat_batch", json=asked | {"chatId": new_name("chat")}) for _ in range(10)]
        wait_until(lambda: len(upstream.requests(silent)) == 10, "ten requests")
        answer = http.post("/chat_batch", json=asked | {"model": upstream.model(Script())})
        assert answer.text == "Hello, world!"
        running = http.get("/api/conversations", params={"limit": 200}).json()["items"]
        for conversation in running:
            if conversation["model"] == silent:
                assert http.post(f"/api/turns/{conversation['running_turn']}/stop").status_code == 202
        assert [done.result().text for done in waiting] == [""] * 10


def test_a_body_that_may_be_left_out_leaves_no_warning_of_a_library_in_the_log(make_server: MakeServer) -> None:
    server = make_server().start()
    with server.http() as http:
        assert http.post("/api/messages/none/fork", json={}).status_code == 404
        assert http.post("/v1/responses", json={"model": "none/none", "input": "Hi"}).status_code == 404
    assert "Warning" not in server.log_text()
