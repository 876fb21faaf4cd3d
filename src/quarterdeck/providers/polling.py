"""Streams that can be asked without waiting, too: one tick reads those of many turns, and wakes no task of theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, TypeVar

EMPTY_TICKS = 2  # without a word, after which one waits for the next item instead of polling

T = TypeVar("T")
P = TypeVar("P")

Poll = Callable[[], T | None]
"""What has come since the last item, an empty one if nothing has; None when it is `anext` that gives the next item.

It gives text alone: all else (a call, the end, what went wrong) comes with `anext`. Not to be called while that waits.
"""


class Source(Generic[T]):
    """What is polled. Of a stream that is not open it gives nothing, so it is asked for its `poll` each time."""

    __slots__ = ("poll",)

    def __init__(self, poll: Poll[T] | None = None) -> None:
        self.poll: Poll[T] = poll or never


class Polled(AsyncGenerator[T, None], Generic[T, P]):
    """`items`, and the source of what comes between two of them."""

    __slots__ = ("_items", "source")

    def __init__(self, items: AsyncGenerator[T, None], source: Source[P]) -> None:
        self._items, self.source = items, source

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


def source_of(stream: AsyncGenerator[Any, None]) -> Source[Any]:
    return stream.source if isinstance(stream, Polled) else Source()


def never() -> None:
    """The poll of what can only be waited for."""
