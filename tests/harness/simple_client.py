"""A client of the four-field frames: frames are kept by chat, in the order they came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.harness.waiting import WAIT_S
from websockets.asyncio.client import ClientConnection, connect

Frame = dict[str, Any]


class SimpleClient:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []

    async def say(self, frame: Frame | str | bytes) -> None:
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def next(self, timeout_s: float = WAIT_S) -> Frame:
        async with asyncio.timeout(timeout_s):
            frame: Frame = json.loads(await self.socket.recv())
        self.frames.append(frame)
        return frame

    async def until_over(self, chat_id: str, timeout_s: float = WAIT_S) -> list[Frame]:
        """All frames of the chat, up to the `done` of its message or an error."""
        while not any(is_end(frame) for frame in self.of(chat_id)):
            await self.next(timeout_s)
        return self.of(chat_id)

    def of(self, chat_id: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["chatId"] == chat_id]

    async def ask(self, message: str, chat_id: str, timeout_s: float = WAIT_S, **fields: Any) -> list[Frame]:
        """One message and all that is answered to it, with at most `timeout_s` between two frames."""
        self.frames = [frame for frame in self.frames if frame["chatId"] != chat_id]
        await self.say({"message": message, "chatId": chat_id} | fields)
        return await self.until_over(chat_id, timeout_s)


def is_end(frame: Frame) -> bool:
    return frame.get("done") is True and frame["tag"] in ("message", "error")


def entries_of(frames: list[Frame]) -> list[tuple[str, str]]:
    """(tag, text) of each entry: chunks joined up to their `done`."""
    entries: list[tuple[str, str]] = []
    text = ""
    for frame in frames:
        text += frame["chunk"]
        if frame.get("done"):
            entries.append((frame["tag"], text))
            text = ""
    return [*entries, ("unfinished", text)] if text else entries


@asynccontextmanager
async def open_simple(port: int, key: str, **options: Any) -> AsyncIterator[SimpleClient]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with connect(
        f"ws://127.0.0.1:{port}/chat", additional_headers=headers, max_size=None, proxy=None, **options
    ) as socket:
        yield SimpleClient(socket)
