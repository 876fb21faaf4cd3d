"""The tracer over OpenTelemetry: batches, sent by a thread of its own over OTLP/HTTP. Only `spans` loads this file.

The SDK reads the standard variables itself: endpoint, headers, time-outs, batch sizes, sampler, resource. What the
collector does not take in time is dropped there; a turn never waits for it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from quarterdeck import __version__
from quarterdeck.tracing.spans import Attribute, Attributes

_SERVICE = "quarterdeck"
_root: ContextVar[SpanContext | None] = ContextVar("root", default=None)


class _TurnIds(RandomIdGenerator):
    """Random, but for a trace's root: whoever has not seen it knows its ids all the same."""

    def generate_trace_id(self) -> int:
        root = _root.get()
        return super().generate_trace_id() if root is None else root.trace_id

    def generate_span_id(self) -> int:
        root = _root.get()
        return super().generate_span_id() if root is None else root.span_id


class OtlpSpan:
    """Keeps `spans.Span`."""

    def __init__(self, inner: trace.Span) -> None:
        self._inner = inner

    def end(self, error: str, attributes: Attributes) -> None:
        _describe(self._inner, error, attributes)
        self._inner.end()


class OtlpTracer:
    """Keeps `spans.Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("quarterdeck", __version__)

    def record(self, name: str, turn: str, begun_ns: int, attributes: Attributes) -> None:
        token = _root.set(self._root_of(turn))
        try:
            made = self._tracer.start_span(
                name, context.Context(), SpanKind.SERVER, _kept(attributes, turn), start_time=begun_ns
            )
        finally:
            _root.reset(token)
        made.end(time.time_ns())

    def enter(self, name: str, turn: str, attributes: Attributes) -> AbstractContextManager[object]:
        parent = trace.set_span_in_context(NonRecordingSpan(self._root_of(turn)), context.Context())
        return self._tracer.start_as_current_span(name, parent, SpanKind.CONSUMER, _kept(attributes, turn))

    def begin(self, name: str, attributes: Attributes, *, is_call: bool) -> OtlpSpan:
        kind = SpanKind.CLIENT if is_call else SpanKind.INTERNAL
        return OtlpSpan(self._tracer.start_span(name, kind=kind, attributes=_kept(attributes)))

    def describe(self, error: str, attributes: Attributes) -> None:
        _describe(trace.get_current_span(), error, attributes)

    def close(self) -> None:
        self._provider.shutdown()

    def _root_of(self, turn: str) -> SpanContext:
        """The same in every process; sampled or not by the trace's id alone, as the sampler decides for a root."""
        digest = hashlib.sha256(turn.encode()).digest()
        trace_id, span_id = int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big")
        decision = self._provider.sampler.should_sample(None, trace_id, "send").decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)


def open_tracer() -> OtlpTracer:
    """Raises: `ValueError` for a variable that cannot be read."""
    named = OTELResourceDetector().detect()  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
    resource = Resource.create({SERVICE_NAME: _SERVICE, "service.version": __version__}).merge(named)
    provider = TracerProvider(resource=resource, id_generator=_TurnIds(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtlpTracer(provider)


def _describe(inner: trace.Span, error: str, attributes: Mapping[str, Attribute]) -> None:
    inner.set_attributes(_kept(attributes))
    if error:
        inner.set_attribute("error.type", error)
        inner.set_status(Status(StatusCode.ERROR))


def _kept(attributes: Mapping[str, Attribute], turn: str = "") -> dict[str, str | int | float | bool]:
    """Ours get the prefix; those of the conventions have a dot in their names."""
    kept = {
        name if "." in name else f"quarterdeck.{name}": value for name, value in attributes.items() if value is not None
    }
    return kept | {"quarterdeck.turn": turn} if turn else kept
