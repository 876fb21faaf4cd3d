"""Tracing that is off, asked for and not to be had, or asked for in a way that cannot be read."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator

import pytest

from quarterdeck.tracing import spans

ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test sets for OpenTelemetry goes with it, and so does a tracer that it began."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    monkeypatch.delenv("OTEL_BSP_SCHEDULE_DELAY", raising=False)
    yield
    asyncio.run(spans.stop_tracing())


async def nothing() -> str:
    return "done"


def is_on() -> bool:
    work = nothing()
    traced = spans.traced("run", "t", work)
    traced.close()
    work.close()
    return traced is not work


def test_nothing_is_traced_unless_an_endpoint_is_named() -> None:
    spans.start_tracing({"OTEL_SERVICE_NAME": "quarterdeck"})
    assert not is_on()
    assert spans.begin_call("openai", "gpt", "https://api.example.org") is spans.begin_call("x", "y", "")


def test_the_switch_of_the_standard_turns_it_off() -> None:
    spans.start_tracing(ASKED | {"OTEL_SDK_DISABLED": "true"})
    assert not is_on()


def test_an_endpoint_turns_it_on() -> None:
    spans.start_tracing(ASKED)
    assert is_on()


def test_without_the_extra_one_warning_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "quarterdeck.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with caplog.at_level(logging.INFO):
        spans.start_tracing(ASKED)
    assert not is_on()
    assert [record.getMessage() for record in caplog.records] == ["tracing_off"]
    assert "quarterdeck[otel]" in str(vars(caplog.records[0])["fields"])


def test_a_variable_that_cannot_be_read_does_not_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100")  # more than the queue: refused by the SDK
    with caplog.at_level(logging.WARNING):
        spans.start_tracing(ASKED)
    assert not is_on()
    assert "tracing_off" in [record.getMessage() for record in caplog.records]
