"""Orders for a Redis Cluster: each goes to the node that has its key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.crc import key_slot
from redis.exceptions import MovedError

from quarterdeck.errors import LogError
from quarterdeck.log.backend import AnswerLostError
from quarterdeck.log.redis_link import SENTENCES, Link, Order, Word, is_of

_HOPS = 3  # a cluster that moves its slots faster than one asks is not to be chased


class ClusterLink:
    """A Redis Cluster: every order goes to the node that has its (one) key. Who has what is learned from the nodes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._home = Link(url)
        self._links: dict[str, Link] = {}  # by host:port
        self._owners: list[tuple[int, int, str]] = []  # slots from, to, and whose they are

    async def ask(self, *words: Word) -> Any:
        key = next((word for word in words[1:] if str(word).startswith("qd:")), "")
        for _ in range(_HOPS):
            try:
                return await self._link_of(str(key).encode()).ask(*words)
            except LogError as error:
                if not await self._learns_of(error):
                    raise
        raise LogError(SENTENCES["CLUSTERDOWN"])

    async def run(self, order: Order) -> Any:
        [answer] = await self.run_all([order])
        if isinstance(answer, LogError):
            raise answer
        return answer

    async def run_all(self, orders: Sequence[Order]) -> list[Any]:
        """One round trip to each node, and once more for what has moved."""
        answers: list[Any] = [None] * len(orders)
        left = list(range(len(orders)))
        for _ in range(_HOPS):
            by_link: dict[Link, list[int]] = {}
            for no in left:
                by_link.setdefault(self._link_of(orders[no].keys[0]), []).append(no)
            await asyncio.gather(*(self._run_on(link, nos, orders, answers) for link, nos in by_link.items()))
            moved = next((answers[no] for no in left if is_of(answers[no], MovedError)), None)
            if moved is None or not await self._learns_of(moved):
                break
            left = [no for no in left if is_of(answers[no], MovedError)]
        if lost := next((answer for answer in answers if isinstance(answer, AnswerLostError)), None):
            await self._learn()
            raise lost
        return answers

    async def close(self) -> None:
        for link in (self._home, *self._links.values()):
            await link.close()

    async def _run_on(self, link: Link, nos: list[int], orders: Sequence[Order], answers: list[Any]) -> None:
        try:
            found = await link.run_all([orders[no] for no in nos])
        except LogError as error:
            found = [error] * len(nos)
        for no, answer in zip(nos, found, strict=True):
            answers[no] = answer

    def _link_of(self, key: bytes) -> Link:
        slot = key_slot(key)
        for first, last, address in self._owners:
            if first <= slot <= last:
                return self._links[address]
        return self._home

    async def _learns_of(self, error: LogError) -> bool:
        """Is it about who has what, and is that known now?"""
        return is_of(error, MovedError) and await self._learn()

    async def _learn(self) -> bool:
        for link in (self._home, *self._links.values()):
            try:
                slots = await link.ask("CLUSTER", "SLOTS")
            except LogError:
                continue
            self._owners = [(first, last, f"{node[0].decode()}:{node[1]}") for first, last, node, *_ in slots]
            for _, _, address in self._owners:
                self._links.setdefault(address, Link(_at(self._url, address)))
            return True
        return False


def _at(url: str, address: str) -> str:
    """The same URL, with its user and settings, for another node."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{address}"))
