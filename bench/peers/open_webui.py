"""Open WebUI as its page uses it: a question by HTTP, the answer by Socket.IO, the conversation in its SQLite file.

Everything that is asked of a model beside the answer (titles, tags, follow-ups) is off.
"""

from __future__ import annotations

import functools
import time
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import httpx2

from bench.driver import Chat, ended
from bench.peers.peer import Peer
from bench.peers.socket_io import SocketIo
from bench.processes import Server, free_port

_ENVIRONMENT = {
    "BYPASS_MODEL_ACCESS_CONTROL": "True",  # else who is not the first sees no model
    "WEBUI_SECRET_KEY": "bench",
    "ENABLE_OLLAMA_API": "False",
    "OPENAI_API_KEY": "sk-bench",
    "RAG_EMBEDDING_ENGINE": "openai",  # no model is loaded
    "OFFLINE_MODE": "True",
    "HF_HUB_OFFLINE": "1",
    "ENABLE_TITLE_GENERATION": "False",
    "ENABLE_TAGS_GENERATION": "False",
    "ENABLE_FOLLOW_UP_GENERATION": "False",
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
}


def start(programs: Path, folder: Path, upstream_port: int) -> Server:
    port = free_port()
    command = [str(programs / "open-webui"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **_ENVIRONMENT,
        "DATA_DIR": str(folder),
        "OPENAI_API_BASE_URL": f"http://127.0.0.1:{upstream_port}/v1",
    }
    return Server(command, port, environment, folder / "open-webui.log")


@functools.cache
def _administrate(url: str) -> str:
    """The token of the first user, who may add others."""
    return _post(f"{url}/api/v1/auths/signup", _person("admin"))


def _add_user(url: str) -> str:
    """The token of a new user: what an answer says is told to all tabs of its user."""
    return _post(f"{url}/api/v1/auths/add", _person(uuid.uuid4().hex) | {"role": "user"}, _administrate(url))


def _person(name: str) -> dict[str, str]:
    return {"name": name, "email": f"{name}@example.org", "password": "only-for-the-bench"}


def _post(url: str, body: dict[str, str], token: str = "") -> str:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = httpx2.post(url, json=body, headers=headers, timeout=60)
    return str(response.raise_for_status().json()["token"])


class OpenWebuiClient:
    """A user with one tab of the page."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._token = _add_user(self._url)
        self._chat: Chat | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()
        self._headers = {"Authorization": f"Bearer {self._token}"}
        self._socket = SocketIo(f"{self._url}/ws/socket.io/", {"token": self._token}, self._take)
        await self._socket.open(self._session)

    async def ask(self, model: str) -> Chat:
        chat = self._chat = Chat()
        question, self._answer = str(uuid.uuid4()), str(uuid.uuid4())
        message = {
            "id": question,
            "parentId": None,
            "childrenIds": [self._answer],
            "role": "user",
            "content": "Go on.",
            "timestamp": int(time.time()),
            "models": [model],
        }
        body = {
            "stream": True,
            "model": model,
            "messages": [{"role": "user", "content": "Go on."}],
            "session_id": self._socket.sid,
            "parent_id": None,
            "id": self._answer,
            "user_message": message,
            "background_tasks": {},
            "features": {},
            "variables": {},
        }
        asking = self._session.post(f"{self._url}/api/chat/completions", json=body, headers=self._headers)
        async with asking as response:
            said = await response.read()
        if response.status != 200:
            chat.end(f"{response.status} {said[:80].decode(errors='replace')}")
        return await ended(chat)

    async def close(self) -> None:
        await self._socket.close()
        await self._session.close()

    def _take(self, event: str, arguments: list[Any]) -> None:
        """What is of another answer is not ours."""
        chat = self._chat
        if event != "events" or chat is None or arguments[0].get("message_id") != self._answer:
            return
        told = arguments[0]["data"]
        kind, said = told["type"], told.get("data") or {}
        if kind == "response:completion" and said.get("type") == "response.output_text.delta":
            chat.add(said["delta"])
        elif kind == "chat:completion" and said.get("done"):
            chat.end("complete" if chat.chars else "no answer")


PEER = Peer("open-webui", "Open WebUI's page, stores", "open-webui", "/health", start, OpenWebuiClient)
