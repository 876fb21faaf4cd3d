"""`WS /chat` for simple clients, to the letter of the protocol: `{message, chatId}` in, four-field frames out."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.conftest import MakeServer
from tests.fakes.script import TAGGED, Script, words
from tests.fakes.serving import as_written
from tests.harness.full_client import new_name
from tests.harness.server import Server
from tests.harness.simple_client import Frame, SimpleClient, entries_of, open_simple
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until
from websockets.asyncio.client import connect

SEED_FRAMES = [("idea", "Whiskers"), ("idea", "Fluffy"), ("message", "Saved them!")]
QUOTES = {
    "double": TAGGED,
    "single": "idea: 'Whiskers'\nidea: 'Fluffy'\nmessage: 'Saved them!'\n",
    "none": "idea: Whiskers\nidea: Fluffy\nmessage: Saved them!\n",
    "block": "idea: |\n  Whiskers\nidea: >-\n  Fluffy\nmessage: |-\n  Saved them!\n",
    "mixed": "idea: 'Whiskers'\nidea: Fluffy\nmessage: \"Saved them!\"",
    "escapes": 'idea: "Wh\\u0069skers"\nidea: "Fluf\\x66y"\nmessage: "Saved\\u0020them!"\n',
    "no newline at the end": TAGGED.rstrip("\n"),
    "carriage returns": TAGGED.replace("\n", "\r\n"),
}


@pytest.fixture
async def client(server: Server) -> AsyncIterator[SimpleClient]:
    async with open_simple(server.port, server.key) as opened:
        yield opened


async def test_the_seed_example_holds_to_the_letter(client: SimpleClient, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=list(TAGGED)))
    assert await client.ask("Hi! Please suggest cat names", "123", assistant="ideas", model=model) == [
        {"tag": "idea", "chunk": "Whiskers", "chatId": "123", "done": True},
        {"tag": "idea", "chunk": "Fluffy", "chatId": "123", "done": True},
        {"tag": "message", "chunk": "Saved them!", "chatId": "123", "done": True},
    ]


@pytest.mark.parametrize("style", QUOTES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
async def test_every_quote_style_in_every_split_gives_the_same_frames(
    client: SimpleClient, upstream: Upstream, style: str, size: int
) -> None:
    text = QUOTES[style]
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    model = upstream.model(Script(pieces=pieces))
    frames = await client.ask("Names", new_name("chat"), assistant="ideas", model=model)
    assert [(frame["tag"], frame["chunk"], frame.get("done")) for frame in frames] == [
        (tag, text, True) for tag, text in SEED_FRAMES
    ]


async def test_quotes_and_escapes_cut_in_two_give_the_exact_text(client: SimpleClient, upstream: Upstream) -> None:
    text = 'idea: "a \\"quoted\\" name"\nmessage: "line one\\nline two: it\'s \\\\ done"\n'
    for cut in range(len(text)):
        model = upstream.model(Script(pieces=[piece for piece in (text[:cut], text[cut:]) if piece]))
        frames = await client.ask("Names", new_name("chat"), assistant="ideas", model=model)
        assert entries_of(frames) == [
            ("idea", 'a "quoted" name'),
            ("message", "line one\nline two: it's \\ done"),
        ], cut


async def test_text_that_does_not_follow_the_format_is_one_message(client: SimpleClient, upstream: Upstream) -> None:
    text = "Sure! Here are some names:\n- Whiskers\n- Fluffy: a classic\n"
    model = upstream.model(Script(pieces=list(text)))
    frames = await client.ask("Names", new_name("chat"), assistant="ideas", model=model)
    assert [(tag, said.strip()) for tag, said in entries_of(frames)] == [("message", text.strip())]


async def test_a_frame_has_the_four_fields_and_done_only_when_it_is_true(
    client: SimpleClient, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(40), delay_s=0.005))
    frames = await client.ask("Hello", "four", model=model)
    assert len(frames) > 3
    assert all(frame.keys() == {"tag", "chunk", "chatId"} for frame in frames[:-1])
    assert frames[-1].keys() == {"tag", "chunk", "chatId", "done"}
    assert frames[-1]["done"] is True


async def test_no_chunk_but_the_last_is_shorter_than_the_minimum(client: SimpleClient, upstream: Upstream) -> None:
    text = "".join(words(50))
    model = upstream.model(Script(pieces=list(text), delay_s=0.002))
    frames = await client.ask("Hello", new_name("chat"), model=model)
    assert "".join(frame["chunk"] for frame in frames) == text
    assert all(len(frame["chunk"]) >= 20 for frame in frames[:-1])
    assert len(frames) > 3


@pytest.mark.parametrize("minimum", [1, 200])
async def test_the_minimum_is_a_setting(make_server: MakeServer, upstream: Upstream, minimum: int) -> None:
    running = make_server(QUARTERDECK_MIN_CHUNK_CHARS=str(minimum)).start()
    text = "".join(words(60))
    model = upstream.model(Script(pieces=list(text), delay_s=0.001))
    async with open_simple(running.port, running.key) as client:
        frames = await client.ask("Hello", "c", model=model)
    assert "".join(frame["chunk"] for frame in frames) == text
    assert all(len(frame["chunk"]) >= minimum for frame in frames[:-1])
    assert any(len(frame["chunk"]) < 20 for frame in frames[:-1]) == (minimum == 1)


async def test_several_chats_interleave_on_one_socket(client: SimpleClient, upstream: Upstream) -> None:
    texts = {f"{new_name('chat')}": "".join(words(30 + number)) for number in range(6)}
    for chat, text in texts.items():
        model = upstream.model(Script(pieces=list(text), delay_s=0.001))
        await client.say({"message": "Go", "chatId": chat, "model": model})
    for chat, text in texts.items():
        assert entries_of(await client.until_over(chat)) == [("message", text)]
    order = [frame["chatId"] for frame in client.frames]
    switches = sum(first != second for first, second in itertools.pairwise(order))
    assert switches > len(texts), "they came one after the other"


async def test_the_same_chat_goes_on_with_what_was_said(
    client: SimpleClient, http: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=["Yes."]))
    chat = new_name("my own chat id / with ünïcode")
    await client.ask("One", chat, model=model)
    await client.ask("Two", chat)
    sent = upstream.requests(model)[1].body["messages"]
    assert [as_written(message["content"]) for message in sent[1:]] == ["One", "Yes.", "Two"]
    page = http.get("/api/conversations", params={"q": "One", "limit": 200}).json()
    assert chat in [found["chat_id"] for found in page["items"]]


async def test_two_messages_at_once_to_one_chat_are_answered_in_their_order(
    client: SimpleClient, upstream: Upstream
) -> None:
    model = upstream.model(Script(echo=True, delay_s=0.005))
    chat = new_name("chat")
    await client.say({"message": "first question", "chatId": chat, "model": model})
    await client.say({"message": "second question", "chatId": chat, "model": model})
    while sum(frame.get("done", False) for frame in client.frames) < 2:
        await client.next()
    assert entries_of(client.of(chat)) == [("message", "first question"), ("message", "second question")]


async def test_ideas_are_stored_and_listed(client: SimpleClient, http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=list(TAGGED)))
    chat = new_name("chat")
    await client.ask("Names", chat, assistant="ideas", model=model)
    listed = http.get("/api/ideas", params={"conversation": chat}).json()["items"]
    assert [idea["text"] for idea in listed] == ["Fluffy", "Whiskers"]


async def test_the_same_id_is_answered_once_and_told_twice(client: SimpleClient, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["Only ", "once."]))
    chat = new_name("chat")
    asked = {"message": "Hi", "chatId": chat, "id": new_name("key"), "model": model}
    await client.say(asked)
    first = await client.until_over(chat)
    client.frames.clear()
    await client.say(asked)
    assert await client.until_over(chat) == first
    assert len(upstream.requests(model)) == 1
    client.frames.clear()
    await client.say(asked | {"message": "Something else"})
    [error] = await client.until_over(chat)
    assert error["tag"] == "error"


@pytest.mark.parametrize("fault", ["cut", "malformed", "empty", "error"])
async def test_a_failed_turn_ends_with_one_error_and_the_socket_stays_open(
    client: SimpleClient, upstream: Upstream, fault: str
) -> None:
    model = upstream.model(Script(pieces=words(10), fault=fault, fault_after=5))  # type: ignore[arg-type]
    chat = new_name("chat")
    frames = await client.ask("Hello", chat, model=model)
    assert frames[-1]["tag"] == "error"
    assert frames[-1]["done"] is True
    assert frames[-1]["chunk"].endswith(".")
    received = "".join(frame["chunk"] for frame in frames[:-1])
    assert received == ("" if fault == "empty" else "".join(words(5)))
    assert sum(frame["tag"] == "error" for frame in frames) == 1
    upstream.change(model, Script(pieces=["Fine."]))
    assert entries_of(await client.ask("Again", chat)) == [("message", "Fine.")]


ODD_FRAMES: list[tuple[str | bytes, str]] = [
    ("", ""),
    ("hello", ""),
    ("{", ""),
    ("null", ""),
    ("[]", ""),
    ("12", ""),
    ('"text"', ""),
    ("{}", ""),
    (b"\x00\xff\xfe", ""),
    (b'{"message": "by bytes, without a chat"}', ""),
    ('{"message": "no chat"}', ""),
    ('{"chatId": "c1"}', "c1"),
    ('{"message": null, "chatId": "c2"}', "c2"),
    ('{"message": 5, "chatId": "c3"}', "c3"),
    ('{"message": ["a"], "chatId": "c4"}', "c4"),
    ('{"message": "m", "chatId": 5}', ""),
    ('{"message": "m", "chatId": null}', ""),
    ('{"message": "m", "chatId": ""}', ""),
    ('{"message": "", "chatId": "c5"}', "c5"),
    ('{"message": " \\n ", "chatId": "c6"}', "c6"),
    ('{"message": "m", "chatId": "c7", "temperature": "warm"}', "c7"),
    ('{"message": "m", "chatId": "c8", "temperature": 7}', "c8"),
    ('{"message": "m", "chatId": "c9", "temperature": -1}', "c9"),
    ('{"message": "m", "chatId": "c10", "model": "nowhere/x"}', "c10"),
    ('{"message": "m", "chatId": "c11", "model": 1}', "c11"),
    ('{"message": "m", "chatId": "c12", "assistant": "nobody"}', "c12"),
    ('{"message": "m", "chatId": "c13", "id": ""}', "c13"),
    ('{"message": "m", "chatId": "c14", "id": 3}', "c14"),
    ('{"message": "a\\u0000b", "chatId": "c15"}', "c15"),
    ('{"message": "\\ud800", "chatId": "c16"}', ""),
    ('{"message": "m", "chatId": "' + "x" * 201 + '"}', "x" * 201),
    ('{"message": "m", "chatId": "c17"} trailing', ""),
    ("[" * 10_000, ""),
]


@pytest.mark.parametrize(("frame", "chat_id"), ODD_FRAMES, ids=range(len(ODD_FRAMES)))
async def test_a_frame_that_is_not_such_an_object_gets_an_error_and_the_socket_stays(
    client: SimpleClient, upstream: Upstream, frame: str | bytes, chat_id: str
) -> None:
    await client.say(frame)
    error = await client.next()
    assert error == {"tag": "error", "chunk": error["chunk"], "chatId": chat_id, "done": True}
    assert error["chunk"]
    assert "\n" not in error["chunk"]
    assert "Traceback" not in error["chunk"]
    after = new_name("chat")
    assert entries_of(await client.ask("Hi", after, model=upstream.model(Script(pieces=["Here."])))) == [
        ("message", "Here.")
    ]


async def test_unknown_fields_are_ignored(client: SimpleClient, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=["ok"]))
    assert entries_of(await client.ask("Hi", new_name("chat"), model=model, mood="sunny")) == [("message", "ok")]


async def test_an_error_comes_between_the_frames_of_a_running_answer(client: SimpleClient, upstream: Upstream) -> None:
    chat = new_name("chat")
    await client.say({"message": "Go", "chatId": chat, "model": upstream.model(Script(pieces=words(50), delay_s=0.01))})
    await client.next()
    await client.say("nonsense")
    assert entries_of(await client.until_over(chat)) == [("message", "".join(words(50)))]
    assert [frame["tag"] for frame in client.of("")] == ["error"]


async def test_reasoning_is_not_told(client: SimpleClient, upstream: Upstream) -> None:
    model = upstream.model(Script(reasoning=["secret ", "thoughts"], pieces=["Aloud."]))
    assert entries_of(await client.ask("Hi", new_name("chat"), model=model)) == [("message", "Aloud.")]


async def test_temperature_and_model_reach_the_provider(client: SimpleClient, upstream: Upstream) -> None:
    model = upstream.model(Script())
    await client.ask("Hi", new_name("chat"), model=model, temperature=0.25)
    assert upstream.requests(model)[0].body["temperature"] == 0.25


async def test_a_turn_goes_on_when_its_client_leaves(server: Server, http: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(pieces=words(20), delay_s=0.02))
    chat = new_name("chat")
    async with open_simple(server.port, server.key) as client:
        await client.say({"message": "Go", "chatId": chat, "model": model})
        await client.next()
    wait_until(lambda: http.get(f"/api/conversations/{chat}").json()["running_turn"] is None, "the end of the turn")
    answer = http.get(f"/api/conversations/{chat}/messages").json()["items"][-1]
    assert (answer["status"], answer["parts"]) == ("complete", [{"kind": "text", "text": "".join(words(20))}])


async def test_an_unknown_subprotocol_is_spoken_to_as_a_simple_client(server: Server, upstream: Upstream) -> None:
    headers = {"Authorization": f"Bearer {server.key}", "Sec-WebSocket-Protocol": "something.else"}
    async with connect(f"ws://127.0.0.1:{server.port}/chat", additional_headers=headers, proxy=None) as socket:
        assert socket.subprotocol is None
        model = upstream.model(Script(pieces=["ok"]))
        await socket.send(json.dumps({"message": "Hi", "chatId": "sub", "model": model}))
        frame: Frame = json.loads(await socket.recv())
        assert (frame["tag"], frame["chunk"]) == ("message", "ok")
