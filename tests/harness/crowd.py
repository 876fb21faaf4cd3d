"""People who do not give up: senders who send again by id until they are told yes, viewers who come again by cursor.

record = Record()
async with sending(fleet.port, fleet.key, model, record, senders=3):
    …                                   # whatever happens to the servers meanwhile
wrong = find_losses(read_messages(fleet), record)

viewer = Viewer("socket", fleet.port, fleet.key, accepted)
await viewer.watch()                    # to the end of the answer
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from tests.harness.checks import Transcript, fold_transcript
from tests.harness.fleet import Fleet
from tests.harness.full_client import Frame, FullClient, SocketClosedError, has_ended, new_name, open_full
from tests.harness.viewers import read_events
from tests.harness.waiting import wait_until_async
from websockets.exceptions import WebSocketException

BROKEN = (OSError, EOFError, WebSocketException, SocketClosedError, TimeoutError, aiohttp.ClientError)
_PAUSE_S = 0.05
_SILENCE_S = 60.0
_WATCH_S = 120.0
Surface = Literal["socket", "sse"]
SURFACES: tuple[Surface, Surface] = ("socket", "sse")


@dataclass
class Record:
    """What was sent, what was acknowledged, and how long people waited. Names are ids and conversations at once."""

    sent: dict[str, str] = field(default_factory=dict)
    acked: dict[str, Frame] = field(default_factory=dict)
    begun_s: dict[str, float] = field(default_factory=dict)
    waits_s: list[float] = field(default_factory=list)  # from the first try to the acknowledgement
    refusals: list[tuple[float, Frame]] = field(default_factory=list)  # after how many seconds, and what was said
    second_turns: list[str] = field(default_factory=list)


@asynccontextmanager
async def sending(
    port: int, key: str, model: str, record: Record, *, senders: int = 3, pause_s: float = _PAUSE_S
) -> AsyncIterator[None]:
    """Messages come while the body runs; at its end, everybody still gets the acknowledgement they wait for."""
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(senders):
            group.create_task(_send_on(port, key, model, record, is_over, pause_s))
        try:
            yield
        finally:
            is_over.set()


async def _send_on(port: int, key: str, model: str, record: Record, is_over: asyncio.Event, pause_s: float) -> None:
    unsent = ""
    while not (is_over.is_set() and not unsent):
        with contextlib.suppress(*BROKEN):
            async with open_full(port, key, open_timeout=5, close_timeout=0.2) as client:
                while not (is_over.is_set() and not unsent):
                    unsent = unsent or _new_message(record)
                    if await _is_acked(client, model, record, unsent):
                        unsent = ""
                        await asyncio.sleep(pause_s)
        await asyncio.sleep(_PAUSE_S)


def _new_message(record: Record) -> str:
    name = new_name("m")
    record.sent[name] = f"the text of {name}"
    record.begun_s[name] = time.monotonic()
    return name


async def _is_acked(client: FullClient, model: str, record: Record, name: str) -> bool:
    begun = time.monotonic()
    fields = {"id": name, "conversation": name, "text": record.sent[name], "model": model, "follow": False}
    reply = await client.ask("send", **fields)
    if reply["type"] != "accepted":
        record.refusals.append((time.monotonic() - begun, reply))
        assert reply.get("retryable") is True, reply
        await asyncio.sleep(_PAUSE_S)
        return False
    record.acked[name] = reply
    record.waits_s.append(time.monotonic() - record.begun_s[name])
    return True


async def send_all_again(port: int, key: str, model: str, record: Record) -> None:
    """What a client does that cannot know what arrived: everything once more, with the same ids."""
    async with open_full(port, key) as client:
        for name, text in record.sent.items():
            fields = {"id": name, "conversation": name, "text": text, "model": model, "follow": False}
            again = await client.ask("send", **fields)
            if again.get("turn") != record.acked.setdefault(name, again)["turn"]:
                record.second_turns.append(f"{name} became a second turn: {again}")


def find_losses(stored: list[dict[str, Any]], record: Record) -> list[str]:
    """Messages that were acknowledged and are not stored exactly once as they were sent, with exactly one answer.

    `stored`: all that the database has, as `read_messages` gives it.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in stored:
        found.setdefault(row["conversation"], []).append(row)
    wrong = list(record.second_turns)
    for name, text in record.sent.items():
        questions = [row for row in found.get(name, []) if row["role"] == "user"]
        answers = [row for row in found.get(name, []) if row["role"] == "assistant"]
        if name in record.acked and [row["id"] for row in questions] != [record.acked[name]["message"]]:
            wrong.append(f"{name} was acknowledged and is there {len(questions)} times")
        if [text_in(row) for row in questions] not in ([], [text]):
            wrong.append(f"{name} was stored as {[text_in(row) for row in questions]}")
        if len(answers) != len(questions):
            wrong.append(f"{name} has {len(answers)} answers to {len(questions)} questions")
    return wrong


def read_messages(fleet: Fleet) -> list[dict[str, Any]]:
    """All of the database: id, conversation (the client's name for it), role, status, parts."""
    said = fleet.ask(
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT m.id, c.external_id AS conversation, m.role, m.status, "
        "m.parts::json AS parts FROM messages m JOIN conversations c ON c.id = m.conversation_id) found"
    )
    rows: list[dict[str, Any]] = json.loads(said)
    return rows


def text_in(row: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in row["parts"])


