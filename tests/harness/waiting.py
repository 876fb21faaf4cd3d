"""Waiting for something to become true, and how much a test is to do."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

WAIT_S = 60.0  # a test's patience on a busy machine; what is promised to come sooner is measured where it is promised
_LOOK_S = 0.02


def is_long() -> bool:
    """Whether the long setting was asked for (`scripts/test --long`)."""
    return os.environ.get("QUARTERDECK_TEST_LONG") == "1"


def trials(fast: int, long: int) -> int:
    return long if is_long() else fast


def wait_until(find: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
    """The first thing that `find` gives that is neither None nor False."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = find()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        time.sleep(_LOOK_S)


async def wait_until_async(find: Callable[[], Awaitable[T | None]], what: str, timeout_s: float = WAIT_S) -> T:
    deadline = time.monotonic() + timeout_s
    while True:
        found = await find()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        await asyncio.sleep(_LOOK_S)
