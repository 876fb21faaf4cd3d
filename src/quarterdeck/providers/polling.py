"""Streams that can be asked without waiting, too: one tick reads those of many turns, and wakes no task of theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

EMPTY_TICKS = 2  # without a word, after which one waits for the next item instead of polling

T = TypeVar("T")

Poll = Callable[[], T | None]
"""What has come since the last item, an empty one if nothing has; None when it is `anext` that gives the next item.

It gives text alone: all else (a call, the end, what went wrong) comes with `anext`. Not to be called while that waits.
"""


class Polled(AsyncGenerator[T, None]):
    """`items`, with a `poll` of what comes between two of them."""

    __slots__ = ("_items", "poll")

    def __init__(self, items: AsyncGenerator[T, None], poll: Poll[T]) -> None:
        self._items, self.poll = items, poll

    def __anext__(self) -> Coroutine[Any, Any, T]:
        return self._items.__anext__()

    def aclose(self) -> Coroutine[Any, Any, None]:
        return self._items.aclose()

    async def asend(self, value: None) -> T:
        return await self._items.asend(value)

    async def athrow(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> T:
        return await self._items.athrow(kind, value, traceback)  # type: ignore[arg-type]


class Source:
    """Where the items of a stream come from: known only when it has been opened."""

    __slots__ = ("poll",)

    def __init__(self) -> None:
        self.poll: Poll[Any] = never


def poll_of(stream: AsyncGenerator[T, None]) -> Poll[T]:
    return stream.poll if isinstance(stream, Polled) else never


def never() -> None:
    """The poll of what can only be waited for."""
