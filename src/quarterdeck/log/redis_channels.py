"""Messages of Redis's channels, as they come, over a connection that is made again whenever it breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.lasting import keep_going
from quarterdeck.log.redis_link import ANSWER_S, connect, describe, pack

_RETRY_S = 0.1
_RETRY_MAX_S = 1.0
_PING_EVERY_S = 5.0
_SILENT_MAX_S = 12.0

_log = get_logger(__name__)


class Subscription:
    """Messages of channels, for as long as it is open; `on_back` whenever it begins to listen (again)."""

    def __init__(self, url: str, channels: Sequence[str]) -> None:
        self._url, self._channels = url, channels
        self._task: asyncio.Task[None] | None = None
        self._last_heard_s = 0.0

    def open(self, on_message: Callable[[bytes], None], on_back: Callable[[], None]) -> None:
        self._task = asyncio.get_running_loop().create_task(
            keep_going("channels", lambda: self._stay(on_message, on_back))
        )

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


def channel_of(url: str, what: str) -> str:
    """Channels are not of a database, keys are: the number tells installations apart."""
    path = url.split("?", 1)[0].rsplit("/", 1)[-1]
    return f"qd:{path if path.isdigit() else '0'}:{what}"
