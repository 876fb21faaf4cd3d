"""The clients: `quarterdeck.v1` over the socket, the plain relay's socket, and the upstream without anything between.

Each says of a chat when its first token came, how many came, and how it ended.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import aiohttp
import msgspec
from msgspec import Struct

from bench.upstream import WORD

_CHAT_TIMEOUT_S = 120.0
_WORD_BYTES = WORD.encode()


@dataclass
class Chat:
    """`status` is "complete", or what went wrong. Times in seconds of `time.perf_counter`.

    `delays_s`: how long each token was on its way, if the model stamps them. `received`: characters of all chats.
    """

    received: ClassVar[int] = 0

    sent_s: float = field(default_factory=time.perf_counter)
    first_s: float | None = None
    chars: int = 0
    delays_s: list[float] = field(default_factory=list)
    status: str = ""
    turn: str = ""
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def tokens(self) -> int:
        return self.chars // len(WORD)

    @property
    def first_token_s(self) -> float:
        return (self.first_s or float("inf")) - self.sent_s

    def add(self, text: str) -> None:
        if self.first_s is None:
            self.first_s = time.perf_counter()
        self.chars += len(text)
        Chat.received += len(text)
        if text[1:2] == "0":  # of all words only stamps begin so
            now_us = time.monotonic_ns() // 1000
            self.delays_s += [(now_us - int(stamp)) / 1e6 for stamp in text.split()]

    def end(self, status: str) -> None:
        self.status = status
        self.accepted.set()
        self.ended.set()


class Client(Protocol):
    """One socket (or session) on which several chats may run."""

    async def open(self) -> None: ...
    async def ask(self, model: str) -> Chat:
        """One chat from its question to its end; never raises for what the other side did."""
        ...

    async def close(self) -> None: ...


class _Event(Struct):
    type: str
    text: str = ""
    status: str = ""


class _Frame(Struct):
    type: str
    ref: str = ""
    turn: str = ""
    code: str = ""
    event: _Event | None = None


_frames = msgspec.json.Decoder(_Frame)


class SocketClient:
    """`quarterdeck.v1`; `model` is asked for at the provider `openai`."""

    def __init__(self, port: int, key: str) -> None:
        self._url = f"http://127.0.0.1:{port}/chat"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._asked: dict[str, Chat] = {}
        self._running: dict[str, Chat] = {}

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(
            self._url, protocols=["quarterdeck.v1"], headers=self._headers, max_msg_size=0
        )
        self._reading = asyncio.create_task(self._read())

    async def ask(self, model: str) -> Chat:
        return await self.end_of(await self.begin(model))

    async def begin(self, model: str, conversation: str = "") -> Chat:
        """The question is on its way; in a new conversation unless one is named."""
        ref = uuid.uuid4().hex
        chat = self._asked[ref] = Chat()
        frame = {
            "type": "send",
            "ref": ref,
            "id": ref,
            "conversation": conversation or ref,
            "text": "Go on.",
            "model": f"openai/{model}",
        }
        await self._send(frame)
        return chat

    async def end_of(self, chat: Chat) -> Chat:
        return await ended(chat)

    async def view(self, asked: Chat) -> Chat:
        """The same answer on this socket, too."""
        await asked.accepted.wait()
        if not asked.turn:  # it was refused
            return asked
        chat = self._running[asked.turn] = Chat(turn=asked.turn)
        await self._send({"type": "follow", "turn": asked.turn})
        return await ended(chat)

    async def follow_feed(self) -> None:
        await self._send({"type": "feed"})

    async def _send(self, frame: dict[str, str]) -> None:
        await self._socket.send_str(msgspec.json.encode(frame).decode())

    async def close(self) -> None:
        self._reading.cancel()
        await self._socket.close()
        await self._session.close()

    async def _read(self) -> None:
        async for message in self._socket:
            frame = _frames.decode(message.data)
            if frame.type == "event" and frame.turn and frame.event is not None:
                self._take(frame.turn, frame.event)
            elif frame.type == "accepted":
                chat = self._running[frame.turn] = self._asked.pop(frame.ref)
                chat.turn = frame.turn
                chat.accepted.set()
            elif frame.type == "error" and frame.ref in self._asked:
                self._asked.pop(frame.ref).end(frame.code)
        for lost in [*self._asked.values(), *self._running.values()]:
            lost.end("socket closed")

    def _take(self, turn: str, event: _Event) -> None:
        chat = self._running[turn]
        if event.type == "text.delta":
            chat.add(event.text)
        elif event.type == "turn.ended":
            chat.end(event.status)
            del self._running[turn]


class _RelayFrame(Struct):
    chat: str
    text: str = ""
    done: bool = False


_relay_frames = msgspec.json.Decoder(_RelayFrame)


class RelayClient:
    """The plain relay's socket: one chat at a time."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/chat"

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(self._url)

    async def ask(self, model: str) -> Chat:
        chat = Chat()
        await self._socket.send_json({"chat": "1", "model": model, "text": "Go on."})
        async for message in self._socket:
            frame = _relay_frames.decode(message.data)
            if frame.done:
                chat.end("complete")
                return chat
            chat.add(frame.text)
        chat.end("socket closed")
        return chat

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()


class DirectClient:
    """The upstream itself, for the time it takes on its own."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/chat/completions"

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()

    async def ask(self, model: str) -> Chat:
        chat = Chat()
        request = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Go on."}]}
        async with self._session.post(self._url, json=request) as response:
            async for data in response.content.iter_any():
                if count := data.count(_WORD_BYTES):
                    chat.add(WORD * count)
        chat.end("complete")
        return chat

    async def close(self) -> None:
        await self._session.close()


class OpenAIClient:
    """One of OpenAI's chat completions at a time, streamed, on a connection that is kept."""

    def __init__(self, port: int, key: str) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/chat/completions"
        self._key = key

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {self._key}"})

    async def ask(self, model: str) -> Chat:
        chat = Chat()
        request = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Go on."}]}
        rest = b""
        async with self._session.post(self._url, json=request) as response:
            async for data in response.content.iter_any():
                *lines, rest = (rest + data).split(b"\n")
                if count := sum(line.count(_WORD_BYTES) for line in lines):
                    chat.add(WORD * count)
                if b"data: [DONE]" in lines:
                    chat.end("complete")
        if not chat.status:
            chat.end("cut")
        return chat

    async def close(self) -> None:
        await self._session.close()


async def ended(chat: Chat) -> Chat:
    try:
        async with asyncio.timeout(_CHAT_TIMEOUT_S):
            await chat.ended.wait()
    except TimeoutError:
        chat.status = "no end"
    return chat


def failures(chats: Sequence[Chat]) -> str:
    """How many did not end well, by what went wrong."""
    reasons = Counter(chat.status for chat in chats if chat.status != "complete")
    return ", ".join(f"{count} × {reason}" for reason, count in reasons.items()) or "0"


async def open_all(clients: Sequence[Client]) -> None:
    await asyncio.gather(*(client.open() for client in clients))


async def close_all(clients: Sequence[Client]) -> None:
    await asyncio.gather(*(client.close() for client in clients))


async def ask_spread(clients: Sequence[Client], model: str, chats: int, over_s: float) -> list[Chat]:
    """`chats` chats, on the clients in turn, their starts spread evenly over `over_s` seconds."""

    async def ask_later(number: int) -> Chat:
        await asyncio.sleep(over_s * number / chats)
        return await clients[number % len(clients)].ask(model)

    return await asyncio.gather(*(ask_later(number) for number in range(chats)))
