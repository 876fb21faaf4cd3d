"""A provider over HTTP: one dialect, one endpoint, and everything that is the same for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from quarterdeck.domain.step import Delta, RetryChunk, StepRequest
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.errors import ProviderError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.call_log import CallRecord
from quarterdeck.providers.dialect import Dialect
from quarterdeck.providers.faults import Kept, UpstreamError, explain
from quarterdeck.providers.polling import Polled, Source, never
from quarterdeck.providers.profiles import describe_model
from quarterdeck.providers.reading import AnswerReader
from quarterdeck.providers.retry import FIRST_BACKOFF_S, seconds_before_retry
from quarterdeck.providers.transport import Transport
from quarterdeck.providers.vendor_errors import names_unsupported

if TYPE_CHECKING:
    import aiohttp

LIST_TIMEOUT_S = 5.0
_BATCH_FACTOR = 5  # a whole answer may take this many times the first token's time-out
_MAX_LEARNT = 512
_MOST_LEFT_OUT = 4  # in one step: each is a request more
_BOUNDS = {"max_tokens", "max_completion_tokens"}


class HttpProvider:
    """`base.Provider` for every dialect. Cheap to make; the transport is shared."""

    def __init__(
        self, endpoint: Endpoint, dialect: Dialect, transport: Transport, backoff_s: float = FIRST_BACKOFF_S
    ) -> None:
        self.endpoint = endpoint
        self._dialect = dialect
        self._transport = transport
        self._backoff_s = backoff_s
        self._refused: dict[str, frozenset[str]] = {}  # model -> optional parameters it does not take

    def stream(self, request: StepRequest) -> Polled[list[Delta], str]:
        source = Source[str]()
        return Polled(self._stream(request, source), source)

    async def _stream(self, request: StepRequest, source: Source[str]) -> AsyncGenerator[list[Delta], None]:
        record = CallRecord(self.endpoint, request.model, "stream")
        reader: AnswerReader | None = None
        try:
            attempt = _Attempt()
            while (response := await self._try(request, attempt, record, stream=True)) is None:
                yield [RetryChunk(self._explain(attempt.fault, request, "nothing").message, attempt.wait_s)]
            reader = self._open_reader(response, request, monotonic() - attempt.started)
            source.poll = reader.poll
            while (batch := reader.take() or await reader.read()) is not None:
                record.note_batch(batch)
                yield batch
            record.outcome = "complete"
            await reader.release()
        except UpstreamError as fault:
            error = self._explain(fault, request, "answer" if reader and reader.has_begun else "message")
            record.note_error(fault, error)
            raise error from None
        finally:
            source.poll = never
            if reader is not None:
                reader.close()
            record.close()

    async def complete(self, request: StepRequest) -> list[Delta]:
        """The whole answer in one piece. Raises: a `ProviderError` subclass."""
        record = CallRecord(self.endpoint, request.model, "complete")
        try:
            attempt = _Attempt()
            while (response := await self._try(request, attempt, record, stream=False)) is None:
                pass
            deltas = await self._read_whole(response, request)
            record.note_batch(deltas)
            record.outcome = "complete"
            return deltas
        except UpstreamError as fault:
            error = self._explain(fault, request, "message")
            record.note_error(fault, error)
            raise error from None
        finally:
            record.close()

    async def list_models(self) -> list[ModelProfile]:
        try:
            return await self._dialect.fetch_models(self.endpoint, self._transport, LIST_TIMEOUT_S)
        except UpstreamError as fault:
            raise self._explain_listing(fault) from None

    async def check(self) -> list[ModelProfile]:
        """Lists the models and makes sure that the key is good. Raises: `ProviderError`."""
        models = await self.list_models()
        try:
            await self._dialect.check_key(self.endpoint, self._transport, LIST_TIMEOUT_S)
        except UpstreamError as fault:
            raise self._explain_listing(fault) from None
        return models

    async def _try(
        self, request: StepRequest, attempt: _Attempt, record: CallRecord, *, stream: bool
    ) -> aiohttp.ClientResponse | None:
        """One request: its response, or None when the next call tries again after `attempt.wait_s` seconds.

        Raises: `UpstreamError`.
        """
        await asyncio.sleep(attempt.wait_s)
        attempt.started = monotonic()
        without = self._refused.get(request.model, frozenset())
        call = self._dialect.build_call(self.endpoint, request, stream=stream, without=without)
        timeout_s = self._transport.timeouts.first_token_s * (1 if stream else _BATCH_FACTOR)
        try:
            response = await self._transport.send(call, timeout_s)
        except UpstreamError as fault:
            attempt.fault = fault
            record.tries += 1
            if attempt.left_out < _MOST_LEFT_OUT and self._leave_out(fault, request, without):
                attempt.left_out += 1
                attempt.wait_s = 0.0
                return await self._try(request, attempt, record, stream=stream)
            wait_s = seconds_before_retry(fault, attempt.retries, self._backoff_s)
            if wait_s is None:
                record.tries -= 1
                raise
            attempt.retries += 1
            attempt.wait_s = wait_s
            return None
        record.status = response.status
        return response

    def _leave_out(self, fault: UpstreamError, request: StepRequest, without: frozenset[str]) -> bool:
        """True when the fault names an optional parameter; it is left out for this model from now on."""
        optional = self._dialect.optional_parameters(request) - without
        if without & _BOUNDS:  # of the two names one stays: what bounds the answer's cost is not left out
            optional -= _BOUNDS
        name = names_unsupported(fault, optional)
        if not name:
            return False
        if len(self._refused) >= _MAX_LEARNT:
            self._refused.clear()
        self._refused[request.model] = without | {name}
        return True

    def _open_reader(self, response: aiohttp.ClientResponse, request: StepRequest, elapsed_s: float) -> AnswerReader:
        timeouts = self._transport.timeouts
        left_s = max(timeouts.first_token_s - elapsed_s, 0.01)
        try:
            return AnswerReader(
                response,
                self._dialect.new_decoder(request),
                describe_model(self.endpoint.name, request.model),
                msgspec.structs.replace(timeouts, first_token_s=left_s),
                may_be_empty=request.prefill or request.goes_on,
            )
        except UpstreamError:
            response.close()
            raise

    async def _read_whole(self, response: aiohttp.ClientResponse, request: StepRequest) -> list[Delta]:
        timeout_s = self._transport.timeouts.first_token_s * _BATCH_FACTOR
        reader = self._open_reader(response, request, 0.0)
        deltas: list[Delta] = []
        try:
            async with asyncio.timeout(timeout_s):
                while (batch := await reader.read()) is not None:
                    deltas += batch
        except TimeoutError:
            raise UpstreamError("idle_timeout", limit_s=timeout_s) from None
        finally:
            reader.close()
        return deltas

    def _explain_listing(self, fault: UpstreamError) -> ProviderError:
        if fault.kind == "no_model":  # 404 where the list should be: the address is wrong
            fault.kind = "not_an_api"
        elif fault.kind == "first_token_timeout":
            fault.kind = "no_list"
        return explain(fault, self.endpoint, "", "nothing")

    def _explain(self, fault: UpstreamError, request: StepRequest, kept: Kept) -> ProviderError:
        return explain(fault, self.endpoint, request.model, kept if request.is_kept else "nothing")


class _Attempt:
    """How often a step was tried, and why the last try failed."""

    def __init__(self) -> None:
        self.retries = 0
        self.wait_s = 0.0
        self.started = 0.0  # monotonic
        self.left_out = 0  # parameters that the provider does not take
        self.fault = UpstreamError("server")
