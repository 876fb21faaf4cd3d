"""The official `openai` client for Python against `/v1/conversations`, taken at its types."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItem, ConversationItemList
from tests.conftest import MakeServer, Report
from tests.fakes.pictures import PIXEL
from tests.fakes.script import Script, words
from tests.harness.full_client import new_name
from tests.harness.postgres import Databases
from tests.harness.server import Server
from tests.harness.strict_api import Recorder, find_faults
from tests.harness.upstream import Upstream

PICTURE = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"place": "Kiel"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Kiel is wet."}]}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """At the end it looks at all answers: which tests have run in this process is of no matter."""
    recorder = Recorder()
    yield recorder
    faults, _ = _look_at(recorder)
    assert faults == []


def test_a_conversation_is_made_noted_about_and_deleted(client: openai.OpenAI, http: httpx2.Client) -> None:
    made = client.conversations.create(metadata={"topic": "cats"})
    assert made.id.startswith("conv_")
    assert client.conversations.retrieve(made.id) == made
    noted = client.conversations.update(made.id, metadata={"colour": "red"})
    assert (noted.id, noted.metadata, noted.created_at) == (made.id, {"colour": "red"}, made.created_at)
    assert client.conversations.update(made.id, metadata=None).metadata == {}
    assert http.get(f"/api/conversations/{made.id}").status_code == 200
    gone = client.conversations.delete(made.id)
    assert (gone.id, gone.deleted) == (made.id, True)
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(made.id)
    assert http.get(f"/api/conversations/{made.id}").status_code == 404


def test_items_are_kept_and_listed_page_by_page(client: openai.OpenAI) -> None:
    items: Any = [{"role": "user", "content": f"Number {number}"} for number in range(5)]
    made = client.conversations.create(items=items[:2])
    client.conversations.items.create(made.id, items=items[2:])
    oldest_first = list(client.conversations.items.list(made.id, order="asc", limit=2))
    assert [_text(item) for item in oldest_first] == [f"Number {number}" for number in range(5)]
    newest_first = list(client.conversations.items.list(made.id, limit=2))
    assert newest_first == oldest_first[::-1]
    page = client.conversations.items.list(made.id, order="asc", after=_id(oldest_first[1]), limit=2)
    assert ([_id(item) for item in page.data], page.has_more) == ([_id(item) for item in oldest_first[2:4]], True)
    last = client.conversations.items.list(made.id, order="asc", after=_id(oldest_first[3]), limit=2)
    assert ([_id(item) for item in last.data], last.has_more) == ([_id(oldest_first[4])], False)
    with pytest.raises(openai.BadRequestError) as caught:
        client.conversations.items.list(made.id, after="msg_nobody")
    assert caught.value.param == "after"


def test_a_conversation_of_many_messages_is_walked_to_its_end(client: openai.OpenAI) -> None:
    made = client.conversations.create()
    for start in range(0, 120, 20):
        items: Any = [{"role": "user", "content": str(number)} for number in range(start, start + 20)]
        client.conversations.items.create(made.id, items=items)
    for order in ("asc", "desc"):
        numbers = [int(_text(item)) for item in client.conversations.items.list(made.id, order=order, limit=7)]
        assert numbers == sorted(range(120), reverse=order == "desc")


def test_all_kinds_of_items_come_back_as_they_were_given(client: openai.OpenAI) -> None:
    question: Any = {"role": "user", "content": [{"type": "input_text", "text": "Rain?"}, PICTURE]}
    answer: Any = {"role": "assistant", "content": [_said("It rains"), _said(" in Kiel.")]}
    items: Any = [question, THOUGHT, CALL, RESULT, answer, {"role": "assistant", "content": "Anything else?"}]
    made = client.conversations.create()
    created = client.conversations.items.create(made.id, items=items).data
    listed = list(client.conversations.items.list(made.id, order="asc"))
    assert listed == created
    told: list[Any] = [item.to_dict() for item in listed]
    assert [item["type"] for item in told] == [
        "message", "reasoning", "function_call", "function_call_output", "message", "message",
    ]  # fmt: skip
    assert told[0]["content"][1]["image_url"] == PICTURE["image_url"]
    assert told[1]["content"][0]["text"] == "Kiel is wet."
    assert {name: told[2][name] for name in CALL} == CALL
    assert {name: told[3][name] for name in RESULT} == RESULT
    assert [piece["text"] for piece in told[4]["content"]] == ["It rains", " in Kiel."]
    assert told[5]["content"][0]["text"] == "Anything else?"
    for item in listed:
        assert client.conversations.items.retrieve(_id(item), conversation_id=made.id) == item


def test_a_result_finds_its_call_later(client: openai.OpenAI) -> None:
    items: Any = [{"role": "user", "content": "Rain?"}, CALL]
    made = client.conversations.create(items=items)
    result: Any = [RESULT]
    (created,) = client.conversations.items.create(made.id, items=result).data
    assert _id(client.conversations.items.list(made.id).data[0]) == _id(created)
    with pytest.raises(openai.BadRequestError):  # it has its result
        client.conversations.items.create(made.id, items=result)


@pytest.mark.parametrize("place", range(6))
def test_one_item_is_deleted_and_all_others_keep_their_ids(client: openai.OpenAI, place: int) -> None:
    answer: Any = {"role": "assistant", "content": "It rains."}
    items: Any = [
        {"role": "user", "content": "Rain?"},
        THOUGHT,
        CALL,
        RESULT,
        answer,
        {"role": "user", "content": "So?"},
    ]
    made = client.conversations.create(items=items)
    before = list(client.conversations.items.list(made.id, order="asc"))
    assert client.conversations.items.delete(_id(before[place]), conversation_id=made.id).id == made.id
    after = list(client.conversations.items.list(made.id, order="asc"))
    assert after == [item for item in before if item != before[place]]
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.retrieve(_id(before[place]), conversation_id=made.id)


def test_a_response_is_told_by_the_same_ids_as_its_items(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(5), reasoning=["Let me ", "see."]))
    made = client.conversations.create()
    answer = client.responses.create(model=model, input="Hello?", conversation=made.id)
    items = list(client.conversations.items.list(made.id, order="asc"))
    (question,) = client.responses.input_items.list(answer.id).data
    assert [_id(item) for item in items] == [question.id, *map(_id, answer.output)]
    assert [item.to_dict() for item in items[1:]] == [item.to_dict() for item in answer.output]
    assert items[0].to_dict() == question.to_dict()
    assert answer.conversation is not None
    assert answer.conversation.id == made.id


def test_items_are_history_for_the_next_response(
    client: openai.OpenAI, upstream: Upstream, http: httpx2.Client
) -> None:
    model = upstream.model(Script())
    question: Any = {"role": "user", "content": [{"type": "input_text", "text": "The cat is Mia."}, PICTURE]}
    made = client.conversations.create(items=[question, {"role": "assistant", "content": "Noted."}])
    client.responses.create(model=model, input="Her name?", conversation={"id": made.id})
    sent = json.dumps(upstream.requests(model)[0].body["messages"])
    assert sent.index("The cat is Mia.") < sent.index(PIXEL) < sent.index("Noted.") < sent.index("Her name?")
    assert http.get(f"/api/conversations/{made.id}").json()["title"] == "The cat is Mia."
    client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Again?"}], extra_body={"conversation": made.id}
    )
    assert len(list(client.conversations.items.list(made.id))) == 6


def test_a_conversation_of_the_page_has_items_too(client: openai.OpenAI, upstream: Upstream) -> None:
    model, name = upstream.model(Script()), new_name("paged")
    client.responses.create(model=model, input="Hello?", conversation=name)
    told = client.conversations.retrieve(name)
    assert (told.id, told.metadata) == (name, {})
    assert [_text(item) for item in client.conversations.items.list(name, order="asc")] == ["Hello?", "Hello, world!"]


def test_the_same_key_makes_one_conversation(client: openai.OpenAI) -> None:
    key = {"idempotency-key": new_name("key")}
    items: Any = [{"role": "user", "content": "Hello?"}]
    made = client.conversations.create(items=items, extra_headers=key)
    assert client.conversations.create(items=items, extra_headers=key) == made
    assert len(list(client.conversations.items.list(made.id))) == 1
    with pytest.raises(openai.ConflictError):
        client.conversations.create(extra_headers=key)


def test_a_deleted_conversation_is_not_made_again_by_its_name(client: openai.OpenAI, upstream: Upstream) -> None:
    model = upstream.model(Script())
    made = client.conversations.create()
    client.conversations.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=model, input="Hello?", conversation=made.id)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello?"}], extra_body={"conversation": made.id}
        )
    assert upstream.requests(model) == []


def test_what_holds_a_response_alone_is_no_conversation(client: openai.OpenAI, upstream: Upstream) -> None:
    key = new_name("alone")
    client.responses.create(model=upstream.model(Script()), input="Hello?", extra_headers={"idempotency-key": key})
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(f"resp_{key}")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"items": [{"role": "system", "content": "Be brief."}]}, "items[0].role"),
        ({"items": [{"role": "user", "content": ""}]}, "items[0].content"),
        ({"items": [{"type": "web_search_call", "id": "x"}]}, "items[0]"),
        ({"items": [RESULT]}, "items"),
        ({"items": [CALL, CALL]}, "items[1].call_id"),
        ({"items": [{"role": "user", "content": "x"}] * 21}, "items"),
        ({"items": [{"role": "user", "content": "a\x00b"}]}, "items[0]"),
        ({"items": [{"role": "assistant", "content": [PICTURE]}]}, "items[0].content"),
        ({"metadata": {"x": "y" * 513}}, "metadata.x"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
        ({"extra_body": {"colour": "red"}}, "colour"),
    ],
)
def test_errors_are_those_that_the_client_knows(client: openai.OpenAI, given: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.conversations.create(**given)
    assert caught.value.param == param
    assert str(caught.value.body["message"]).endswith(".")


def test_somebody_elses_conversation_is_not_there(client: openai.OpenAI, server: Server, stranger_key: str) -> None:
    items: Any = [{"role": "user", "content": "Mine."}]
    made = client.conversations.create(items=items)
    (item,) = client.conversations.items.list(made.id).data
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=stranger_key, max_retries=0) as stranger:
        own = stranger.conversations.create()
        asks: list[Callable[[], object]] = [
            lambda: stranger.conversations.retrieve(made.id),
            lambda: stranger.conversations.update(made.id, metadata={}),
            lambda: stranger.conversations.delete(made.id),
            lambda: stranger.conversations.items.list(made.id),
            lambda: stranger.conversations.items.create(made.id, items=items),
            lambda: stranger.conversations.items.retrieve(_id(item), conversation_id=made.id),
            lambda: stranger.conversations.items.retrieve(_id(item), conversation_id=own.id),
            lambda: stranger.conversations.items.delete(_id(item), conversation_id=made.id),
            lambda: stranger.conversations.items.delete(_id(item), conversation_id=own.id),
        ]
        for ask in asks:
            with pytest.raises(openai.NotFoundError):
                ask()
    assert [_text(one) for one in client.conversations.items.list(made.id)] == ["Mine."]


def test_on_postgresql_it_is_the_same(make_server: MakeServer, postgres: Databases, upstream: Upstream) -> None:
    server = make_server(QUARTERDECK_DATABASE_URL=postgres.new_database(), QUARTERDECK_DATABASE_POOL="3").start()
    model = upstream.model(Script())
    key = {"idempotency-key": new_name("key")}
    items: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "Rain?"}, PICTURE]},
        THOUGHT,
        CALL,
        RESULT,
    ]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as client:
        made = client.conversations.create(items=items, metadata={"x": "a\x00b"}, extra_headers=key)
        assert client.conversations.create(items=items, metadata={"x": "a\x00b"}, extra_headers=key) == made
        answer = client.responses.create(model=model, input="So?", conversation=made.id)
        listed = list(client.conversations.items.list(made.id, order="asc", limit=2))
        assert list(client.conversations.items.list(made.id, limit=2)) == listed[::-1]
        assert _id(listed[-1]) == _id(answer.output[0])
        client.conversations.items.delete(_id(listed[1]), conversation_id=made.id)
        assert list(client.conversations.items.list(made.id, order="asc")) == [listed[0], *listed[2:]]
        assert client.conversations.delete(made.id).deleted


async def test_the_asynchronous_client_is_served_as_well(server: Server, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(5)))
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as client:
        made = await client.conversations.create(metadata={"from": "a test"})
        async with client.responses.stream(model=model, input="Hello?", conversation=made.id) as stream:
            answer = await stream.get_final_response()
        listed = [item async for item in client.conversations.items.list(made.id, order="asc", limit=1)]
        assert [_text(item) for item in listed] == ["Hello?", "".join(words(5))]
        assert _id(listed[1]) == _id(answer.output[0])
        assert (await client.conversations.delete(made.id)).deleted


def test_no_answer_has_a_shape_that_the_client_does_not_know(
    client: openai.OpenAI, recorder: Recorder, report: Report
) -> None:
    items: Any = [{"role": "user", "content": "Rain?"}, THOUGHT, CALL, RESULT]
    client.conversations.delete(client.conversations.create(items=items).id)
    report("answers of /v1/conversations fit OpenAI's types", *_look_at(recorder))


def _look_at(recorder: Recorder) -> tuple[list[str], int]:
    """What is wrong with the answers so far, and how many there are."""
    faults: list[str] = []
    count = 0
    for answer in recorder.answers:
        if not answer.path.startswith("/v1/conversations"):
            continue
        told = json.loads(answer.body)
        count += 1
        if answer.status != 200:
            faults += [] if set(told["error"]) == {"message", "type", "param", "code"} else [str(told)]
            continue
        parts = answer.path.removeprefix("/v1/conversations").strip("/").split("/")
        expected: Any = Conversation
        if answer.method == "DELETE" and len(parts) == 1:
            expected = ConversationDeletedResource
        elif len(parts) == 2:
            expected = ConversationItemList
        elif len(parts) == 3 and answer.method == "GET":
            expected = ConversationItem
        faults += find_faults(expected, told)
    return faults, count


def _id(item: Any) -> str:
    identifier: str = item.id
    return identifier


def _text(item: Any) -> str:
    return "".join(piece.text for piece in item.content)


def _said(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}
