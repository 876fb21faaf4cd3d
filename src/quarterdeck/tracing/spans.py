"""One trace for each turn. Its id is made from the turn's, so that every process that works on the turn writes into
the same trace, with nothing passed between them: who accepts it, who runs it, who takes it over.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from quarterdeck.diagnostics import get_logger
from quarterdeck.late import install_command

logger = get_logger("quarterdeck.tracing")

T = TypeVar("T")
Attribute = str | int | float | bool | None  # None is left out
Attributes = Mapping[str, Attribute]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_S = 2.0
_PROVIDER_NAMES = {"gemini": "gcp.gemini", "mistral": "mistral_ai"}  # the conventions' names, where ours differ


class Span(Protocol):
    def end(self, error: str, attributes: Attributes) -> None:
        """`error` is a code; empty when all went well."""
        ...


class Tracer(Protocol):
    """What `otlp` provides; the functions below say what each is for."""

    def record(self, name: str, turn: str, begun_ns: int, attributes: Attributes) -> None: ...

    def enter(self, name: str, turn: str, attributes: Attributes) -> AbstractContextManager[object]: ...

    def begin(self, name: str, attributes: Attributes, *, is_call: bool) -> Span: ...

    def describe(self, error: str, attributes: Attributes) -> None: ...

    def close(self) -> None: ...


class _NoSpan:
    def end(self, error: str, attributes: Attributes) -> None:
        pass


class _State:
    tracer: Tracer | None = None


_NO_SPAN = _NoSpan()


def start_tracing(environment: Mapping[str, str]) -> None:
    """Begin, if the standard variables ask for it. Blocks while OpenTelemetry is loaded; never fails the start."""
    wanted = any(environment.get(name) for name in _ENDPOINTS)
    if not wanted or environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or _State.tracer is not None:
        return
    for name, value in environment.items():
        if name.startswith("OTEL_"):
            os.environ.setdefault(name, value)  # the SDK reads the variables itself, and knows no .env
    try:
        _State.tracer = importlib.import_module("quarterdeck.tracing.otlp").open_tracer()
    except ImportError:
        logger.warning("tracing_off", reason=f"OpenTelemetry is not installed: run `{install_command('otel')}`.")
    except ValueError as error:  # a variable that cannot be read
        logger.warning("tracing_off", reason=str(error))


async def stop_tracing() -> None:
    """What is still here is sent, for two seconds at most."""
    tracer, _State.tracer = _State.tracer, None
    if tracer is None:
        return
    sending = threading.Thread(target=tracer.close, name="tracing-close", daemon=True)
    sending.start()
    await asyncio.to_thread(sending.join, _FLUSH_S)


def now_ns() -> int:
    """For `record`."""
    return time.time_ns()


def record(name: str, turn: str, begun_ns: int, **attributes: Attribute) -> None:
    """What was done for `turn` from `begun_ns` until now: the root of its trace."""
    if _State.tracer is not None:
        _State.tracer.record(name, turn, begun_ns, attributes)


def traced(name: str, turn: str, work: Coroutine[Any, Any, T], **attributes: Attribute) -> Coroutine[Any, Any, T]:
    """`work`, as a span of the turn's trace; spans begun within are below it."""
    if _State.tracer is None:
        return work
    return _trace(_State.tracer.enter(name, turn, attributes), work)


async def _trace(entered: AbstractContextManager[object], work: Coroutine[Any, Any, T]) -> T:
    with entered:
        return await work


def begin_call(provider: str, model: str, address: str) -> Span:
    """A call of a model, named and described as OpenTelemetry's conventions for generative AI say."""
    if _State.tracer is None:
        return _NO_SPAN
    parts = urlsplit(address)
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDER_NAMES.get(provider, provider),
        "gen_ai.request.model": model,
        "server.address": parts.hostname,
        "server.port": parts.port,
    }
    return _State.tracer.begin(f"chat {model}", attributes, is_call=True)


@contextmanager
def span(name: str) -> Iterator[None]:
    """A step of this task's work."""
    if _State.tracer is None:
        yield
        return
    step = _State.tracer.begin(name, {}, is_call=False)
    error = ""
    try:
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        step.end(error, {})


def describe(error: str = "", **attributes: Attribute) -> None:
    """Say more of this task's span: how it ended."""
    if _State.tracer is not None:
        _State.tracer.describe(error, attributes)
