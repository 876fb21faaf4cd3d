"""Viewers without a socket: by long-poll, by the frames of `/api/events`, by the Python client. They never give up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import msgspec
from tests.harness.checks import Transcript
from tests.harness.full_client import has_ended

from quarterdeck.client import AsyncClient

_PAUSE_S = 0.02
_POLL = "wait=5&limit=10"  # what gets through a network that cuts after some thousand bytes
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=15)
_CUT = (OSError, aiohttp.ClientError, TimeoutError, ValueError)  # a ValueError: half of a JSON text


def _session(port: int, key: str) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {key}"}
    return aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers, timeout=_TIMEOUT)


async def watch_by_poll(port: int, key: str, turn: str, transcript: Transcript) -> None:
    """Until `turn.ended`, by `GET /api/turns/{turn}/events?wait=…`."""
    async with _session(port, key) as session:
        while not has_ended(transcript):
            try:
                polled = await _get(session, f"/api/turns/{turn}/events?{_POLL}&after={_cursor(transcript)}")
            except _CUT:
                await asyncio.sleep(_PAUSE_S)
                continue
            transcript += [(item["seq"], item["event"]) for item in polled["items"]]


async def watch_by_client(port: int, key: str, turn: str, transcript: Transcript) -> None:
    """The same by the Python client, which reconnects by itself."""
    async with AsyncClient(f"http://127.0.0.1:{port}", key=key) as client:
        async for seq, event in client.follow(turn, after=_cursor(transcript)).events():
            transcript.append((seq, msgspec.to_builtins(event)))


async def watch_by_frames(port: int, key: str, turn: str, transcript: Transcript) -> None:
    """The same by `GET /api/events?wait=…`, with the feed beside it."""
    feed = "now"
    async with _session(port, key) as session:
        while not has_ended(transcript):
            try:
                polled = await _get(session, f"/api/events?{_POLL}&feed={feed}&turn={turn}:{_cursor(transcript)}")
            except _CUT:
                await asyncio.sleep(_PAUSE_S)
                continue
            for frame in polled["items"]:
                feed = _take(frame, transcript, feed)


async def watch_by_frame_stream(port: int, key: str, turn: str, transcript: Transcript) -> None:
    """The same as server-sent events, without `wait`."""
    feed = "now"
    async with _session(port, key) as session:
        while not has_ended(transcript):
            try:
                async with session.get(f"/api/events?feed={feed}&turn={turn}:{_cursor(transcript)}") as response:
                    _expect(response)
                    async for line in response.content:
                        if line.endswith(b"\n") and line.startswith(b"data: "):
                            feed = _take(json.loads(line[6:]), transcript, feed)
                        if has_ended(transcript):
                            break
            except _CUT:
                await asyncio.sleep(_PAUSE_S)


def _take(frame: dict[str, Any], transcript: Transcript, feed: str) -> str:
    """Note what a frame says; the feed's cursor after it."""
    match frame["type"]:
        case "event":
            transcript.append((frame["seq"], frame["event"]))
        case "feed":
            return str(frame["seq"])
        case "following" if frame.get("feed"):
            return str(frame["after"])
        case "resync" | "error":
            raise AssertionError(f"a good cursor was refused: {frame}")
    return feed


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path) as response:
        _expect(response)
        return await response.json()


def _expect(response: aiohttp.ClientResponse) -> None:
    if response.status != 200:
        raise AssertionError(f"a good cursor was refused: {response.status}")


def _cursor(transcript: Transcript) -> int:
    return transcript[-1][0] if transcript else 0
