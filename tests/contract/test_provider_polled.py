"""A stream that is polled says the same as one that is waited for, whatever comes, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.contract.provider_cases import CASES, IMPATIENT_TO_GO_ON, Pair, ask, collect, open_pair, text_of
from tests.fakes.script import Script, ScriptedCall, words

from quarterdeck.domain.step import Delta, FinishChunk, TextChunk
from quarterdeck.errors import ProviderCutError, ProviderError, ProviderTimeoutError
from quarterdeck.providers.base import Provider
from quarterdeck.providers.connection import Connection
from quarterdeck.providers.openai_compatible import OpenAIDecoder
from quarterdeck.providers.polling import source_of

_TICK_S = 0.01
_EMPTY_TICKS = 2


@pytest.fixture(params=list(CASES))
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    async with open_pair(request.param) as opened:
        yield opened


async def collect_polled(provider: Provider) -> tuple[list[Delta], ProviderError | None, int]:
    """What came, how it failed, and how many polls gave something; every item is polled for before it is waited for."""
    deltas: list[Delta] = []
    polls = 0
    stream = provider.stream(ask())
    source = source_of(stream)
    try:
        async for batch in stream:
            deltas += batch
            empty = 0
            while empty < _EMPTY_TICKS:
                await asyncio.sleep(_TICK_S)
                if (more := source.poll()) is None:
                    break
                deltas += [TextChunk(more)] if more else []
                polls += bool(more)
                empty = 0 if more else empty + 1
    except ProviderError as error:
        return deltas, error, polls
    finally:
        await stream.aclose()
    return deltas, None, polls


@pytest.mark.parametrize(
    "script",
    [
        Script(pieces=words(200), delay_s=0.002),
        Script(pieces=["Grüße, ", "世界 ", "🦜!"], write_bytes=1),
        Script(pieces=words(40), delay_s=0.002, close_delay_s=0.05),
        Script(pieces=words(40), reasoning=words(5), delay_s=0.002),
        Script(pieces=words(20), delay_s=0.002, tool_calls=[ScriptedCall("call_a", "find", ['{"word":', '"tide"}'])]),
        Script(pieces=words(20), delay_s=0.002, finish="length"),
        Script(pieces=words(6), delay_s=0.04),
        Script(pieces=words(20), delay_s=0.002, fault="cut", fault_after=12),
        Script(pieces=words(20), delay_s=0.002, fault="malformed", fault_after=12),
    ],
    ids=["fast", "bytes", "late-end", "reasoning", "calls", "length", "slow", "cut", "malformed"],
)
async def test_polled_and_waited_for_it_is_the_same(pair: Pair, script: Script) -> None:
    pair.fake.default = script
    expected, error = await collect(pair.provider, ask())
    deltas, polled_error, _ = await collect_polled(pair.provider)
    assert type(polled_error) is type(error)
    assert text_of(deltas) == text_of(expected)
    others = [delta for delta in expected if type(delta) is not TextChunk]
    assert [delta for delta in deltas if type(delta) is not TextChunk] == others


async def test_what_comes_fast_is_read_at_the_ticks_alone(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    receive = Connection.data_received

    def note(protocol: Connection, piece: bytes) -> None:
        reads.append(len(piece))
        receive(protocol, piece)

    monkeypatch.setattr(Connection, "data_received", note)
    pair.fake.default = Script(pieces=words(300), delay_s=0.001)
    deltas, error, polls = await collect_polled(pair.provider)
    assert error is None
    assert text_of(deltas) == "".join(words(300))
    assert polls > 5
    assert len(reads) < 3 * polls + 20, "it was read between the ticks"


async def test_whole_chunks_of_words_are_given_neither_to_the_parser_nor_to_the_decoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[int] = []
    parsed: list[int] = []
    decode, receive = OpenAIDecoder.decode, Connection.data_received

    def note_decoded(decoder: OpenAIDecoder, payload: bytes, out: list[Delta]) -> None:
        decoded.append(len(payload))
        decode(decoder, payload, out)

    def note_received(protocol: Connection, piece: bytes) -> None:
        parsed.append(len(piece))
        receive(protocol, piece)

    monkeypatch.setattr(OpenAIDecoder, "decode", note_decoded)
    monkeypatch.setattr(Connection, "data_received", note_received)
    async with open_pair("openai") as pair:
        pair.fake.default = Script(pieces=words(600), delay_s=0.001)
        deltas, error, polls = await collect_polled(pair.provider)
    assert error is None
    assert text_of(deltas) == "".join(words(600))
    assert polls > 20
    assert len(decoded) < 100, "they were decoded one by one"
    assert len(parsed) < polls / 2, "they were given to the parser"


@pytest.mark.parametrize("size", [7, 64, 190, 1_000])
async def test_reads_may_end_anywhere_in_a_chunk(pair: Pair, size: int) -> None:
    pair.fake.default = Script(pieces=words(60), delay_s=0.0005, write_bytes=size)
    deltas, error, _ = await collect_polled(pair.provider)
    assert error is None
    assert text_of(deltas) == "".join(words(60))


async def test_a_connection_that_was_polled_serves_the_next_request(pair: Pair) -> None:
    pair.fake.default = Script(pieces=words(50), delay_s=0.001)
    for _ in range(3):
        deltas, error, polls = await collect_polled(pair.provider)
        assert error is None
        assert text_of(deltas) == "".join(words(50))
        assert polls
    assert len({received.client_port for received in pair.fake.requests}) == 1


async def test_closing_a_polled_stream_closes_its_upstream(pair: Pair) -> None:
    pair.fake.default = Script(pieces=words(2_000), delay_s=0.002)
    stream = pair.provider.stream(ask())
    source = source_of(stream)
    await anext(stream)
    for _ in range(3):
        await asyncio.sleep(_TICK_S)
        assert source.poll() is not None
    await stream.aclose()
    assert source.poll() is None
    async with asyncio.timeout(5):
        while pair.fake.requests[-1].ended_at is None:  # noqa: ASYNC110 - polling is the one wait there is
            await asyncio.sleep(0.005)
    assert pair.fake.requests[-1].outcome == "disconnected"


@pytest.mark.parametrize("name", list(CASES))
async def test_silence_after_polls_is_found_out(name: str) -> None:
    async with open_pair(name, timeouts=IMPATIENT_TO_GO_ON) as pair:
        pair.fake.default = Script(pieces=words(20), delay_s=0.002, fault="stall", fault_after=10)
        deltas, error, _ = await collect_polled(pair.provider)
    assert isinstance(error, ProviderTimeoutError)
    assert text_of(deltas) == "".join(words(20)[:10])


async def test_what_had_come_before_a_cut_is_given_out(pair: Pair) -> None:
    pair.fake.default = Script(pieces=words(20), delay_s=0.002, fault="cut", fault_after=10)
    deltas, error, _ = await collect_polled(pair.provider)
    assert isinstance(error, ProviderCutError)
    assert text_of(deltas) == "".join(words(20)[:10])
    assert not any(isinstance(delta, FinishChunk) for delta in deltas)
