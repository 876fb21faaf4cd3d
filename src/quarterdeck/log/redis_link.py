"""Connections to Redis or Valkey: one order at a time with a limit of time, and messages as they come.

redis-py makes and authenticates the connections (TLS, passwords, databases by URL). The orders are packed here, because
one order carries what hundreds of turns append.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.backend import AnswerLostError

CONNECT_S = 3.0
ANSWER_S = 5.0
_HOPS = 3  # a cluster that moves its slots faster than one asks is not to be chased
_RETRY_S = 0.1
_RETRY_MAX_S = 1.0
_PING_EVERY_S = 5.0
_SILENT_MAX_S = 12.0

_REFUSED = (ResponseError, BusyLoadingError, AuthenticationError)  # answers: nothing was done

_log = get_logger(__name__)

Word = bytes | str | int


class Script:
    """Lua that Redis keeps under its hash."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Order(NamedTuple):
    script: Script
    keys: Sequence[bytes]
    arguments: Sequence[bytes]


class Orders(Protocol):
    """Who carries out commands: one server, or a cluster.

    Raises: `LogError` when nothing was done, `AnswerLostError` when nobody knows.
    """

    async def ask(self, *words: Word) -> Any: ...

    async def run(self, order: Order) -> Any: ...

    async def run_all(self, orders: Sequence[Order]) -> list[Any]: ...

    async def close(self) -> None: ...


class Link:
    """One connection to one server; when it breaks, the next order makes another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._turn = asyncio.Lock()

    async def ask(self, *words: Word) -> Any:
        [answer] = await self._exchange([pack(words)])
        if isinstance(answer, LogError):
            raise answer
        return answer

    async def run(self, order: Order) -> Any:
        [answer] = await self.run_all([order])
        if isinstance(answer, LogError):
            raise answer
        return answer

    async def run_all(self, orders: Sequence[Order]) -> list[Any]:
        """All in one round trip; a refused one's answer is its `LogError`."""
        answers = await self._exchange([_pack_run(order) for order in orders])
        unknown = [no for no, answer in enumerate(answers) if _is_of(answer, NoScriptError)]
        if unknown:  # a server that is new or was emptied
            again = await self._exchange([_pack_run(orders[no], whole=True) for no in unknown])
            for no, answer in zip(unknown, again, strict=True):
                answers[no] = answer
        return answers

    async def close(self) -> None:
        await self._drop()

    async def _exchange(self, packed: Sequence[bytes]) -> list[Any]:
        async with self._turn:
            connection = self._connection or await self._connect()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await connection.send_packed_command(packed, check_health=False)
                    return [await self._read(connection) for _ in packed]
            except (RedisError, OSError, TimeoutError) as error:
                await self._drop()
                raise AnswerLostError(_AWAY, detail=describe(error)) from error
            except BaseException:
                await self._drop()
                raise

    async def _read(self, connection: AbstractConnection) -> Any:
        try:
            return await connection.read_response(disable_decoding=True)
        except _REFUSED as error:
            if isinstance(error, (ReadOnlyError, BusyLoadingError)):
                await self._drop()  # its name may lead to another server by now
            refusal = refused(error)
            refusal.__cause__ = error
            return refusal

    async def _connect(self) -> AbstractConnection:
        self._connection = await connect(self._url)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


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
        raise LogError(_SENTENCES["CLUSTERDOWN"])

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
            moved = next((answers[no] for no in left if _is_of(answers[no], MovedError)), None)
            if moved is None or not await self._learns_of(moved):
                break
            left = [no for no in left if _is_of(answers[no], MovedError)]
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
        return _is_of(error, MovedError) and await self._learn()

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


