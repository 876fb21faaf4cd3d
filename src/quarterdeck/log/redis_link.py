"""Connections to Redis or Valkey: one order at a time, with a limit of time.

redis-py makes and authenticates the connections (TLS, passwords, databases by URL). The orders are packed here, because
one order carries what hundreds of turns append.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from quarterdeck.errors import LogError
from quarterdeck.log.backend import AnswerLostError

CONNECT_S = 3.0
ANSWER_S = 5.0

_REFUSED = (ResponseError, BusyLoadingError, AuthenticationError)  # answers: nothing was done

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
        unknown = [no for no, answer in enumerate(answers) if is_of(answer, NoScriptError)]
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
                raise AnswerLostError(AWAY, detail=describe(error)) from error
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
        raise LogError(AWAY, detail=describe(error)) from error
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


def is_of(answer: object, kind: type[RedisError]) -> bool:
    return isinstance(answer, LogError) and isinstance(answer.__cause__, kind)


AWAY = "The log's server (Redis) does not answer."
SENTENCES = {
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
    sentence = SENTENCES.get(code, "Redis did not do what the log asked.")
    if code not in SENTENCES and "OOM" in str(error):
        sentence = SENTENCES["OOM"]
    return LogError(sentence, detail=describe(error))
