"""Traces as a collector gets them: one for each turn, whichever processes work on it, and nothing of what was said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import MakeServer
from tests.fakes.collector import FakeCollector, SeenSpan, open_collector
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name, open_full
from tests.harness.server import Server
from tests.harness.stored import fetch_messages
from tests.harness.upstream import UPSTREAM_KEY, Upstream
from tests.harness.waiting import wait_until, wait_until_async

CANARY = "canary-question-5e1f"


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with open_collector() as opened:
        yield opened


def traced(make_server: MakeServer, collector: FakeCollector, **more: str) -> Server:
    quickly = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
    return make_server(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **(quickly | more))


def ask(server: Server, model: str, text: str = CANARY) -> str:
    """The id of a turn that has ended."""
    with server.http() as http:
        answer = http.post("/chat_batch", json={"message": text, "model": model})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-turn-id"]


def trace_of(collector: FakeCollector, turn: str, *names: str) -> dict[str, SeenSpan]:
    """The spans of the turn's trace by name, when those named are there."""

    def find() -> dict[str, SeenSpan] | None:
        marked = {span.trace for span in collector.of_turn(turn)}
        spans = {span.name: span for span in collector.spans() if span.trace in marked}
        assert len(marked) <= 1, "the turn is in more than one trace"
        return spans if set(names) <= set(spans) else None

    return wait_until(find, f"the spans {names} of {turn}")


def test_a_turn_is_one_trace_from_its_acceptance_to_its_saving(
    make_server: MakeServer, upstream: Upstream, collector: FakeCollector
) -> None:
    model = upstream.model(Script())
    turn = ask(traced(make_server, collector).start(), model)
    call = f"chat {model.partition('/')[2]}"
    spans = trace_of(collector, turn, "send", "run", call, "save")
    assert spans["send"].parent == ""
    assert spans["run"].parent == spans["send"].id
    assert spans[call].parent == spans["save"].parent == spans["run"].id
    assert {span.service for span in spans.values()} == {"quarterdeck"}
    assert spans["run"].attributes["quarterdeck.outcome"] == "complete"
    assert spans[call].attributes["gen_ai.provider.name"] == "openai"
    assert spans[call].attributes["gen_ai.usage.output_tokens"] == 4
    assert not any(span.is_error for span in spans.values())


def test_traces_hold_no_text_and_no_key(make_server: MakeServer, upstream: Upstream, collector: FakeCollector) -> None:
    server = traced(make_server, collector).start()
    turn = ask(server, upstream.model(Script(pieces=["canary-answer-77aa"])))
    trace_of(collector, turn, "run")
    everything = b"".join(collector.raw)
    for secret in (CANARY, "canary-answer-77aa", UPSTREAM_KEY, server.key):
        assert secret.encode() not in everything


def test_a_failed_call_is_marked_with_its_code(
    make_server: MakeServer, upstream: Upstream, collector: FakeCollector
) -> None:
    server = traced(make_server, collector).start()
    model = upstream.model(Script(status=401))
    with server.http() as http:
        http.post("/chat_batch", json={"message": "Hi", "model": model, "chatId": "c1"})
        turn = fetch_messages(http, "c1")[-1]["turn"]
    spans = trace_of(collector, turn, "send", "run", f"chat {model.partition('/')[2]}")
    assert spans["run"].is_error
    assert spans["run"].attributes["error.type"] == spans[f"chat {model.partition('/')[2]}"].attributes["error.type"]


async def test_two_processes_that_work_on_a_turn_write_into_one_trace(
    make_server: MakeServer, upstream: Upstream, collector: FakeCollector
) -> None:
    server = traced(make_server, collector).start()
    model = upstream.model(Script(pieces=words(40), delay_s=0.1))
    name = new_name("chat")
    async with open_full(server.port, server.key) as client:
        turn = (await client.send("Hi", id=name, conversation=name, model=model))["turn"]

        async def has_begun() -> bool:
            return len(client.transcript(turn)) > 3 and any(span.name == "send" for span in collector.of_turn(turn))

        await wait_until_async(has_begun, "the answer to begin")
    upstream.change(model, Script(pieces=words(5)))
    server.terminate()
    server.restart()

    def runs() -> list[SeenSpan] | None:
        found = [span for span in collector.of_turn(turn) if span.name == "run"]
        return found if len(found) == 2 else None

    first, second = wait_until(runs, "both processes' spans", 10)
    [sent] = [span for span in collector.of_turn(turn) if span.name == "send"]
    assert first.trace == second.trace == sent.trace
    assert first.parent == second.parent == sent.id
    assert first.attributes["quarterdeck.worker"] != second.attributes["quarterdeck.worker"]
    assert first.attributes["quarterdeck.outcome"] == "handed over"
    assert second.attributes["quarterdeck.continued"] is True


def test_a_collector_that_hangs_slows_no_answer_and_delays_the_end_by_little(
    make_server: MakeServer, upstream: Upstream
) -> None:
    with open_collector(hangs=True) as collector:
        server = traced(make_server, collector).start()
        model = upstream.model(Script())
        for _ in range(5):
            ask(server, model)
        wait_until(lambda: collector.requests > 0, "the collector to be asked")
        ask(server, model)
        _, seconds = server.terminate()
    assert seconds < 8
    assert "crashed" not in server.log_text()


def test_the_standard_variables_are_honoured_also_from_the_dotenv_file(
    make_server: MakeServer, upstream: Upstream, collector: FakeCollector
) -> None:
    server = make_server()
    lines = [f"OTEL_EXPORTER_OTLP_ENDPOINT={collector.endpoint}", "OTEL_SERVICE_NAME=my-chat"]
    (server.work_dir / ".env").write_text("\n".join([*lines, "OTEL_BSP_SCHEDULE_DELAY=100"]))
    turn = ask(server.start(), upstream.model(Script()))
    assert {span.service for span in trace_of(collector, turn, "run").values()} == {"my-chat"}


def test_a_sampler_leaves_out_whole_turns(
    make_server: MakeServer, upstream: Upstream, collector: FakeCollector
) -> None:
    server = traced(
        make_server, collector, OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5"
    ).start()
    model = upstream.model(Script(pieces=["ok"]))
    turns = [ask(server, model) for _ in range(24)]
    server.terminate()  # sends what is left
    kept = [{span.name for span in collector.of_turn(turn)} for turn in turns]
    assert all(names in (set(), {"send", "run"}) for names in kept)
    assert 0 < sum(map(bool, kept)) < len(turns)