class Subscription:
    """Messages of channels, for as long as it is open; `on_back` whenever it begins to listen (again)."""

    def __init__(self, url: str, channels: Sequence[str]) -> None:
        self._url, self._channels = url, channels
        self._task: asyncio.Task[None] | None = None
        self._last_heard_s = 0.0

    def open(self, on_message: Callable[[bytes], None], on_back: Callable[[], None]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._stay(on_message, on_back))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _stay(self, on_message: Callable[[bytes], None], on_back: Callable[[], None]) -> None:
        delay_s = _RETRY_S
        while True:
            try:
                connection = await connect(self._url)
                try:
                    await self._subscribe(connection)
                    on_back()
                    delay_s = _RETRY_S
                    await self._listen(connection, on_message)
                finally:
                    await connection.disconnect(nowait=True)
            except (LogError, RedisError, OSError, TimeoutError) as error:
                _log.info("log.bell_away", reason=describe(error))
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _RETRY_MAX_S)

    async def _subscribe(self, connection: AbstractConnection) -> None:
        async with asyncio.timeout(ANSWER_S):
            await connection.send_packed_command(pack(("SUBSCRIBE", *self._channels)), check_health=False)
            for _ in self._channels:
                await connection.read_response(disable_decoding=True)

    async def _listen(self, connection: AbstractConnection, on_message: Callable[[bytes], None]) -> None:
        clock = asyncio.get_running_loop().time
        self._last_heard_s = clock()
        keeping = asyncio.create_task(self._keep_alive(connection))
        try:
            while True:
                kind, *_, said = await connection.read_response(disable_decoding=True)
                self._last_heard_s = clock()
                if kind == b"message":
                    on_message(said)
        finally:
            keeping.cancel()

    async def _keep_alive(self, connection: AbstractConnection) -> None:
        """A connection that died in silence, or a server that hangs, is found out."""
        while True:
            await asyncio.sleep(_PING_EVERY_S)
            if asyncio.get_running_loop().time() - self._last_heard_s > _SILENT_MAX_S:
                await connection.disconnect(nowait=True)
                return
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await connection.send_packed_command(pack(("PING",)), check_health=False)


async def connect(url: str) -> AbstractConnection:
    """Raises: `LogError` with a sentence that says what is wrong."""
    settings: dict[str, Any] = dict(parse_url(url))
    kind = settings.pop("connection_class", Connection)
    settings |= {"protocol": 2, "socket_connect_timeout": CONNECT_S, "socket_timeout": None, "driver_info": None}
    connection: AbstractConnection = kind(**settings, retry=Retry(NoBackoff(), 0))
    try:
        async with asyncio.timeout(CONNECT_S):
            await connection.connect_check_health()
    except _REFUSED as error:
        await connection.disconnect(nowait=True)
        raise refused(error) from error
    except (RedisError, OSError, TimeoutError) as error:
        await connection.disconnect(nowait=True)
        raise LogError(_AWAY, detail=describe(error)) from error
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    return connection


def pack(words: Sequence[Word]) -> bytes:
    """One command in Redis's protocol."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode()
        parts += (b"$%d\r\n" % len(raw), raw, b"\r\n")
    return b"".join(parts)


def _pack_run(order: Order, *, whole: bool = False) -> bytes:
    script, keys, arguments = order
    named: tuple[str, str] = ("EVAL", script.text) if whole else ("EVALSHA", script.sha)
    return pack((*named, len(keys), *keys, *arguments))


def _is_of(answer: object, kind: type[RedisError]) -> bool:
    return isinstance(answer, LogError) and isinstance(answer.__cause__, kind)


def _at(url: str, address: str) -> str:
    """The same URL, with its user and settings, for another node."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{address}"))


_AWAY = "The log's server (Redis) does not answer."
_SENTENCES = {
    "OOM": "Redis is full: raise its maxmemory.",
    "READONLY": "Redis takes no writes here: it is a replica, or has just become one.",
    "LOADING": "Redis is starting: it still loads its data.",
    "MASTERDOWN": "Redis is a replica that has lost its primary.",
    "MISCONF": "Redis takes no writes: it cannot save to its disk.",
    "NOAUTH": "Redis asks for a password: put it into QUARTERDECK_REDIS_URL.",
    "WRONGPASS": "Redis does not take the user name or password in QUARTERDECK_REDIS_URL.",
    "NOPERM": "Redis does not let this user do what the log needs.",
    "CLUSTERDOWN": "The Redis cluster is down: parts of it cannot be reached.",
    "NOREPLICAS": "Redis takes no writes: too few of its replicas answer.",
    "BUSY": "Redis is busy with somebody's script.",
}


def describe(error: BaseException) -> str:
    """For the server's log: redis-py's own `repr` does not say what happened."""
    return f"{type(error).__name__}: {error}"


def refused(error: RedisError) -> LogError:
    """What Redis answered, for people."""
    code: str = getattr(error, "status_code", None) or str(error).split(" ", 1)[0]
    sentence = _SENTENCES.get(code, "Redis did not do what the log asked.")
    if code not in _SENTENCES and "OOM" in str(error):
        sentence = _SENTENCES["OOM"]
    return LogError(sentence, detail=describe(error))
