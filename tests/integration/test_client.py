"""The Python client against a real server, through everything that happens to connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.conftest import MakeServer
from tests.fakes.script import TAGGED, Script, words
from tests.harness.chaos_proxy import ChaosProxy
from tests.harness.server import Server
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until, wait_until_async

from quarterdeck.client import (
    AsyncAnswer,
    AsyncClient,
    BadInputError,
    Client,
    ConflictError,
    NotFoundError,
    NotSignedInError,
    TurnFailedError,
    UnreachableError,
)
from quarterdeck.client.answers import text_of
from quarterdeck.client.documents import Recalled
from quarterdeck.domain.parts import IdeaPart, TextPart

SENTENCE = "".join(words(60))


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url, key=server.key) as opened:
        yield opened


def test_an_answer_streams_and_is_kept(client: Client, upstream: Upstream) -> None:
    answer = client.send("Hello", model=upstream.model(Script(pieces=words(60))))
    pieces = list(answer.texts())
    assert "".join(pieces) == SENTENCE
    assert client.message(answer.message).text == SENTENCE
    assert answer.state.folded().status == "complete"


def test_ideas_come_as_parts(client: Client, upstream: Upstream) -> None:
    folded = client.send("A cat?", model=upstream.model(Script(pieces=list(TAGGED))), assistant="ideas").wait()
    assert folded.parts == [IdeaPart("Whiskers"), IdeaPart("Fluffy"), TextPart("Saved them!")]


def test_a_failed_answer_is_an_error_with_its_code_and_keeps_what_came(client: Client, upstream: Upstream) -> None:
    answer = client.send("Hi", model=upstream.model(Script(pieces=words(10), fault="cut", fault_after=6)))
    told: list[str] = []
    with pytest.raises(TurnFailedError) as raised:
        told.extend(answer.texts())
    assert raised.value.code == "provider_cut"
    assert "".join(told) == "".join(words(6))


def test_a_stopped_answer_keeps_its_text(client: Client, upstream: Upstream) -> None:
    answer = client.send("Go on", model=upstream.model(Script(pieces=words(5), fault="stall", fault_after=5)))
    told = ""
    for text in answer.texts():
        told += text
        if told == "".join(words(5)):
            answer.stop()
    assert answer.state.folded().status == "stopped"
    assert client.message(answer.message).text == told


def test_the_same_id_is_the_same_turn(client: Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    first, second = (client.send("Once", conversation="client-once", id="client-1", model=model) for _ in range(2))
    assert first.turn == second.turn
    first.wait()
    with pytest.raises(ConflictError):
        client.send("Other words", conversation="client-once", id="client-1", model=model)


def test_messages_are_edited_branched_chosen_and_deleted(client: Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    answer = client.send("First", conversation="client-tree", model=model)
    answer.wait()
    accepted = answer.accepted
    assert accepted is not None
    edited = client.edit(accepted.message, "Second", version=1)
    assert (edited.text, edited.version) == ("Second", 2)
    with pytest.raises(ConflictError) as raised:
        client.edit(accepted.message, "Third", version=1)
    assert raised.value.code == "stale_version"
    again = client.retry(answer.message)
    again.wait()
    siblings = client.message(again.message).siblings
    assert siblings is not None
    assert siblings.ids == [answer.message, again.message]
    edited_again = client.edit_and_send(accepted.message, "Fourth", version=2)
    assert text_of(edited_again.wait()) == client.message(edited_again.message).text
    assert client.choose(answer.message).id == answer.message
    assert client.branch(accepted.message, "Beside").text == "Beside"
    deletion = client.delete_message(client.messages("client-tree").items[-1].id)
    assert client.undo_deletion(deletion.id).count == deletion.count
    assert client.fork(answer.message).id != accepted.conversation


def test_what_was_said_is_found_listed_exported_and_counted(client: Client, upstream: Upstream) -> None:
    answer = client.send("The heliotrope question", model=upstream.model(Script()))
    answer.wait()
    assert answer.accepted is not None
    identifier = answer.accepted.conversation
    assert [hit.conversation for hit in client.search("heliotrope").items] == [identifier]
    assert identifier in [one.id for one in client.conversations(limit=200).items]
    assert client.change_conversation(identifier, title="Heliotropes").title == "Heliotropes"
    assert b"heliotrope" in client.export(identifier)
    assert client.context(answer.turn).steps
    assert client.usage().items
    assert "ideas" in [one.id for one in client.assistants().items]
    assert client.models().default
    assert client.me().name
    assert client.ideas(limit=1).next_cursor != ""
    begun = client.begin_import(client.export(identifier), "again.jsonl")
    wait_until(lambda: client.look_at_import(begun.id).status == "complete", "the import")
    client.delete_conversation(identifier)
    with pytest.raises(NotFoundError):
        client.conversation(identifier)


def test_what_is_remembered_is_listed_found_and_forgotten(client: Client, upstream: Upstream) -> None:
    client.send("My bees live in Ljubljana.", model=upstream.model(Script())).wait()
    made = client.add_memory("I keep bees in Ljubljana.", kind="fact")
    assert [one.id for one in client.memories(q="bees").memories] == [made.id]
    found = wait_until(lambda: client.recall("Where are my bees?").hits or None, "what was learned to be indexed")
    assert "Ljubljana" in found[0].text
    client.forget(made.id)
    assert client.memories(q="bees").memories == []


def test_mistakes_are_told_in_a_sentence(server: Server, client: Client) -> None:
    with Client(server.url, key="qd_knobody") as stranger, pytest.raises(NotSignedInError) as raised:
        stranger.me()
    assert raised.value.code == "not_signed_in"
    with pytest.raises(BadInputError):
        client.conversations(limit=0)
    with Client("http://127.0.0.1:1", key="") as nobody, pytest.raises(UnreachableError, match="No server answers"):
        nobody.me()
    for url in ("nowhere", "ftp://host", "http://", "http://[::"):
        with pytest.raises(BadInputError, match="not the address"):
            Client(url, key="")
    with pytest.raises(BadInputError):
        Client(server.url, key="qd_k\n")


async def test_over_connections_that_are_cut_at_random_nothing_is_lost_or_told_twice(
    server: Server, upstream: Upstream
) -> None:
    model = upstream.model(Script(pieces=words(300), delay_s=0.003))
    async with (
        ChaosProxy(server.port, seed=7, cut_after=(900, 4_000)) as proxy,
        AsyncClient(f"http://127.0.0.1:{proxy.port}", key=server.key, patience_s=20) as client,
    ):
        proxy.is_calm = True
        await client.me()
        proxy.is_calm = False
        answers = [await client.send(f"Go on, {number}", model=model) for number in range(3)]
        told = await asyncio.gather(*map(_read, answers))
    assert told == ["".join(words(300))] * 3
    assert proxy.cuts > 3


async def _read(answer: AsyncAnswer) -> str:
    return "".join([text async for text in answer.texts()])


def test_a_server_that_is_killed_and_restarted_is_waited_for(make_server: MakeServer, upstream: Upstream) -> None:
    server = make_server().start()
    model = upstream.model(Script(pieces=words(40), delay_s=0.03))
    with Client(server.url, key=server.key) as client:
        answer = client.send("Go on", model=model)
        told, was_killed = "", False
        for text in answer.texts():
            told += text
            if len(told) > 20 and not was_killed:
                was_killed = True
                server.kill()
                server.launch()
        assert client.message(answer.message).text == told


def test_the_log_may_be_gone(client: Client, upstream: Upstream) -> None:
    answer = client.send("Hello", model=upstream.model(Script()))
    text = text_of(answer.wait())
    late = client.follow(answer.turn, answer=answer.message, after=10_000)  # a cursor that no log can serve
    assert [type(event).__name__ for _, event in late.events()] == ["TurnRestored", "TurnEnded"]
    assert text_of(late.state.folded()) == text


async def test_the_asynchronous_client_does_the_same(server: Server, upstream: Upstream) -> None:
    async with AsyncClient(server.url, key=server.key) as client:
        answer = await client.send("Hello", model=upstream.model(Script(pieces=words(30))))
        assert "".join([text async for text in answer.texts()]) == "".join(words(30))
        assert (await client.message(answer.message)).text == "".join(words(30))
        again = await client.retry(answer.message)
        assert text_of(await again.wait()) == "".join(words(30))
        assert (await client.me()).name


def test_both_clients_have_the_same_words() -> None:
    def public(cls: type) -> set[str]:
        return {name for name in vars(cls) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


async def test_what_is_remembered_is_listed_found_and_forgotten_asynchronously(server: Server) -> None:
    async with AsyncClient(server.url, key=server.key) as client:
        made = await client.add_memory("I keep goats in Maribor.", kind="fact")
        assert [one.id for one in (await client.memories(q="goats")).memories] == [made.id]

        async def find() -> list[Recalled] | None:
            return (await client.recall("Where are my goats?")).hits or None

        assert "Maribor" in (await wait_until_async(find, "what was learned to be indexed"))[0].text
        await client.forget(made.id)
        assert (await client.memories(q="goats")).memories == []
