"""What is particular to asyncpg: how it connects, what its errors mean, what text it cannot carry."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError

from quarterdeck.postgres_url import PostgresUrl

_LOCK_S = 5.0
_IDLE_IN_TRANSACTION_S = 10.0  # a process that stands still must not keep its locks: others take its turns over
_LOST_STATES = ("08", "57P", "25P03")
_READ_ONLY = "25006"  # this server has become a standby: another one takes writes now
_RACE_STATES = ("23505", "40001", "40P01")  # unique key, serialization, deadlock


class UnreachableError(Exception):
    """No connection could be made; the cause is the driver's own error."""


async def connect(address: PostgresUrl, statement_s: float) -> Any:
    """A new connection of asyncpg. `statement_s` 0: no limits, for migrations. Raises: `UnreachableError`."""
    limits = {} if not statement_s else {
        "statement_timeout": f"{statement_s:.0f}s",
        "lock_timeout": f"{min(_LOCK_S, statement_s):.0f}s",
        "idle_in_transaction_session_timeout": f"{_IDLE_IN_TRANSACTION_S:.0f}s",
    }  # fmt: skip
    settings = {
        "default_transaction_isolation": "read committed",
        "jit": "off",  # it takes longer than our queries
        **limits,
        **({} if "application_name=" in address.dsn else {"application_name": "quarterdeck"}),
    }
    try:
        return await asyncpg.connect(
            address.dsn,
            timeout=address.connect_timeout_s,
            command_timeout=statement_s + 2.0 if statement_s else None,  # the server's own limit comes first
            server_settings=settings,
        )
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise UnreachableError(f"{type(error).__name__}: {error}") from error


def mark_lost(context: ExceptionContext) -> Exception | None:
    """A listener: what asyncpg lets through as it came from the socket is an error of the database like any other."""
    error = context.original_exception
    if isinstance(error, OSError):  # a time-out is one, too: the connection is in an unknown state
        context.is_disconnect = True
        if context.connection is not None and not context.connection.invalidated:
            # Cut, without the goodbye that a server which does not answer would keep waiting.
            context.connection.connection.driver_connection.terminate()  # type: ignore[union-attr]
        return OperationalError(None, None, error, connection_invalidated=True)
    state = str(getattr(error, "sqlstate", None) or "")
    if state.startswith(_LOST_STATES) or (state == _READ_ONLY and not _only_reads(context)):
        context.is_disconnect = True
    return None


def _only_reads(context: ExceptionContext) -> bool:
    options = context.connection.get_execution_options() if context.connection is not None else {}
    return bool(options.get("postgresql_readonly"))


def is_lost(error: DBAPIError) -> bool:
    return error.connection_invalidated or _state(error).startswith(_LOST_STATES)


def is_silent(error: DBAPIError) -> bool:
    """Whether the server is there and does not answer: another try would wait as long again."""
    return isinstance(error.orig, TimeoutError)


def lost_race(error: DBAPIError) -> bool:
    """Whether another run can do better: somebody was first, or a migration changed what the server had planned."""
    return _state(error) in _RACE_STATES or "InvalidCachedStatementError" in type(error.orig).__name__


def clean_parameters(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool
) -> tuple[str, Any]:
    """A listener: text cannot have the character NUL in PostgreSQL; it is stored, and looked for, as U+FFFD."""
    if is_many:
        return statement, [_without_nul(row) for row in parameters]
    return statement, _without_nul(parameters)


def _without_nul(row: Any) -> Any:
    if not any(isinstance(value, str) and "\0" in value for value in row):
        return row
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row)


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
