"""Options that several commands have, and how a command gets its settings and its database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from quarterdeck.app.data import open_data_dir, open_database
from quarterdeck.config import Settings, load_settings
from quarterdeck.diagnostics import configure_logs
from quarterdeck.store.database import Database, WriteConnection

T = TypeVar("T")

Host = Annotated[str | None, typer.Option(help="Address to listen on. Default 127.0.0.1.")]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes a free one. Default 8000.", min=0, max=65535)
]
DataDir = Annotated[Path | None, typer.Option(help="Folder for database, log and secrets. Made on first use.")]


def read_settings(**given: Any) -> Settings:
    """Settings with what the command line said over them, and the logs as they want them. Raises: `SetupError`."""
    settings = load_settings(**given)
    configure_logs(settings.log_level, settings.log_format)
    return settings


def write_once(settings: Settings, fn: Callable[[WriteConnection], T]) -> T:
    """One transaction in the database, beside a running server or without one."""
    return run_on_database(settings, lambda database: database.write(fn))


def run_on_database(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Several transactions, in the same way."""

    async def run() -> T:
        open_data_dir(settings.data_dir)
        database = await open_database(settings)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
