"""Messages sent until something breaks, and what of them is there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
from tests.harness.full_client import FullClient, SocketClosedError, new_name, open_full
from tests.harness.stored import text_of
from websockets.exceptions import WebSocketException

_PAUSE_S = 0.1


def find_losses(http: httpx2.Client, sent: dict[str, str], acked: dict[str, Any]) -> list[str]:
    """Acknowledged messages that are not there, and any that is there twice or is not what was sent."""
    wrong = []
    for name, text in sent.items():
        found = http.get(f"/api/conversations/{name}/messages")
        stored = found.json()["items"] if found.status_code == 200 else []
        questions = [message for message in stored if message["role"] == "user"]
        if name in acked and [message["id"] for message in questions] != [acked[name]["message"]]:
            wrong.append(f"{name} was acknowledged and is there {len(questions)} times")
        if [text_of(message) for message in questions] not in ([], [text]):
            wrong.append(f"{name} was stored as {[text_of(message) for message in questions]}")
        if len(stored) != 2 * len(questions):
            wrong.append(f"{name} has {len(stored)} messages for {len(questions)} questions")
    return wrong


class Sender:
    """A client that never gives up: what was not acknowledged is sent again, with its id, over a new connection.

    `on_ack` is called with the turn, in the moment of each acknowledgement.
    """

    def __init__(self, port: int, key: str, model: str, on_ack: Callable[[str], None]) -> None:
        self._port, self._key, self._model = port, key, model
        self._on_ack = on_ack
        self.sent: dict[str, str] = {}
        self.acked: dict[str, Any] = {}
        self.wrong: list[str] = []
        self.breaks = 0
        self.is_enough = False

    async def run(self) -> None:
        """Until `is_enough`, and until everything is acknowledged."""
        while not self.is_enough or self._open():
            try:
                async with open_full(self._port, self._key, open_timeout=5, close_timeout=0.2) as client:
                    await self._send_on(client)
            except (OSError, EOFError, WebSocketException, SocketClosedError, TimeoutError):
                self.breaks += 1
                await asyncio.sleep(_PAUSE_S)

    async def _send_on(self, client: FullClient) -> None:
        for name in self._open():
            await self._send(client, name)
        while not self.is_enough:
            name = new_name("m")
            self.sent[name] = f"the text of {name}"
            await self._send(client, name)

    async def _send(self, client: FullClient, name: str) -> None:
        fields = {"id": name, "conversation": name, "text": self.sent[name], "model": self._model}
        reply = await client.ask("send", **fields, follow=False)
        if reply["type"] == "accepted":
            self.acked[name] = reply
            self._on_ack(reply["turn"])
            await asyncio.sleep(_PAUSE_S)
        elif not reply["retryable"]:
            self.wrong.append(f"{name} was refused: {reply}")
            self.acked[name] = reply
        else:
            await asyncio.sleep(_PAUSE_S)

    def _open(self) -> list[str]:
        return [name for name in self.sent if name not in self.acked]
