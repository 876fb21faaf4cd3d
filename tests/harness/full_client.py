"""A client of `quarterdeck.v1`: replies are matched by `ref`, events are kept in the order they came."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tests.harness.checks import Transcript
from tests.harness.waiting import WAIT_S
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

T = TypeVar("T")
Frame = dict[str, Any]
PROTOCOL = Subprotocol("quarterdeck.v1")
CLOSED_EARLY = "the connection was closed"


class SocketClosedError(Exception):
    """The server or the network ended the connection; `code` is the close code (1006 when it was cut)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{CLOSED_EARLY}: {code} {reason}")
        self.code = code
        self.reason = reason


class FullClient:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.hello: Frame = {}
        self.frames: list[Frame] = []  # all but events
        self.feed: list[tuple[int, Frame]] = []
        self.transcripts: dict[str, Transcript] = {}
        self._refs = itertools.count(1)
        self._news = asyncio.Event()
        self.closed: SocketClosedError | None = None
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        self.closed = SocketClosedError(self.socket.close_code or 1006, self.socket.close_reason or "")
        self._news.set()

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "event":
                self.transcript(frame["turn"]).append((frame["seq"], frame["event"]))
            case "feed":
                self.feed.append((frame["seq"], frame["event"]))
            case "hello":
                self.hello = frame
            case _:
                self.frames.append(frame)
        self._news.set()

    def transcript(self, turn: str) -> Transcript:
        return self.transcripts.setdefault(turn, [])

    async def until(self, find: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
        """The first thing that `find` gives. Raises: `SocketClosedError`, `TimeoutError`."""
        try:
            async with asyncio.timeout(timeout_s):
                while (found := find()) is None:
                    if self.closed is not None:
                        raise self.closed
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            raise TimeoutError(f"waited {timeout_s} s for {what}") from None

    async def say(self, frame: Frame | str | bytes) -> None:
        try:
            await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        except ConnectionClosed:
            raise SocketClosedError(self.socket.close_code or 1006, self.socket.close_reason or "") from None

    async def ask(self, kind: str, **fields: Any) -> Frame:
        """The reply with our `ref`, whatever it is."""
        return await self.ask_as({"type": kind, "ref": str(next(self._refs))} | fields)

    async def ask_as(self, frame: Frame) -> Frame:
        """The same for a frame as it stands."""
        await self.say(frame)
        return await self.reply(frame["ref"])

    async def reply(self, ref: str) -> Frame:
        return await self.until(lambda: self._reply_to(ref), f"a reply to {ref}")

    def _reply_to(self, ref: str) -> Frame | None:
        return next((frame for frame in self.frames if frame.get("ref") == ref), None)

    async def send(self, text: str = "Hello", **fields: Any) -> Frame:
        """The `accepted` frame of a message, in a conversation of its own unless one is given."""
        defaults = {"id": new_name("key"), "conversation": new_name("chat"), "text": text}
        reply = await self.ask("send", **(defaults | fields))
        assert reply["type"] == "accepted", reply
        return reply

    async def until_ended(self, turn: str, timeout_s: float = WAIT_S) -> Transcript:
        await self.until(lambda: has_ended(self.transcript(turn)) or None, f"the end of {turn}", timeout_s)
        return self.transcript(turn)

    async def until_text(self, turn: str, count: int) -> Transcript:
        """Until at least `count` characters of any kind have come."""
        await self.until(lambda: count_chars(self.transcript(turn)) >= count or None, f"{count} characters")
        return self.transcript(turn)

    async def until_event(self, turn: str, kind: str) -> Frame:
        def find() -> Frame | None:
            return next((event for _, event in self.transcript(turn) if event["type"] == kind), None)

        return await self.until(find, kind)

    async def close(self) -> None:
        await self.socket.close()
        await self._reading


def has_ended(transcript: Transcript) -> bool:
    return bool(transcript) and transcript[-1][1]["type"] == "turn.ended"


def count_chars(transcript: Transcript) -> int:
    return sum(len(event["text"]) for _, event in transcript if event["type"] == "text.delta")


def new_name(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(8)}"


@asynccontextmanager
async def open_full(
    port: int, key: str, *, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[FullClient]:
    """Returns after `hello`. Raises: `websockets` exceptions when the server refuses."""
    given = {"Authorization": f"Bearer {key}"} if key else {}
    async with connect(
        f"ws://127.0.0.1:{port}/chat",
        subprotocols=[PROTOCOL],
        additional_headers=given | (headers or {}),
        max_size=None,
        compression=None,
        proxy=None,
        **options,
    ) as socket:
        client = FullClient(socket)
        await client.until(lambda: client.hello or None, "hello")
        yield client
