"""Whatever comes in over HTTP: never a 5xx, always problem details with one sentence."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx2
import pytest
from tests.fakes.serving import as_written
from tests.harness.server import Server
from tests.harness.upstream import Upstream

PROBLEM = {"type", "title", "status", "detail", "code", "retryable"}
JSON = {"content-type": "application/json"}
HALF_KEY = b'{"base_url": "https://a.example/v1", "key": "\\udc00"}'
SURROGATE = b'{"message": "\\ud800 alone", "model": "builtin/log-reader"}'

WRONG: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/api/nothing", {}, 404),
    ("GET", "/nothing/at/all", {}, 404),
    ("GET", "/%00", {}, 404),
    ("GET", "/%ff%fe", {}, 404),
    ("GET", "/../../etc/passwd", {}, 404),
    ("GET", "/assets/..%2f..%2f..%2fpyproject.toml", {}, 404),
    ("GET", "/docs/..%2findex.html", {}, 404),
    ("POST", "/api/me", {}, 405),
    ("DELETE", "/api/conversations", {}, 405),
    ("PUT", "/chat_batch", {}, 405),
    ("PATCH", "/healthz", {}, 405),
    ("GET", "/api/conversations?limit=0", {}, 422),
    ("GET", "/api/conversations?limit=201", {}, 422),
    ("GET", "/api/conversations?limit=ten", {}, 422),
    ("GET", "/api/conversations?limit=1e3", {}, 422),
    ("GET", "/api/conversations?limit=" + "9" * 5000, {}, 422),
    ("GET", "/api/conversations?cursor=x", {}, 422),
    ("GET", "/api/conversations?cursor=1.", {}, 422),
    ("GET", "/api/conversations?cursor=%C2%B2.x", {}, 422),
    ("GET", "/api/conversations?cursor=" + "9" * 16 + ".x", {}, 422),
    ("GET", "/api/conversations?q=" + "q" * 201, {}, 422),
    ("GET", "/api/conversations/none", {}, 404),
    ("GET", "/api/conversations/%00", {}, 404),
    ("GET", "/api/conversations/" + "x" * 5000, {}, 404),
    ("GET", "/api/conversations/none/messages", {}, 404),
    ("GET", "/api/conversations/none/messages?limit=-1", {}, 422),
    ("PATCH", "/api/conversations/none", {"json": {"title": "t"}}, 404),
    ("PATCH", "/api/conversations/none", {"json": {"title": ""}}, 422),
    ("PATCH", "/api/conversations/none", {"json": {"title": "t" * 201}}, 422),
    ("PATCH", "/api/conversations/none", {"json": {"title": 5}}, 422),
    ("PATCH", "/api/conversations/none", {"json": {"title": None}}, 422),
    ("PATCH", "/api/conversations/none", {"json": {"temperature": 3}}, 422),
    ("PATCH", "/api/conversations/none", {"json": {"model": "nowhere/x"}}, 404),
    ("PATCH", "/api/conversations/none", {"json": []}, 422),
    ("PATCH", "/api/conversations/none", {}, 422),
    ("DELETE", "/api/conversations/none", {}, 404),
    ("POST", "/api/conversations/none/restore", {}, 404),
    ("POST", f"/api/messages/none/versions/{10**30}/restore", {"json": {"version": 1}}, 422),
    ("GET", f"/api/imports/none/report?after={10**30}", {}, 422),
    ("POST", "/api/memories/none/undo", {"json": {"version": 10**30}}, 422),
    ("GET", "/api/memories?before=--5", {}, 422),
    ("GET", "/api/turns/none/events", {}, 404),
    ("GET", "/api/turns/none/events?after=-1", {}, 422),
    ("GET", "/api/turns/none/events?after=x", {}, 422),
    ("GET", "/api/turns/none/context", {}, 404),
    ("POST", "/api/turns/none/stop", {}, 404),
    ("GET", "/api/ideas?limit=501", {}, 422),
    ("GET", "/api/ideas?conversation=none", {}, 404),
    ("DELETE", "/api/ideas/none", {}, 404),
    ("GET", "/api/models?refresh=perhaps", {}, 422),
    ("POST", "/chat_batch", {}, 422),
    ("POST", "/chat_batch", {"content": b"", "headers": JSON}, 422),
    ("POST", "/chat_batch", {"content": b"{", "headers": JSON}, 422),
    ("POST", "/chat_batch", {"content": b"\xff\xfe", "headers": JSON}, 422),
    ("POST", "/chat_batch", {"content": b"[" * 100_000, "headers": JSON}, 400),
    ("POST", "/chat_batch", {"content": b'{"message": ' + b"9" * 5000 + b"}", "headers": JSON}, 400),
    ("POST", "/chat_batch", {"content": SURROGATE, "headers": JSON}, 422),
    ("PATCH", "/api/settings", {"content": b'{"default_model": "openai/\\ud800"}', "headers": JSON}, 422),
    ("PUT", "/api/providers/x", {"content": HALF_KEY, "headers": JSON}, 422),
    ("POST", "/chat_batch", {"content": b"message=Hi", "headers": {"content-type": "text/plain"}}, 422),
    ("POST", "/chat_batch", {"data": {"message": "Hi"}}, 422),
    ("POST", "/chat_batch", {"json": "Hi"}, 422),
    ("POST", "/chat_batch", {"json": {}}, 422),
    ("POST", "/chat_batch", {"json": {"message": 5}}, 422),
    ("POST", "/chat_batch", {"json": {"message": None}}, 422),
    ("POST", "/chat_batch", {"json": {"message": ""}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "\n\t "}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "a\x00b"}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "x" * 1_000_001}}, 413),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "model": "word"}}, 404),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "model": "nowhere/x"}}, 404),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "model": ["openai/x"]}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "temperature": "warm"}}, 422),
    ("POST", "/chat_batch", {"content": b'{"message": "Hi", "temperature": NaN}', "headers": JSON}, 422),
    ("POST", "/chat_batch", {"content": b'{"message": "Hi", "temperature": 1e999}', "headers": JSON}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "temperature": -1}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "chatId": ""}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "chatId": "c" * 201}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "chatId": "a\x00b"}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "assistant": "nobody"}}, 422),
    ("POST", "/chat_batch", {"json": {"message": "Hi", "id": ""}}, 422),
    ("POST", "/chat_batch", {"content": b"x" * (9 << 20), "headers": JSON}, 413),
    ("PUT", "/api/providers/UPPER", {"json": {"base_url": "https://a.example/v1"}}, 422),
    ("PUT", "/api/providers/builtin", {"json": {"base_url": "https://a.example/v1"}}, 409),
    ("PUT", "/api/providers/x", {"json": {"base_url": "ftp://a.example/v1"}}, 422),
    ("PUT", "/api/providers/x", {"json": {"base_url": "https://[::1"}}, 422),
    ("PUT", "/api/providers/x", {"json": {"base_url": "https://a.example:99999/v1"}}, 422),
    ("PUT", "/api/providers/x", {"json": {"base_url": "https://user:pass@a.example/v1"}}, 422),
    ("PUT", "/api/providers/x", {"json": {"base_url": "https://a.example/v1", "key": "two words"}}, 422),
    ("PUT", "/api/providers/x", {"json": {"base_url": "https://a.example/v1", "key": "ключ-от-двери"}}, 422),
    ("PUT", "/api/providers/x", {"json": {"base_url": "https://a.example/v1", "dialect": "latin"}}, 422),
    ("POST", "/api/providers/test", {"json": {"base_url": "https://a.example/v1"}}, 422),
    ("DELETE", "/api/providers/none", {}, 404),
    ("PATCH", "/api/settings", {"json": {}}, 422),
    ("PATCH", "/api/settings", {"json": {"default_model": "word"}}, 404),
]


@pytest.mark.parametrize(("method", "path", "content", "status"), WRONG, ids=range(len(WRONG)))
def test_wrong_input_is_a_problem_with_one_sentence(
    http: httpx2.Client, method: str, path: str, content: dict[str, Any], status: int
) -> None:
    answer = http.request(method, path, **content)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() == PROBLEM
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert problem["detail"].rstrip().endswith((".", "?"))
    assert "\n" not in problem["detail"]
    assert "Traceback" not in answer.text
    assert problem["code"].replace("_", "").isalpha()


@pytest.mark.parametrize(
    ("path", "content", "sentence"),
    [
        ("/chat_batch", {"content": b'{"message": "Hi"}'}, "Send the body as JSON, with the header `Content-Type: "),
        ("/chat_batch", {"data": {"message": "Hi"}}, "Send the body as JSON, with the header `Content-Type: "),
        ("/chat_batch", {"content": b'{"message": "Hi",}', "headers": JSON}, "The body cannot be parsed as JSON."),
        ("/chat_batch", {"json": "Hi"}, "The request does not fit: Input should be an object."),
        ("/chat_batch", {}, "The body is missing: send a JSON object."),
        ("/v1/responses", {}, "The body is missing: send a JSON object."),
        ("/v1/responses", {"json": "Hi"}, "The request does not fit: Input should be an object."),
        ("/v1/chat/completions", {"content": b"{}"}, "Send the body as JSON, with the header `Content-Type: "),
        ("/v1/messages", {"content": b"{}"}, "Send the body as JSON, with the header `Content-Type: "),
        ("/v1/messages", {"content": b"{", "headers": JSON}, "The body cannot be parsed as JSON."),
    ],
)
def test_a_body_that_was_not_sent_as_json_is_told_what_is_missing(
    http: httpx2.Client, path: str, content: dict[str, Any], sentence: str
) -> None:
    told = http.post(path, **content).json()
    assert (told.get("detail") or told["error"]["message"]).startswith(sentence)


@pytest.mark.parametrize("path", ["/api/imports?name=export.zip", "/api/memories/import"])
def test_a_file_in_a_form_is_not_taken_for_the_file(http: httpx2.Client, path: str) -> None:
    """As `curl -F file=@export.zip` sends it: what is around it would become a note."""
    before = http.get("/api/imports").json()
    answer = http.post(path, files={"file": ("export.zip", b"PK")})
    assert (answer.status_code, "--data-binary @FILE" in answer.json()["detail"]) == (422, True)
    assert http.get("/api/imports").json() == before


TRIED: list[dict[str, Any]] = [
    {"base_url": "http://127.0.0.1:1/v1"},
    {"base_url": "http://nowhere.invalid/v1"},
    {"base_url": "http://127.0.0.1:1/v1", "dialect": "anthropic", "key": "k" * 900},
    {"base_url": "http://127.0.0.1:1/v1", "dialect": "gemini", "key": "a?b&c=d#e"},
    {"base_url": "http://a b/v1"},
    {"base_url": "http://x" + "y" * 300 + "/v1"},
    {"base_url": "http://…/v1"},
]


@pytest.mark.parametrize("given", TRIED, ids=range(len(TRIED)))
def test_trying_a_provider_that_is_not_there_is_an_answer_or_a_problem_never_a_crash(
    http: httpx2.Client, given: dict[str, Any]
) -> None:
    answer = http.post("/api/providers/test", json={"name": "x"} | given)
    if answer.status_code == 200:
        assert answer.json()["ok"] is False
        assert answer.json()["message"].endswith(".")
    else:
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "bad_input"


RAW = [
    b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"GET /api/me HTTP/1.1\r\nHost: \r\n\r\n",
    b"GET /api/me HTTP/1.0\r\n\r\n",
    b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1:99999999\r\n\r\n",
    b"GET /api/me HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET /api/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    b"GET /api/me HTTP/1.1\r\nHost: localhost\r\nCookie: qd_session=\xff; \xfe\r\n\r\n",
    b"POST /chat_batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: \xb2\r\n\r\n",
    b"POST /chat_batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST /chat_batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"b" * 70_000 + b"\r\n\r\n",
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"nonsense\r\n\r\n",
]


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_raw_nonsense_on_the_wire_is_never_a_server_error(server: Server, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as wire:
        wire.sendall(raw)
        wire.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
    with server.http("") as nobody:
        assert nobody.get("/healthz").status_code == 200


@pytest.mark.parametrize(("path", "megabytes"), [("/chat_batch", 12), ("/v1/chat/completions", 30)])
def test_a_body_without_a_length_is_bounded_too(server: Server, path: str, megabytes: int) -> None:
    def endless() -> Any:
        for _ in range(16 * megabytes):
            yield b" " * 65536

    with server.http() as http:
        try:
            answer = http.post(path, content=endless(), headers=JSON)
            status = answer.status_code
            assert "larger than" in answer.text
        except (httpx2.WriteError, httpx2.ReadError, httpx2.RemoteProtocolError):
            status = 413  # it hung up before everything was sent
        assert status == 413


def test_the_shape_of_a_problem_is_the_same_for_who_may_not(server: Server) -> None:
    with server.http("") as nobody:
        answer = nobody.get("/api/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json().keys() == PROBLEM
    assert answer.json()["code"] == "not_signed_in"


def test_an_odd_message_comes_back_as_it_was(http: httpx2.Client, upstream: Upstream) -> None:
    odd = "\u202e right\u200bto left \U0001f469\u200d\U0001f680 \ufffd \u0007 ' \" \\ %s {0} <b>&amp;</b>"
    answer = http.post("/chat_batch", json={"message": odd, "model": "openai/fake-chat"})
    [question, _] = http.get(f"/api/conversations/{answer.headers['x-chat-id']}/messages").json()["items"]
    assert question["parts"] == [{"kind": "text", "text": odd}]
    sent = [as_written(request.body["messages"][-1]["content"]) for request in upstream.requests("openai/fake-chat")]
    assert odd in sent
    assert json.loads(json.dumps(odd)) == odd
