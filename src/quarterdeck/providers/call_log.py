"""One line in the server's log per provider call: who, how long, how many tokens; never the content."""

from __future__ import annotations

import time

from quarterdeck import metrics
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.step import Delta, UsageChunk
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import ProviderError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.faults import UpstreamError
from quarterdeck.tracing import spans

_logger = get_logger("quarterdeck.providers")


class CallRecord:
    """Times and counts of one call; `close` writes the line."""

    def __init__(self, endpoint: Endpoint, model: str, kind: str) -> None:
        self._endpoint = endpoint
        self._model = model
        self._kind = kind
        self._started = time.perf_counter()
        self._first_token_ms: float | None = None
        self._usage = Usage()
        self.tries = 1
        self.status = 0
        self.outcome = "closed"  # by the caller, unless something else is noted
        self._span = spans.begin_call(endpoint.name, model, endpoint.base_url)

    def note_batch(self, batch: list[Delta]) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._elapsed_ms()
        last = batch[-1]
        if type(last) is UsageChunk or len(batch) > 1:
            for delta in batch:
                if isinstance(delta, UsageChunk):
                    self._usage = delta.usage

    def note_error(self, fault: UpstreamError, error: ProviderError) -> None:
        self.outcome = error.code
        self.status = fault.status or self.status
        _logger.warning(
            "provider.failed",
            provider=self._endpoint.name,
            model=self._model,
            status=self.status,
            code=error.code,
            detail=error.detail,
        )

    def close(self) -> None:
        self._span.end(
            "" if self.outcome in ("complete", "closed") else self.outcome,
            {
                "gen_ai.usage.input_tokens": self._usage.input_tokens,
                "gen_ai.usage.output_tokens": self._usage.output_tokens,
                "quarterdeck.tries": self.tries,
            },
        )
        provider = metrics.provider_of(self._endpoint.name)
        metrics.PROVIDER_CALLS.add(1, provider, self.outcome)
        metrics.PROVIDER_SECONDS.observe(self._elapsed_ms() / 1000, provider)
        if self.tries > 1:
            metrics.PROVIDER_RETRIES.add(self.tries - 1, provider)
        _logger.info(
            "provider.called",
            provider=self._endpoint.name,
            model=self._model,
            kind=self._kind,
            outcome=self.outcome,
            status=self.status,
            tries=self.tries,
            first_token_ms=self._first_token_ms,
            duration_ms=self._elapsed_ms(),
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
            cached_tokens=self._usage.cached_tokens,
        )

    def _elapsed_ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 1)
