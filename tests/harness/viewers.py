"""Viewers that never give up: they follow a turn by cursor over any number of broken connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
from tests.harness.checks import Transcript
from tests.harness.full_client import FullClient, SocketClosedError, has_ended, open_full
from websockets.exceptions import WebSocketException

_PAUSE_S = 0.02
_SILENCE_S = 60.0


async def watch_by_socket(port: int, key: str, turn: str, transcript: Transcript) -> None:
    """Until `turn.ended`; what is shown is added to `transcript`, whose last seq is the cursor."""
    while not has_ended(transcript):
        try:
            async with open_full(port, key, open_timeout=2, ping_interval=None, close_timeout=0.2) as client:
                await _follow_on(client, turn, transcript)
        except (OSError, EOFError, WebSocketException, SocketClosedError, TimeoutError):
            await asyncio.sleep(_PAUSE_S)


async def _follow_on(client: FullClient, turn: str, transcript: Transcript) -> None:
    reply = await client.ask("follow", turn=turn, after=_cursor(transcript))
    if reply["type"] != "following":
        raise AssertionError(f"a good cursor was refused: {reply}")
    try:
        await client.until_ended(turn, _SILENCE_S)
    finally:
        transcript += client.transcript(turn)


async def watch_by_sse(port: int, key: str, turn: str, transcript: Transcript) -> None:
    """The same over server-sent events, by `Last-Event-ID`."""
    url = f"http://127.0.0.1:{port}/api/turns/{turn}/events"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=15)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}, timeout=timeout) as session:
        while not has_ended(transcript):
            cursor = {"Last-Event-ID": str(_cursor(transcript))} if transcript else {}
            try:
                async with session.get(url, headers=cursor) as response:
                    if response.status != 200:
                        raise AssertionError(f"a good cursor was refused: {response.status}")
                    async for seq, event in read_events(response):
                        transcript.append((seq, json.loads(event)))
            except (OSError, aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(_PAUSE_S)


async def read_events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[int, str]]:
    """(id, data) of each event that came whole, that is, with its blank line."""
    seq, lines = 0, []
    async for raw in response.content:
        line = raw.decode()
        if not line.endswith("\n"):
            return  # cut in the middle
        name, _, value = line.rstrip("\n").partition(": ")
        if name == "id":
            seq = int(value)
        elif name == "data":
            lines.append(value)
        elif line == "\n" and lines:
            yield seq, "\n".join(lines)
            seq, lines = 0, []


def _cursor(transcript: Transcript) -> int:
    return transcript[-1][0] if transcript else 0
