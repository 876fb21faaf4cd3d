"""Logs as streams in Redis 7 or Valkey: one order for all that a process appends at a time, Pub/Sub as the bell.

Keys are `qd:{<name>}`: the braces keep what belongs to a log on one node of a cluster. Several installations can
share a server if each has a database of its own (`redis://host/1`): the bell's channel carries its number.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError, SetupError
from quarterdeck.log.backend import LEFT_OVER_S, READ_BYTES, Addition, Look, OnBell, Seen, Verdict
from quarterdeck.log.base import Entry, LogStatus, is_feed
from quarterdeck.log.redis_channels import Subscription, channel_of
from quarterdeck.log.redis_cluster import ClusterLink
from quarterdeck.log.redis_link import Link, Order, Orders
from quarterdeck.log.redis_scripts import COMMIT, DROP, FINISH, LOOK

_KEEP_MIN_S = 1.0  # who finishes a log again can still move its moment, and followers read its end
_VERSION_MIN = 7

_encode = msgspec.msgpack.encode
_rings_decoder = msgspec.msgpack.Decoder(tuple[str, list[tuple[str, int]]])
_numbers_decoder = msgspec.msgpack.Decoder(list[int])

_log = get_logger(__name__)


class RedisBackend:
    """Three connections: one that writes, one that looks, one that listens."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._id = secrets.token_hex(4)  # in this process's rings, which it does not need to hear
        self._channel = b""
        self._left_over_ms = b"%d" % (LEFT_OVER_S * 1000)
        self._writing: Orders = Link(url)
        self._looking: Orders = Link(url)
        self._is_cluster = False
        self._bell: Subscription | None = None

    async def open(self, on_bell: OnBell) -> None:
        facts = await ask_facts(self._writing)
        warn_of(facts)
        if facts.get("cluster_enabled") == "1":
            await asyncio.gather(self._writing.close(), self._looking.close())
            self._is_cluster = True
            self._writing = self._looking = ClusterLink(self._url)
        channel = channel_of(self._url, "log")
        self._channel = channel.encode()
        self._bell = Subscription(self._url, [channel])
        self._bell.open(lambda said: self._on_message(said, on_bell), lambda: on_bell(None))

    async def close(self) -> None:
        if self._bell is not None:
            await self._bell.close()
        await self._writing.close()
        await self._looking.close()

    async def commit(self, additions: Sequence[Addition]) -> list[Verdict]:
        groups = [[addition] for addition in additions] if self._is_cluster else [additions]
        answers = await self._writing.run_all([self._commit_order(group) for group in groups])
        return [verdict for group, answer in zip(groups, answers, strict=True) for verdict in _verdicts(group, answer)]

    async def look(self, looks: Sequence[Look]) -> list[Seen]:
        groups = [[look] for look in looks] if self._is_cluster else [looks]
        answers = await self._looking.run_all([_look_order(group) for group in groups])
        return [seen for group, answer in zip(groups, answers, strict=True) for seen in _seen(group, answer)]

    async def finish(self, name: str, keep_s: float) -> bool:
        keep_ms = b"%d" % (max(keep_s, _KEEP_MIN_S) * 1000)
        order = Order(FINISH, [_key(name)], [keep_ms, self._channel, self._ring([(name, -1)])])
        return bool(await self._writing.run(order))

    async def drop(self, name: str) -> None:
        await self._writing.run(Order(DROP, [_key(name)], [self._channel, self._ring([(name, -1)])]))

    async def expire(self) -> int:
        """Redis does so by itself."""
        return 0

    async def size_bytes(self) -> int:
        """The memory of the whole server (of one, in a cluster): nothing smaller is known without counting."""
        said: bytes = await self._looking.ask("INFO", "memory")
        return next(int(line[12:]) for line in said.splitlines() if line.startswith(b"used_memory:"))

    def _commit_order(self, additions: Sequence[Addition]) -> Order:
        packed = _encode(
            [(seq, begins, is_feed(name), [len(body) for body in bodies]) for name, seq, bodies, begins in additions]
        )
        blob = b"".join([body for addition in additions for body in addition.bodies])
        ring = self._ring([(name, seq + len(bodies) - 1) for name, seq, bodies, _ in additions])
        keys = [_key(addition.name) for addition in additions]
        return Order(COMMIT, keys, [packed, blob, self._left_over_ms, self._channel, ring])

    def _ring(self, rings: list[tuple[str, int]]) -> bytes:
        return _encode((self._id, rings))

    def _on_message(self, said: bytes, on_bell: OnBell) -> None:
        try:
            sender, rings = _rings_decoder.decode(said)
        except msgspec.DecodeError:  # somebody else's message: look at everything
            on_bell(None)
            return
        if sender != self._id:
            on_bell(rings)


async def ask_facts(orders: Orders) -> dict[str, str]:
    """What the server says about itself (`INFO`). Raises: `SetupError` when it cannot be used."""
    try:
        said: bytes = await orders.ask("INFO")
    except LogError as error:
        raise SetupError(f"QUARTERDECK_REDIS_URL cannot be used. {error.message}", detail=error.detail) from error
    facts = dict(line.split(":", 1) for line in said.decode(errors="replace").splitlines() if ":" in line)
    version = facts.get("redis_version", "0")
    if int(version.split(".")[0]) < _VERSION_MIN:
        raise SetupError(f"Redis 7 or Valkey is needed; QUARTERDECK_REDIS_URL leads to version {version}.")
    return facts


def warn_of(facts: dict[str, str]) -> None:
    """Settings of the server under which logs can go missing (turns are then written anew)."""
    if (policy := facts.get("maxmemory_policy", "noeviction")) != "noeviction":
        _log.warning("log.redis_may_evict", maxmemory_policy=policy, wanted="noeviction")
    if facts.get("aof_enabled") == "0":
        _log.warning("log.redis_keeps_nothing", appendonly="no", wanted="yes, with appendfsync everysec")


def _key(name: str) -> bytes:
    return b"qd:{%s}" % name.encode()


def _verdicts(additions: Sequence[Addition], answer: Any) -> list[Verdict]:
    if isinstance(answer, LogError):
        raise answer
    verdicts: list[Verdict] = ["written"] * len(additions)
    for word in answer.decode().split():
        verdicts[int(word[:-1]) - 1] = "stale" if word[-1] == "s" else "lost"
    return verdicts


def _look_order(looks: Sequence[Look]) -> Order:
    packed = _encode([(look.after, look.limit) for look in looks])
    return Order(LOOK, [_key(look.name) for look in looks], [packed, b"%d" % READ_BYTES])


def _seen(looks: Sequence[Look], answer: Any) -> list[Seen]:
    if isinstance(answer, LogError):
        raise answer
    numbers, bodies = answer
    return _unpack(_numbers_decoder.decode(numbers), bodies, len(looks))


def _unpack(numbers: list[int], bodies: bytes, count: int) -> list[Seen]:
    found: list[Seen] = []
    at = start = 0
    for _ in range(count):
        if numbers[at] == 0:
            at += 1
            found.append(Seen(None, []))
            continue
        state, first, last, entries = numbers[at : at + 4]
        at += 4
        status = LogStatus("finished" if state == 2 else "running", first, last)
        seen = Seen(status, [])
        if entries:
            for seq, size in enumerate(numbers[at + 1 : at + 1 + entries], numbers[at]):
                seen.entries.append(Entry(seq, bodies[start : start + size]))
                start += size
            at += 1 + entries
        found.append(seen)
    return found
