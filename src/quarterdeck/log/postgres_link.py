"""Connections to PostgreSQL for the log and the bell: one statement at a time with a limit of time, and notices.

They are the log's own: a pool that is busy with the record must not hold up an answer that streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg

from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import LogError
from quarterdeck.lasting import keep_going
from quarterdeck.log.backend import AnswerLostError
from quarterdeck.postgres_url import parse_postgres_url

ANSWER_S = 5.0
CONNECT_MAX_S = 3.0
_GIVE_UP_MS = "4500"  # the server ends a statement before its client does: it cannot be carried out late
_RETRY_S = 0.1
_RETRY_MAX_S = 1.0
_ASK_EVERY_S = 5.0

_log = get_logger(__name__)

OnNotice = Callable[[str, str], None]
"""The channel and what was said."""


class PostgresLink:
    """One connection; when it breaks, the next statement makes another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._turn = asyncio.Lock()

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        """Raises: `LogError` when nothing was done, `AnswerLostError` when nobody knows."""
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._url)
            return await self._fetch(statement, arguments)

    async def run(self, script: str, lock: int) -> None:
        """Several statements in one transaction, one process at a time."""
        async with self._turn:
            self._connection = self._connection or await connect(self._url)
            try:
                async with asyncio.timeout(ANSWER_S), self._connection.transaction():
                    await self._connection.execute("SELECT pg_advisory_xact_lock($1)", lock)
                    await self._connection.execute(script)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._drop()
                raise LogError("The log's tables cannot be made.", detail=repr(error)) from error

    async def close(self) -> None:
        self._drop()

    async def _fetch(self, statement: str, arguments: Sequence[object]) -> list[Any]:
        try:
            async with asyncio.timeout(ANSWER_S):
                found: list[Any] = await self._connection.fetch(statement, *arguments)
                return found
        except asyncpg.PostgresError as error:
            if is_cut(error):
                self._drop()
                raise AnswerLostError(_AWAY, detail=repr(error)) from error
            raise refused(error) from error
        except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self._drop()
            raise AnswerLostError(_AWAY, detail=repr(error)) from error
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


class Notices:
    """What is notified on some channels, for as long as it is open; `on_back` whenever it begins to listen (again)."""

    def __init__(self, url: str, channels: Sequence[str]) -> None:
        self._url, self._channels = url, channels
        self._task: asyncio.Task[None] | None = None

    def open(self, on_notice: OnNotice, on_back: Callable[[], None]) -> None:
        self._task = asyncio.get_running_loop().create_task(
            keep_going("notices", lambda: self._stay(on_notice, on_back))
        )

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _stay(self, on_notice: OnNotice, on_back: Callable[[], None]) -> None:
        delay_s = _RETRY_S
        while True:
            try:
                connection = await connect(self._url)
                try:
                    await self._listen(connection, on_notice)
                    on_back()
                    delay_s = _RETRY_S
                    await _until_it_breaks(connection)
                finally:
                    connection.terminate()
            except (LogError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                _log.info("log.bell_away", reason=repr(error))
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _RETRY_MAX_S)

    async def _listen(self, connection: Any, on_notice: OnNotice) -> None:
        def hear(_connection: Any, _pid: int, channel: str, payload: str) -> None:
            on_notice(channel, payload)

        async with asyncio.timeout(ANSWER_S):
            for channel in self._channels:
                await connection.add_listener(channel, hear)


async def _until_it_breaks(connection: Any) -> None:
    """A connection that is cut says so; one that died in silence is found out by asking."""
    is_cut = asyncio.Event()
    connection.add_termination_listener(lambda _connection: is_cut.set())
    while not is_cut.is_set():
        try:
            async with asyncio.timeout(_ASK_EVERY_S):
                await is_cut.wait()
        except TimeoutError:
            async with asyncio.timeout(ANSWER_S):
                await connection.execute("SELECT 1")


async def connect(url: str) -> Any:
    """Raises: `LogError` with a sentence that says what is wrong."""
    place = parse_postgres_url(url)
    settings = {
        "synchronous_commit": "on",
        "statement_timeout": _GIVE_UP_MS,
        "idle_in_transaction_session_timeout": "10000",
        "application_name": "quarterdeck log",
    }
    connect_s = min(place.connect_timeout_s, CONNECT_MAX_S)
    try:
        async with asyncio.timeout(connect_s):
            return await asyncpg.connect(place.dsn, server_settings=settings, timeout=connect_s)
    except asyncpg.PostgresError as error:
        raise refused(error) from error
    except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise LogError(_AWAY, detail=repr(error)) from error


def is_cut(error: asyncpg.PostgresError) -> bool:
    """Did the server end the connection with it? Then it may have done what it was asked."""
    return (error.sqlstate or "").startswith(("08", "57P"))


_AWAY = "The log's server (PostgreSQL) does not answer."
_SENTENCES = {
    "25006": "PostgreSQL takes no writes here: it is a replica, or has just become one.",
    "28": "PostgreSQL does not take the user name or password in QUARTERDECK_DATABASE_URL.",
    "3D": "PostgreSQL has no such database as QUARTERDECK_DATABASE_URL names.",
    "42501": "PostgreSQL does not let this user do what the log needs.",
    "53100": "PostgreSQL's disk is full: the answer cannot be written.",
    "53300": "PostgreSQL has no connection left: raise its max_connections.",
    "57014": "PostgreSQL was too slow: the log gave up.",
    "57P": "PostgreSQL is starting or shutting down.",
}


def refused(error: asyncpg.PostgresError) -> LogError:
    """What PostgreSQL answered, for people."""
    code = error.sqlstate or ""
    sentence = next((text for prefix, text in _SENTENCES.items() if code.startswith(prefix)), None)
    return LogError(sentence or "PostgreSQL did not do what the log asked.", detail=f"{code}: {error}")
