"""G12: SIGTERM while answers stream. Viewers are told, the exit is quick, the restart goes on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any

import httpx2
import pytest
from tests.conftest import MakeServer, Report
from tests.fakes.script import TAGGED, Script, words
from tests.harness.checks import Transcript, find_differences, find_disorder, find_shrinking, texts_of
from tests.harness.full_client import FullClient, SocketClosedError, new_name, open_full
from tests.harness.server import Server
from tests.harness.simple_client import open_simple
from tests.harness.stored import fetch_message
from tests.harness.upstream import Upstream
from tests.harness.viewers import watch_by_socket, watch_by_sse
from tests.harness.waiting import trials, wait_until

EXIT_S = 10.0
SCRIPTS = {
    "": Script(pieces=words(120), delay_s=0.02),
    "silent": Script(first_delay_s=3600),
    "ideas": Script(pieces=list(TAGGED), delay_s=0.05),
}


async def begin(client: FullClient, upstream: Upstream) -> dict[str, dict[str, Any]]:
    accepted = {}
    for kind, script in SCRIPTS.items():
        assistant = "ideas" if kind == "ideas" else ""
        accepted[kind] = await client.send(kind or "text", model=upstream.model(script), assistant=assistant)
    waiting = {"id": new_name("key"), "conversation": accepted[""]["conversation"], "text": "And then?"}
    accepted["waiting"] = await client.ask("send", **waiting)
    await client.until_text(accepted[""]["turn"], 30)
    await client.until_text(accepted["ideas"]["turn"], 3)
    return accepted


async def watch_until_told(client: FullClient) -> list[str]:
    with pytest.raises(SocketClosedError) as closed:
        await client.until(lambda: None, "the server to close the socket", EXIT_S)
    told = [frame for frame in client.frames if frame["type"] == "reconnect"]
    wrong = [] if len(told) == 1 and told[0]["after_ms"] >= 0 else [f"told to reconnect {len(told)} times"]
    return wrong + ([] if closed.value.code == 1012 else [f"closed with {closed.value.code}"])


class Held:
    """What is open without a socket when the server is asked to stop, on a turn that says nothing."""

    def __init__(self, running: Server, sent: dict[str, Any], after: int) -> None:
        headers = {"authorization": f"Bearer {running.key}"}
        self._http = httpx2.AsyncClient(base_url=running.url, headers=headers, timeout=30)
        self._turn = f"{sent['turn']}:{after}"
        self._opened = [asyncio.Event() for _ in range(3)]
        ways = (self._poll(), self._stream(), self._ui_chat(sent["conversation"]))
        self._tasks = [asyncio.create_task(way) for way in ways]

    async def until_open(self) -> None:
        await asyncio.gather(*(opened.wait() for opened in self._opened))

    async def find_wrong(self) -> list[str]:
        found = await asyncio.gather(*self._tasks)
        await self._http.aclose()
        return [sentence for sentence in found if sentence]

    async def _poll(self) -> str:
        wait = 0
        while True:
            params = {"turn": self._turn, "feed": "now", "wait": str(wait)}
            told = {"trace": self._note_poll} if wait else {}
            answer = await self._http.get("/api/events", params=params, extensions=told)
            frame = answer.json()["items"][-1]
            if wait and frame["type"] != "feed":
                return "" if frame["type"] == "reconnect" else f"a poll ended with {frame}"
            wait = 20

    async def _note_poll(self, event: str, _info: Any) -> None:
        """The server has the question before it is asked to stop."""
        if event.endswith("send_request_body.complete"):
            self._opened[0].set()

    async def _stream(self) -> str:
        last = ""
        async with self._http.stream("GET", "/api/events", params={"turn": self._turn, "feed": "now"}) as answer:
            async for line in answer.aiter_lines():
                self._opened[1].set()
                last = line or last
        return "" if '"type":"reconnect"' in last else f"a stream ended with {last}"

    async def _ui_chat(self, chat: str) -> str:
        """It has no word for it, and must not look whole."""
        try:
            async with self._http.stream("GET", f"/api/ui/chat/{chat}/stream") as answer:
                async for _ in answer.aiter_lines():
                    self._opened[2].set()
        except httpx2.RemoteProtocolError:
            return ""
        return "a stream for the AI SDK ended as if it were whole"


async def stop(running: Server, client: FullClient) -> list[str]:
    running.ask_to_stop()
    begun = asyncio.get_running_loop().time()
    wrong = await watch_until_told(client)
    status = await asyncio.to_thread(running.wait)
    took_s = asyncio.get_running_loop().time() - begun
    if status != 0 or took_s > EXIT_S:
        wrong.append(f"exit {status} after {took_s:.1f} s")
    return wrong


async def test_a_rolling_restart_loses_nothing_and_tells_the_viewers(
    make_server: MakeServer, upstream: Upstream, report: Report
) -> None:
    running = make_server().start()
    wrong: list[str] = []
    count = trials(2, 15)
    for _ in range(count):
        async with open_full(running.port, running.key) as client, open_simple(running.port, running.key):
            accepted = await begin(client, upstream)
            silent = accepted["silent"]
            held = Held(running, silent, len(client.transcript(silent["turn"])))
            await held.until_open()
            wrong += await stop(running, client) + await held.find_wrong()
            seen = {kind: list(client.transcript(sent["turn"])) for kind, sent in accepted.items()}
        upstream.change(accepted["silent"]["model"], Script(pieces=["At last."]))
        await asyncio.to_thread(running.restart)
        shown = {kind: texts_of(transcript) for kind, transcript in seen.items()}
        async with asyncio.timeout(EXIT_S), asyncio.TaskGroup() as group:
            for number, (kind, sent) in enumerate(accepted.items()):
                watch = (watch_by_socket, watch_by_sse)[number % 2]
                group.create_task(watch(running.port, running.key, sent["turn"], seen[kind]))
        wrong += find_wrong_ends(running, accepted, seen, shown)
    report("G12 SIGTERM loses nothing", wrong, count * (len(SCRIPTS) + 4))


def find_wrong_ends(
    running: Server,
    accepted: dict[str, dict[str, Any]],
    seen: dict[str, Transcript],
    shown: dict[str, list[str]],
) -> list[str]:
    wrong = []
    with running.http() as http:
        for kind, sent in accepted.items():
            stored = fetch_message(http, sent["conversation"], sent["answer"])
            found = find_disorder(seen[kind]) + find_differences(seen[kind], stored)
            found += find_shrinking(shown[kind], texts_of(seen[kind]))
            found += [] if stored["status"] == "complete" else [f"ended {stored['status']}: {stored['error']}"]
            wrong += [f"{kind}: {sentence}" for sentence in found]
    if texts_of(seen[""]) != ["".join(words(120))]:
        wrong.append(f"text: {texts_of(seen[''])}")
    if texts_of(seen["ideas"]) != ["Whiskers", "Fluffy", "Saved them!"]:
        wrong.append(f"ideas: {texts_of(seen['ideas'])}")
    return wrong


async def test_a_server_that_is_stopping_takes_no_more_messages_it_would_lose(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server().start()
    model = upstream.model(Script(first_delay_s=3600))
    acked: list[str] = []
    async with open_full(running.port, running.key) as client:
        await client.send(model=model)
        running.ask_to_stop()
        await _send_until_refused(client, model, acked)
    assert await asyncio.to_thread(running.wait) == 0
    await asyncio.to_thread(running.restart)
    with running.http() as http:
        missing = [chat for chat in acked if http.get(f"/api/conversations/{chat}").status_code != 200]
    assert missing == []


def test_answers_over_http_that_a_stop_breaks_off_are_no_surprise_to_the_server(
    make_server: MakeServer, upstream: Upstream
) -> None:
    running = make_server().start()
    talks, waits = upstream.model(Script(pieces=words(3_000), delay_s=0.05)), upstream.model(Script(first_delay_s=60))
    messages = [{"role": "user", "content": "Hi"}]
    asked: list[tuple[str, dict[str, object]]] = [
        ("/chat_batch", {"message": "Hi", "model": talks}),
        ("/chat_batch", {"message": "Hi", "model": waits}),
        ("/v1/chat/completions", {"messages": messages, "model": talks}),
    ]

    begun = Semaphore(0)

    def ask(path: str, body: dict[str, object]) -> tuple[int, str]:
        with running.http() as http, http.stream("POST", path, json=body) as answer:
            begun.release()
            with contextlib.suppress(httpx2.RemoteProtocolError):
                return answer.status_code, answer.read().decode()
            return answer.status_code, "cut"

    with ThreadPoolExecutor(len(asked)) as pool:
        going = [pool.submit(ask, *each) for each in asked]
        wait_until(lambda: len(upstream.requests(talks) + upstream.requests(waits)) == len(asked), "all to be asked")
        assert begun.acquire(timeout=20), "the first one has said something"
        status, _ = running.terminate()
    (cut, waiting, whole) = [each.result() for each in going]
    assert status == 0
    assert cut == (200, "cut"), "it had begun, and does not end as if it were complete"
    for told in (waiting, whole):
        assert told[0] == 503
        assert "The server is restarting. Ask again in a moment." in told[1]
    assert "Traceback" not in running.log_text()


async def _send_until_refused(client: FullClient, model: str, acked: list[str]) -> None:
    with contextlib.suppress(SocketClosedError):
        while True:
            fields = {"id": new_name("key"), "conversation": new_name("chat"), "text": "Hi", "model": model}
            reply = await client.ask("send", **fields, follow=False)
            if reply["type"] != "accepted":
                assert reply["retryable"] is True
                return
            acked.append(reply["conversation"])


def test_one_who_had_just_come_is_answered_by_a_server_that_stops(make_server: MakeServer) -> None:
    """In a rolling restart others listen on the same address: whom this one has let in they cannot answer."""
    running = make_server().start()
    with socket.create_connection(("127.0.0.1", running.port), timeout=EXIT_S) as peer:
        running.ask_to_stop()
        wait_until(lambda: not is_listening(running.port), "nobody to be let in any more", EXIT_S)
        peer.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert running.wait() == 0


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=EXIT_S).close()
    except ConnectionRefusedError:
        return False
    return True
