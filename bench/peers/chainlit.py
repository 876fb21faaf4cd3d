"""Chainlit: its own socket, the program that its documentation begins with, nothing stored."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from bench.driver import Chat, ended
from bench.peers.peer import Peer
from bench.peers.socket_io import SocketIo
from bench.processes import Server, free_port, provider_environment

_PROGRAM = '''\
import chainlit
from openai import AsyncOpenAI

client = AsyncOpenAI(max_retries=0)


@chainlit.on_message
async def answer(message: chainlit.Message) -> None:
    """What is said is the model to ask."""
    told = chainlit.Message(content="")
    messages = chainlit.chat_context.to_openai()
    stream = await client.chat.completions.create(model=message.content, messages=messages, stream=True)
    async for chunk in stream:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            await told.stream_token(text)
    await told.update()
'''


def start(programs: Path, folder: Path, upstream_port: int) -> Server:
    program = folder / "answering.py"
    program.write_text(_PROGRAM)
    port = free_port()
    command = [str(programs / "chainlit"), "run", str(program), "--headless", "--host", "127.0.0.1"]
    environment = {**provider_environment(upstream_port), "CHAINLIT_APP_ROOT": str(folder)}
    return Server([*command, "--port", str(port)], port, environment, folder / "chainlit.log")


class ChainlitClient:
    """One session of the page; its messages are one conversation."""

    def __init__(self, port: int) -> None:
        self._session_id = str(uuid.uuid4())
        auth = {"clientType": "webapp", "sessionId": self._session_id, "threadId": "", "userEnv": "", "chatProfile": ""}
        self._socket = SocketIo(f"http://127.0.0.1:{port}/ws/socket.io/", auth, self._take)
        self._is_ready = asyncio.Event()
        self._chat: Chat | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()
        await self._socket.open(self._session)
        await self._socket.emit("connection_successful")
        await self._is_ready.wait()

    async def ask(self, model: str) -> Chat:
        chat = self._chat = Chat()
        message = {
            "id": str(uuid.uuid4()),
            "threadId": "",
            "name": "User",
            "type": "user_message",
            "output": model,
            "createdAt": datetime.now(UTC).isoformat(),
        }
        await self._socket.emit("client_message", {"message": message, "fileReferences": []})
        return await ended(chat)

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()

    def _take(self, event: str, arguments: list[Any]) -> None:
        if self._chat is None:
            self._is_ready.set()
        elif event == "stream_start":
            self._chat.add(arguments[0].get("output", ""))
        elif event == "stream_token":
            self._chat.add(arguments[0]["token"])
        elif event == "task_end":
            self._chat.end("complete" if self._chat.chars else "no answer")


PEER = Peer("chainlit", "Chainlit, stores nothing", "chainlit", "/", start, ChainlitClient)
