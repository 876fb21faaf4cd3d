"""The bell over Redis: a stream with a consumer group for ready turns (one worker is told), Pub/Sub for all."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.lasting import keep_going
from quarterdeck.log.bell import OnReady, OnTold
from quarterdeck.log.redis_backend import ask_facts
from quarterdeck.log.redis_channels import Subscription, channel_of
from quarterdeck.log.redis_cluster import ClusterLink
from quarterdeck.log.redis_link import Link, Orders

_READY = "qd:ready"
_GROUP = "workers"
_KEEP = 10_000
_AT_ONCE = 1  # what one worker has taken, another cannot start
_BLOCK_MS = 2_000
_LEFT_MS = 30_000  # a ready turn whose worker has not answered for it so long goes to another
_GONE_MS = 3_600_000
_TIDY_EVERY_S = 30.0
_RETRY_S = 0.5

_log = get_logger(__name__)


class RedisBell:
    """`open` first. Whoever rings and whoever listens each have a connection of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._channel = channel_of(url, "told")
        self._consumer = secrets.token_hex(6)
        self._ringing: Orders = Link(url)
        self._taking: Orders = Link(url)
        self._told = Subscription(url, [self._channel])
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Raises: `SetupError` when Redis cannot be used."""
        facts = await ask_facts(self._ringing)
        if facts.get("cluster_enabled") == "1":
            await self._ringing.close()
            self._ringing, self._taking = ClusterLink(self._url), ClusterLink(self._url)

    async def ready(self, turn: str) -> None:
        await self._ring("XADD", _READY, "MAXLEN", "~", _KEEP, "*", "turn", turn)

    async def tell(self, message: str) -> None:
        await self._ring("PUBLISH", self._channel, message)

    async def listen(self, on_told: OnTold, on_ready: OnReady | None) -> None:
        self._told.open(lambda said: _tell(on_told, said.decode(errors="replace")), lambda: None)
        if on_ready is not None:
            self._tasks = [
                asyncio.create_task(keep_going("ready", lambda: self._take(on_ready))),
                asyncio.create_task(keep_going("ready tidied", lambda: self._tidy(on_ready))),
            ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._told.close()
        if self._tasks:
            await self._leave()
        await self._ringing.close()
        await self._taking.close()

    async def _ring(self, *words: str | int) -> None:
        try:
            await self._ringing.ask(*words)
        except LogError as error:
            _log.info("bell.not_rung", reason=error.message, detail=error.detail)

    async def _take(self, on_ready: OnReady) -> None:
        """One ready turn after the other, for as long as this process runs turns."""
        group = ("XREADGROUP", "GROUP", _GROUP, self._consumer, "COUNT", _AT_ONCE, "BLOCK", _BLOCK_MS)
        while True:
            try:
                found = await self._taking.ask(*group, "STREAMS", _READY, ">")
                for entry in _entries_of(found):
                    await self._hand_over(entry, on_ready)
            except LogError as error:
                if "NOGROUP" in error.detail:
                    await self._make_group()
                else:
                    await asyncio.sleep(_RETRY_S)

    async def _make_group(self) -> None:
        """From the beginning: what was rung before there was a group counts, too."""
        try:
            await self._ringing.ask("XGROUP", "CREATE", _READY, _GROUP, "0", "MKSTREAM")
        except LogError as error:
            if "BUSYGROUP" not in error.detail:  # else another worker was first
                await asyncio.sleep(_RETRY_S)

    async def _hand_over(self, entry: Any, on_ready: OnReady) -> None:
        number, fields = entry
        if fields:
            turn = dict(zip(fields[::2], fields[1::2], strict=False)).get(b"turn", b"").decode(errors="replace")
            try:
                await on_ready(turn)
            except Exception as error:  # the turn waits for the reaper; the next ones must not
                _log.error("bell.turn_not_taken", turn=turn, reason=repr(error))
        await self._ringing.ask("XACK", _READY, _GROUP, number)
        await self._ringing.ask("XDEL", _READY, number)

    async def _tidy(self, on_ready: OnReady) -> None:
        """What dead workers had taken comes here; workers long gone are forgotten."""
        while True:
            await asyncio.sleep(_TIDY_EVERY_S)
            try:
                claim = ("XAUTOCLAIM", _READY, _GROUP, self._consumer, _LEFT_MS, "0", "COUNT", 100)
                for entry in (await self._ringing.ask(*claim))[1]:
                    await self._hand_over(entry, on_ready)
                for consumer in await self._ringing.ask("XINFO", "CONSUMERS", _READY, _GROUP):
                    facts = dict(zip(consumer[::2], consumer[1::2], strict=False))
                    if facts[b"idle"] > _GONE_MS and facts[b"pending"] == 0:
                        await self._ringing.ask("XGROUP", "DELCONSUMER", _READY, _GROUP, facts[b"name"])
            except LogError as error:
                _log.info("bell.not_tidied", reason=error.message, detail=error.detail)

    async def _leave(self) -> None:
        """Unless something is still in this consumer's hands: then another worker claims it first."""
        try:
            pending = await self._ringing.ask("XPENDING", _READY, _GROUP, "-", "+", 1, self._consumer)
            if not pending:
                await self._ringing.ask("XGROUP", "DELCONSUMER", _READY, _GROUP, self._consumer)
        except LogError as error:
            _log.info("bell.not_left", reason=error.message, detail=error.detail)


def _tell(on_told: OnTold, message: str) -> None:
    try:
        on_told(message)
    except Exception as error:  # the next message must still be heard
        _log.error("bell.message_failed", reason=repr(error))


def _entries_of(found: Any) -> list[Any]:
    return [entry for _, entries in found or () for entry in entries]
