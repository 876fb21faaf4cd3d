"""Modules that are loaded when something of them is first used: what few starts need, and takes long to load.

To the type checker such a module is imported as any other:

    if TYPE_CHECKING:
        import aiohttp
    else:
        aiohttp = Late("aiohttp")
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


class Late:
    """Stands for a module; its names are looked up there each time."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


async def load(module: str) -> None:
    """In a thread, so that the loop goes on meanwhile."""
    await asyncio.to_thread(import_module, module)


async def make_aside(make: Callable[[], T]) -> T:
    """What `make` returns, from a thread of its own that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if made.done():
            return
        if error is not None:
            made.set_exception(error)
        else:
            made.set_result(result)  # type: ignore[arg-type]  # no error: it is what was made

    def work() -> None:
        result, failure = None, None
        try:
            result = make()
        except Exception as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=work, name="loading", daemon=True).start()
    return await made