class Viewer:
    """Follows one turn to its end over any number of broken connections, on one surface."""

    def __init__(self, surface: Surface, port: int, key: str, accepted: Frame) -> None:
        self.surface = surface
        self.turn: str = accepted["turn"]
        self.transcript: Transcript = []
        self.arrivals: list[float] = []  # of each event, `time.monotonic()`
        self.resyncs: list[str] = []
        self._port, self._key, self._accepted = port, key, accepted
        self._stored = ""

    @property
    def text(self) -> str:
        """What the viewer has on the screen."""
        if self._stored:
            return self._stored
        return "".join(getattr(part, "text", "") for part in fold_transcript(self.transcript).parts)

    @property
    def longest_gap_s(self) -> float:
        """Between two events; however it was come by."""
        return max((later - one for one, later in zip(self.arrivals, self.arrivals[1:], strict=False)), default=0.0)

    def first_after(self, moment: float) -> float | None:
        """Seconds from `moment` to the next event."""
        return next((arrival - moment for arrival in self.arrivals if arrival > moment), None)

    async def watch(self) -> None:
        while not (has_ended(self.transcript) or self._stored):
            with contextlib.suppress(*BROKEN):
                await (self._by_socket() if self.surface == "socket" else self._by_sse())
            await asyncio.sleep(_PAUSE_S)

    async def _by_socket(self) -> None:
        async with open_full(self._port, self._key, open_timeout=5, ping_interval=None, close_timeout=0.2) as client:
            reply = await client.ask("follow", turn=self.turn, after=self._cursor)
            if reply["type"] == "resync":
                await self._reload(reply["reason"])
            if reply["type"] != "following":
                return
            seen = client.transcript(self.turn)

            def take() -> bool | None:
                self._add(seen)
                told = [frame for frame in client.frames if frame["type"] == "resync"]
                return True if has_ended(self.transcript) or told else None

            await client.until(take, "the end", _SILENCE_S)
            if not has_ended(self.transcript):
                await self._reload("told so")

    async def _by_sse(self) -> None:
        url = f"http://127.0.0.1:{self._port}/api/turns/{self.turn}/events"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=20)
        cursor = {"Last-Event-ID": str(self._cursor)} if self.transcript else {}
        headers = {"Authorization": f"Bearer {self._key}"} | cursor
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, headers=headers) as response:
            if response.status == 410:
                await self._reload("410")
            if response.status == 200:
                async for seq, event in read_events(response):
                    self._add([(seq, json.loads(event))])

    def _add(self, seen: Transcript) -> None:
        for seq, event in seen:
            if seq > self._cursor:
                self.transcript.append((seq, event))
                self.arrivals.append(time.monotonic())

    @property
    def _cursor(self) -> int:
        return self.transcript[-1][0] if self.transcript else 0

    async def _reload(self, why: str) -> None:
        """Told that the cursor is of no use: the stored message, or, while it is being written, all from the start."""
        self.resyncs.append(why)
        url = f"http://127.0.0.1:{self._port}/api/conversations/{self._accepted['conversation']}/messages"
        headers = {"Authorization": f"Bearer {self._key}"}
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
            items = (await response.json()).get("items", [])
        mine = next((item for item in items if item["id"] == self._accepted["answer"]), None)
        if mine is not None and mine["status"] not in ("queued", "running"):
            self._stored = text_in(mine)
        self.transcript.clear()


@asynccontextmanager
async def running_turns(fleet: Fleet, models: list[str]) -> AsyncIterator[tuple[list[Frame], list[Viewer]]]:
    """An answer of each model, with a viewer on every surface; all have seen the end of it when this is over."""
    async with open_full(fleet.port, fleet.key) as client:
        turns = [await client.send(model=model, follow=False) for model in models]
    viewers = [Viewer(surface, fleet.port, fleet.key, sent) for sent in turns for surface in SURFACES]
    async with asyncio.timeout(_WATCH_S), asyncio.TaskGroup() as group:
        for viewer in viewers:
            group.create_task(viewer.watch())
        await wait_until_async(lambda: _have_text(viewers), "all to see some text", 20)
        yield turns, viewers


async def _have_text(viewers: list[Viewer]) -> bool:
    return all(len(viewer.text) > 40 for viewer in viewers)


def find_wrong_views(viewers: list[Viewer], text: str, stored: dict[str, dict[str, Any]]) -> list[str]:
    """`stored`: the answers' rows by turn. Everybody has the whole text, in order, with one end."""
    wrong = []
    for viewer in viewers:
        who = f"{viewer.surface} of {viewer.turn}"
        seqs = [seq for seq, _ in viewer.transcript]
        if viewer.text != text:
            wrong.append(f"{who} ends with {len(viewer.text)} of {len(text)} characters: …{viewer.text[-40:]!r}")
        if seqs != sorted(set(seqs)):
            wrong.append(f"{who} saw events out of order or twice")
        ends = [event for _, event in viewer.transcript if event["type"] == "turn.ended"]
        if len(ends) != (0 if viewer.transcript == [] else 1):
            wrong.append(f"{who} saw {len(ends)} ends")
        mine = stored[viewer.turn]
        if (mine["status"], text_in(mine)) != ("complete", text):
            wrong.append(f"{who}: stored {mine['status']} with {len(text_in(mine))} of {len(text)} characters")
    return wrong


def read_answers(fleet: Fleet, turns: list[Frame]) -> dict[str, dict[str, Any]]:
    """The stored answers of accepted turns, by turn."""
    rows = {row["id"]: row for row in read_messages(fleet)}
    return {accepted["turn"]: rows[accepted["answer"]] for accepted in turns}
