"""Every dialect against its vendor's strict fake: what is sent, what comes back, how faults look."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate

import pytest
from msgspec import structs
from tests.contract.provider_cases import (
    CASES,
    IMPATIENT_TO_BEGIN,
    IMPATIENT_TO_GO_ON,
    KEY,
    Pair,
    ask,
    collect,
    logged,
    open_pair,
    reasoning_of,
    text_of,
)
from tests.fakes.script import Script, ScriptedCall, ScriptedUsage, words

from quarterdeck.domain.parts import ImagePart, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import (
    FinishChunk,
    PromptMessage,
    RetryChunk,
    StepRequest,
    ToolCallChunk,
    ToolSpec,
    UsageChunk,
)
from quarterdeck.domain.usage import Usage
from quarterdeck.errors import (
    ContextTooLongError,
    ModelNotFoundError,
    ProviderAuthError,
    ProviderCutError,
    ProviderEmptyError,
    ProviderError,
    ProviderLimitError,
    ProviderProtocolError,
    ProviderRefusedError,
    ProviderRequestError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from quarterdeck.providers.base import Provider
from quarterdeck.providers.transport import Timeouts


@pytest.fixture(params=list(CASES))
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    async with open_pair(request.param) as opened:
        yield opened


@pytest.fixture(params=list(CASES))
async def hasty_to_begin(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """The first token has to come within 0.8 s."""
    async with open_pair(request.param, timeouts=IMPATIENT_TO_BEGIN) as opened:
        yield opened


@pytest.fixture(params=list(CASES))
async def hasty_to_go_on(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """No silence in the answer may last longer than 0.4 s."""
    async with open_pair(request.param, timeouts=IMPATIENT_TO_GO_ON) as opened:
        yield opened


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - polling is the one wait there is
            await asyncio.sleep(0.005)


# --- what comes back


async def test_an_answer_streams_with_usage_and_one_end(pair: Pair) -> None:
    pair.fake.default = Script(usage=ScriptedUsage(input=40, output=9, cached=16, reasoning=3))
    deltas, error = await collect(pair.provider, ask())
    assert error is None
    assert text_of(deltas) == "Hello, world!"
    assert [delta for delta in deltas if isinstance(delta, UsageChunk)] == [UsageChunk(Usage(40, 9, 16, 3))]
    assert deltas[-1] == FinishChunk("stop")
    assert sum(isinstance(delta, FinishChunk) for delta in deltas) == 1


async def test_a_batch_call_gives_the_same_answer(pair: Pair) -> None:
    pair.fake.default = Script(reasoning=["Hm."])
    deltas = await pair.provider.complete(ask())
    assert text_of(deltas) == "Hello, world!"
    assert reasoning_of(deltas) == "Hm."
    assert deltas[-1] == FinishChunk("stop")
    assert not pair.fake.requests[-1].body.get("stream")


async def test_single_byte_writes_give_the_same_answer(pair: Pair) -> None:
    pair.fake.default = Script(pieces=["Grüße, ", "世界 ", "🦜!"], write_bytes=1)
    deltas, error = await collect(pair.provider, ask())
    assert error is None
    assert text_of(deltas) == "Grüße, 世界 🦜!"


async def test_reasoning_comes_apart_from_the_text(pair: Pair) -> None:
    pair.fake.default = Script(reasoning=["First ", "I think."], pieces=["Then I ", "speak."])
    deltas, _ = await collect(pair.provider, ask())
    assert reasoning_of(deltas) == "First I think."
    assert text_of(deltas) == "Then I speak."


async def test_the_limit_of_tokens_is_a_reason_to_end(pair: Pair) -> None:
    pair.fake.default = Script(finish="length")
    deltas, _ = await collect(pair.provider, ask())
    assert deltas[-1] == FinishChunk("length")


@pytest.mark.parametrize("stream", [True, False])
async def test_tool_calls_come_with_their_names_and_arguments(pair: Pair, stream: bool) -> None:
    calls = [
        ScriptedCall("call_a", "find", ['{"wo', 'rd": "tide"}']),
        ScriptedCall("call_b", "now", ["{}"]),
    ]
    pair.fake.default = Script(pieces=["Looking."], tool_calls=calls)
    request = ask()
    deltas = (await collect(pair.provider, request))[0] if stream else await pair.provider.complete(request)
    found: dict[int, list[str]] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallChunk):
            call = found.setdefault(delta.index, ["", "", ""])
            found[delta.index] = [call[0] + delta.call, call[1] + delta.name, call[2] + delta.arguments]
    assert [call[:2] for call in found.values()] == [["call_a", "find"], ["call_b", "now"]]
    assert found[0][2].replace(" ", "") == '{"word":"tide"}'
    assert found[1][2] == "{}"
    assert deltas[-1] == FinishChunk("tool_calls")


async def test_a_thousand_words_arrive_whole_and_in_order(pair: Pair) -> None:
    pair.fake.default = Script(pieces=words(1000))
    deltas, _ = await collect(pair.provider, ask())
    assert text_of(deltas) == "".join(words(1000))


async def test_a_hundred_streams_run_side_by_side(pair: Pair) -> None:
    pair.fake.default = Script(pieces=words(20), delay_s=0.002)
    answers = await asyncio.gather(*(collect(pair.provider, ask()) for _ in range(100)))
    assert all(error is None and text_of(deltas) == "".join(words(20)) for deltas, error in answers)


async def test_a_finished_stream_leaves_its_connection_to_the_next(pair: Pair) -> None:
    pair.fake.default = Script(close_delay_s=0.01)
    for _ in range(3):
        _, error = await collect(pair.provider, ask())
        assert error is None
    assert len({received.client_port for received in pair.fake.requests}) == 1


async def test_an_end_that_was_said_counts_although_the_connection_stays_open(pair: Pair) -> None:
    """And its caller does not wait long for the rest."""
    pair.fake.default = Script(close_delay_s=4)
    started = time.monotonic()
    answer: list[str] = []
    async for batch in pair.provider.stream(ask()):
        answer.append(text_of(batch))
        if any(isinstance(delta, FinishChunk) for delta in batch):
            break
    assert "".join(answer) == "Hello, world!"
    if pair.provider.endpoint.name != "gemini":  # which has no end but the stream's own
        assert time.monotonic() - started < 2


# --- what is sent


async def test_the_usual_parameters_reach_the_vendor_in_its_own_words(pair: Pair) -> None:
    request = StepRequest(
        model="fake-chat",
        messages=[
            PromptMessage("system", [TextPart("Be brief.")]),
            PromptMessage("user", [TextPart("Look: "), ImagePart("image/png", base64.b64encode(b"png").decode())]),
        ],
        temperature=0.25,
        max_output_tokens=99,
        stop=["END"],
    )
    _, error = await collect(pair.provider, request)
    assert error is None
    assert len(pair.fake.requests) == 1
    body = str(pair.fake.requests[-1].body)
    for expected in ("Be brief.", "Look: ", base64.b64encode(b"png").decode(), "0.25", "99", "END"):
        assert expected in body


async def test_a_conversation_with_tools_is_accepted(pair: Pair) -> None:
    request = StepRequest(
        model="fake-chat",
        messages=[
            PromptMessage("user", [TextPart("What time is it?")]),
            PromptMessage("assistant", [TextPart("Let me look."), ToolCallPart("call_1", "now", '{"zone": "UTC"}')]),
            PromptMessage("tool", [ToolResultPart("call_1", "12:00")]),
        ],
        tools=[ToolSpec("now", "The time", {"type": "object", "properties": {"zone": {"type": "string"}}})],
        tool_choice="auto",
    )
    _, error = await collect(pair.provider, request)
    assert error is None
    assert "12:00" in str(pair.fake.requests[-1].body)


async def test_a_parameter_the_model_does_not_take_is_left_out_once_and_for_all(pair: Pair) -> None:
    pair.fake.unsupported = {"temperature"}
    request = StepRequest(model="fake-chat", messages=ask().messages, temperature=0.5)
    deltas, error = await collect(pair.provider, request)
    assert error is None
    assert text_of(deltas) == "Hello, world!"
    assert len(pair.fake.requests) == 2
    await collect(pair.provider, request)
    assert len(pair.fake.requests) == 3, "what was learnt is used"


# --- models


async def test_models_are_listed_with_our_names(pair: Pair) -> None:
    listed = await pair.provider.list_models()
    name = pair.provider.endpoint.name
    assert f"{name}/fake-chat" in [profile.id for profile in listed]
    assert all(profile.provider == name for profile in listed)


async def test_a_provider_is_what_the_contract_says(pair: Pair) -> None:
    provider: Provider = pair.provider
    assert provider.endpoint.label == "Acme"


# --- faults after the answer began: each its type, its sentence, and what was received is kept

CUT = "The connection to Acme was cut in the middle of the answer. What was written so far is kept."
MALFORMED = "Acme sent something that is not a valid answer. What was written so far is kept."


@pytest.mark.parametrize(
    ("fault", "expected", "sentence"),
    [
        ("cut", ProviderCutError, CUT),
        ("no_end", ProviderCutError, CUT),
        ("malformed", ProviderProtocolError, MALFORMED),
        ("bad_utf8", ProviderProtocolError, MALFORMED),
        ("endless_line", ProviderProtocolError, MALFORMED),
        ("error", ProviderUnavailableError, "Acme has a problem on its side: "),
        ("filter", ProviderRefusedError, "Acme declined to answer"),
    ],
)
async def test_a_fault_in_the_answer_keeps_what_was_received(
    pair: Pair, fault: str, expected: type[ProviderError], sentence: str
) -> None:
    pair.fake.default = Script(pieces=["one ", "two ", "three"], fault=fault, fault_after=2)  # type: ignore[arg-type]
    deltas, error = await collect(pair.provider, ask())
    assert type(error) is expected
    assert text_of(deltas) == "one two "
    assert error.message.startswith(sentence)
    assert error.message.endswith("What was written so far is kept.")
    assert not any(isinstance(delta, FinishChunk) for delta in deltas)
    assert len(pair.fake.requests) == 1, "nothing is asked twice once the answer began"


@pytest.mark.parametrize("fault", ["cut", "no_end"])
async def test_what_arrived_before_a_cut_reaches_a_reader_that_was_busy(pair: Pair, fault: str) -> None:
    pieces = [f"piece {number} " for number in range(20)]
    pair.fake.default = Script(pieces=pieces, fault=fault, fault_after=20, delay_s=0.002)  # type: ignore[arg-type]
    stream = pair.provider.stream(ask())
    deltas = await anext(stream)
    await asyncio.sleep(0.3)  # the whole answer and its cut arrive meanwhile

    async def read_on() -> None:
        async for batch in stream:
            deltas.extend(batch)

    with pytest.raises(ProviderCutError):
        await read_on()
    assert text_of(deltas) == "".join(pieces)


async def test_silence_in_the_answer_keeps_what_was_received(hasty_to_go_on: Pair) -> None:
    hasty_to_go_on.fake.default = Script(pieces=["one ", "two ", "three"], fault="stall", fault_after=2)
    deltas, error = await collect(hasty_to_go_on.provider, ask())
    assert type(error) is ProviderTimeoutError
    assert text_of(deltas) == "one two "
    assert error.message == (
        "Acme sent nothing more for 0.4 s in the middle of its answer. What was written so far is kept."
    )
    assert len(hasty_to_go_on.fake.requests) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("refusal", ProviderRefusedError),
        ("empty", ProviderEmptyError),
        ("no_words", ProviderEmptyError),
        ("html", ProviderProtocolError),
        ("redirect", ProviderProtocolError),
    ],
)
async def test_a_fault_instead_of_an_answer_has_its_type(pair: Pair, fault: str, expected: type[ProviderError]) -> None:
    pair.fake.default = Script(fault=fault)  # type: ignore[arg-type]
    deltas, error = await collect(pair.provider, ask())
    assert type(error) is expected
    assert text_of(deltas) == ""
    assert error.message.endswith("Your message is kept.")
    assert len(pair.fake.requests) == 1


async def test_an_answer_that_is_gone_on_from_may_have_been_complete(pair: Pair) -> None:
    pair.fake.default = Script(fault="no_words")
    deltas, error = await collect(pair.provider, structs.replace(ask(), goes_on=True))
    assert error is None
    assert (text_of(deltas), deltas[-1]) == ("", FinishChunk("stop"))


@pytest.mark.parametrize("fault", ["refusal", "no_words", "html", "filter"])
async def test_a_batch_call_fails_with_the_same_types(pair: Pair, fault: str) -> None:
    pair.fake.default = Script(fault=fault)  # type: ignore[arg-type]
    _, streamed = await collect(pair.provider, ask())
    with pytest.raises(ProviderError) as caught:
        await pair.provider.complete(ask())
    assert type(caught.value) is type(streamed)


async def test_a_whole_json_answer_is_taken_for_a_stream(pair: Pair) -> None:
    pair.fake.default = Script(fault="json")
    deltas, error = await collect(pair.provider, ask())
    assert error is None
    assert text_of(deltas) == "Hello, world!"


async def test_a_slow_first_token_is_a_timeout(hasty_to_begin: Pair) -> None:
    hasty_to_begin.fake.default = Script(first_delay_s=4)
    deltas, error = await collect(hasty_to_begin.provider, ask())
    assert type(error) is ProviderTimeoutError
    assert error.message == "Acme did not begin to answer within 0.8 s. Your message is kept."
    assert deltas == []
    assert len(hasty_to_begin.fake.requests) == 1


async def test_silence_after_the_headers_is_a_timeout_too(hasty_to_begin: Pair) -> None:
    hasty_to_begin.fake.default = Script(fault="stall", fault_after=0)
    _, error = await collect(hasty_to_begin.provider, ask())
    assert type(error) is ProviderTimeoutError
    assert "did not begin to answer" in error.message


# --- faults before the answer: retries, and how they end


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_passing_server_error_is_tried_again(pair: Pair, status: int) -> None:
    pair.fake.default = Script(status=status, failures=2)
    deltas, error = await collect(pair.provider, ask())
    assert error is None
    assert text_of(deltas) == "Hello, world!"
    retries = [delta for delta in deltas if isinstance(delta, RetryChunk)]
    assert len(retries) == 2
    assert retries[0].reason.startswith("Acme has a problem on its side")
    assert len(pair.fake.requests) == 3


async def test_a_lasting_server_error_is_given_up_after_two_retries(pair: Pair) -> None:
    pair.fake.default = Script(status=500)
    _, error = await collect(pair.provider, ask())
    assert type(error) is ProviderUnavailableError
    assert len(pair.fake.requests) == 3


async def test_a_short_retry_after_is_waited_for(pair: Pair) -> None:
    pair.fake.default = Script(status=429, failures=1, retry_after="0.05")
    deltas, error = await collect(pair.provider, ask())
    assert error is None
    assert deltas[0] == RetryChunk("Acme is busy and asked to wait 0.05 s.", 0.05)
    assert pair.fake.requests[1].started_at - pair.fake.requests[0].started_at >= 0.05


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_long_retry_after_is_told_and_not_waited_for(pair: Pair, as_date: bool) -> None:
    after = formatdate(time.time() + 3600, usegmt=True) if as_date else "3600"
    pair.fake.default = Script(status=429, retry_after=after)
    _, error = await collect(pair.provider, ask())
    assert type(error) is ProviderLimitError
    assert error.retry_after_s == pytest.approx(3600, abs=5)
    assert error.message == "Acme is busy and asked to wait 60 minutes. Your message is kept."
    assert len(pair.fake.requests) == 1


async def test_a_connection_closed_before_the_answer_is_tried_once_more(pair: Pair) -> None:
    pair.fake.default = Script(fault="hang_up")
    _, error = await collect(pair.provider, ask())
    assert type(error) is ProviderUnavailableError
    assert len(pair.fake.requests) == 2


async def test_a_server_that_is_not_there_is_named(pair: Pair) -> None:
    await pair.fake.stop()
    deltas, error = await collect(pair.provider, ask())
    assert type(error) is ProviderUnavailableError
    assert error.message == f"Acme could not be reached at 127.0.0.1:{pair.fake.port}. Your message is kept."
    assert len(deltas) == 2, "two retries were announced"


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (401, "no", ProviderAuthError),
        (403, "no", ProviderAuthError),
        (404, "The model `x` does not exist", ModelNotFoundError),
        (400, "This model's maximum context length is 8192 tokens.", ContextTooLongError),
        (400, "prompt is too long: 250000 tokens > 200000 maximum", ContextTooLongError),
        (400, "The input token count (9) exceeds the maximum number of tokens allowed (8).", ContextTooLongError),
        (400, "Something is odd about this request.", ProviderRequestError),
        (422, "Something is odd about this request.", ProviderRequestError),
        (402, "Your credit is used up.", ProviderLimitError),
    ],
)
async def test_a_refused_request_has_its_type_and_is_not_repeated(
    pair: Pair, status: int, message: str, expected: type[ProviderError]
) -> None:
    pair.fake.default = Script(status=status, error_message=message)
    _, error = await collect(pair.provider, ask())
    assert type(error) is expected
    assert len(pair.fake.requests) == 1
    assert error.message.endswith("Your message is kept.")


# --- closing, keys, logs


@pytest.mark.parametrize("how", ["close", "cancel"])
async def test_stopping_closes_the_upstream_within_a_second(how: str, pair: Pair) -> None:
    pair.fake.default = Script(pieces=words(1000), delay_s=0.02)
    stream = pair.provider.stream(ask())
    if how == "close":
        await anext(stream)
        stopped_at = time.time()
        await stream.aclose()
    else:
        task = asyncio.create_task(collect(pair.provider, ask()))
        await wait_until(lambda: bool(pair.fake.requests) and pair.fake.requests[-1].pieces_sent > 1)
        stopped_at = time.time()
        task.cancel()
    await wait_until(lambda: pair.fake.requests[-1].ended_at is not None)
    assert pair.fake.requests[-1].outcome == "disconnected"
    assert (pair.fake.requests[-1].ended_at or 0) - stopped_at < 1


async def test_stopping_before_the_first_byte_closes_the_upstream(pair: Pair) -> None:
    pair.fake.default = Script(first_delay_s=4)
    task = asyncio.create_task(collect(pair.provider, ask()))
    await wait_until(lambda: bool(pair.fake.requests))
    task.cancel()
    await wait_until(lambda: pair.fake.requests[-1].ended_at is not None)
    assert pair.fake.requests[-1].outcome == "disconnected"


@pytest.mark.parametrize("name", list(CASES))
async def test_a_wrong_key_is_refused_and_shown_nowhere(name: str, caplog: pytest.LogCaptureFixture) -> None:
    wrong = "sk-wrong-0123456789abcdef"
    caplog.set_level("DEBUG")
    async with open_pair(name, key=wrong) as pair:
        _, error = await collect(pair.provider, ask())
        with pytest.raises(ProviderAuthError):
            await pair.provider.list_models()
    assert type(error) is ProviderAuthError
    assert error.message == "Acme refused the key. Check it in the settings. Your message is kept."
    shown = f"{error.message} {error.detail} {error!r} {logged(caplog)} {caplog.text} {pair.provider.endpoint!r}"
    assert "0123456789abcdef" not in shown


async def test_calls_are_logged_with_times_and_tokens_but_without_key_and_content(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    pair.fake.default = Script(pieces=["a secret ", "answer"])
    await collect(pair.provider, ask("a private question"))
    pair.fake.default = Script(status=500, error_message=f"internal: {KEY}")
    await collect(pair.provider, ask("a private question"))
    lines = logged(caplog)
    called = [line for line in lines if line["event"] == "provider.called"]
    assert [line["outcome"] for line in called] == ["complete", "provider_unavailable"]
    assert called[0]["input_tokens"] == 11
    assert called[0]["output_tokens"] == 2
    assert 0 < called[0]["first_token_ms"] <= called[0]["duration_ms"]
    assert called[1]["tries"] == 3
    assert not any(word in str(lines) for word in (KEY, "secret", "private"))


async def test_a_reader_that_takes_its_time_is_no_silence(hasty_to_go_on: Pair) -> None:
    hasty_to_go_on.fake.default = Script(pieces=words(10), delay_s=0.01)
    seen = ""
    async for batch in hasty_to_go_on.provider.stream(ask()):
        seen += text_of(batch)
        if len(seen) < 30:
            await asyncio.sleep(0.5)  # longer than the idle time-out of 0.4 s
    assert seen == "".join(words(10))


async def test_the_first_token_time_out_counts_from_the_request() -> None:
    async with open_pair("openai", timeouts=Timeouts(1.0, 0.5, 5.0)) as pair:
        pair.fake.default = Script(first_delay_s=0.3, fault="stall", fault_after=0)
        started = time.monotonic()
        _, error = await collect(pair.provider, ask())
        assert type(error) is ProviderTimeoutError
        assert 0.25 < time.monotonic() - started < 2.5
