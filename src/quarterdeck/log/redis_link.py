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

from redis.asyncio import RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.log.backend import AnswerLostError

CONNECT_S = 3.0
ANSWER_S = 5.0
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

    async def close(self) -> None: ...


class Link:
    """One connection to one server; when it breaks, the next order makes another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._turn = asyncio.Lock()

    async def ask(self, *words: Word) -> Any:
        return await self._exchange(pack(words))

    async def run(self, order: Order) -> Any:
        script, keys, arguments = order
        try:
            return await self._exchange(pack(("EVALSHA", script.sha, len(keys), *keys, *arguments)))
        except LogError as error:
            if not isinstance(error.__cause__, NoScriptError):  # a server that is new or was emptied
                raise
            return await self._exchange(pack(("EVAL", script.text, len(keys), *keys, *arguments)))

    async def close(self) -> None:
        await self._drop()

    async def _exchange(self, packed: bytes) -> Any:
        async with self._turn:
            connection = self._connection or await self._connect()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await connection.send_packed_command(packed, check_health=False)
                    return await connection.read_response(disable_decoding=True)
            except _REFUSED as error:
                if isinstance(error, (ReadOnlyError, BusyLoadingError)):
                    await self._drop()  # its name may lead to another server by now
                raise refused(error) from error
            except (RedisError, OSError, TimeoutError) as error:
                await self._drop()
                raise AnswerLostError(_AWAY, detail=describe(error)) from error
            except BaseException:
                await self._drop()
                raise

    async def _connect(self) -> AbstractConnection:
        self._connection = await connect(self._url)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


class ClusterLink:
    """A Redis Cluster: every order goes to the node that has its (one) key."""

    def __init__(self, url: str) -> None:
        self._client = RedisCluster.from_url(
            url, protocol=2, socket_connect_timeout=CONNECT_S, socket_timeout=ANSWER_S, cluster_error_retry_attempts=1
        )

    async def ask(self, *words: Word) -> Any:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._client.execute_command(*words)
        except (ClusterDownError, RedisClusterException) as error:
            raise LogError(_SENTENCES["CLUSTERDOWN"], detail=describe(error)) from error
        except _REFUSED as error:
            raise refused(error) from error
        except (RedisError, OSError, TimeoutError) as error:
            raise AnswerLostError(_AWAY, detail=describe(error)) from error

    async def run(self, order: Order) -> Any:
        script, keys, arguments = order
        try:
            return await self.ask("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except LogError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
            return await self.ask("EVAL", script.text, len(keys), *keys, *arguments)

    async def close(self) -> None:
        await self._client.aclose()


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
