"""Conversations, messages and ideas: by their owner only, page by page, deleted with a way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from tests.harness.postgres import Databases
from tests.unit.store.stored import add_conversation, add_path, add_user, open_place, open_store

from quarterdeck.domain.parts import TextPart, plain_text
from quarterdeck.store.conversations import (
    ConversationRow,
    delete_conversation,
    find_conversation,
    insert_conversation,
    restore_conversation,
    update_conversation,
)
from quarterdeck.store.database import Database, ReadConnection, WriteConnection
from quarterdeck.store.ideas import delete_idea, insert_ideas, list_ideas
from quarterdeck.store.listing import Listing, list_conversations, place_of
from quarterdeck.store.messages import find_message, find_owned_message, insert_message, read_path, search_log
from quarterdeck.store.tables import metadata


def all_pages(connection: ReadConnection, owner: str, limit: int) -> list[str]:
    found: list[ConversationRow] = []
    wanted = Listing(owner=owner)
    while page := list_conversations(
        connection, wanted, after=place_of(found[-1], wanted) if found else None, limit=limit
    ):
        found += page
    return [row.id for row in found]


some_times = st.lists(st.integers(0, 5), max_size=12)


@settings(max_examples=25, deadline=None)
@given(times=some_times, limit=st.integers(1, 5))
def test_pages_of_conversations_are_the_whole_list_newest_first_each_once(times: list[int], limit: int) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as raw:
        metadata.create_all(raw)
        check_pages(WriteConnection(raw), times, limit)


@settings(max_examples=15, deadline=None)
@given(times=some_times, limit=st.integers(1, 5))
def test_pages_on_postgresql_are_the_whole_list_newest_first_each_once(
    postgres: Databases, times: list[int], limit: int
) -> None:
    async def check() -> None:
        async with open_place(postgres.shared_database(), 1) as database:
            await database.write(lambda connection: check_pages(connection, times, limit))

    asyncio.run(check())


def check_pages(connection: WriteConnection, times: list[int], limit: int) -> None:
    owner = add_user(connection, "ann")
    made = [add_conversation(connection, owner) for _ in times]
    for row, at in zip(made, times, strict=True):
        update_conversation(connection, row.id, {"updated_at": at})
    expected = sorted(((at, row.id) for row, at in zip(made, times, strict=True)), reverse=True)
    found = all_pages(ReadConnection(connection), owner, limit)
    assert found == [identifier for _, identifier in expected]


async def test_a_conversation_is_found_by_both_its_names_and_by_nobody_else(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, str, ConversationRow]:
        ann, bob = add_user(connection, "ann"), add_user(connection, "bob")
        return ann, bob, add_conversation(connection, ann, "cats")

    ann, bob, row = await database.write(make)

    def find(connection: ReadConnection) -> list[ConversationRow | None]:
        return [find_conversation(connection, user, name) for user in (ann, bob) for name in (row.id, "cats")]

    assert await database.read(find) == [row, row, None, None]
    assert await database.read(lambda connection: all_pages(connection, bob, 10)) == []


async def test_two_people_may_call_their_conversations_the_same(database: Database) -> None:
    def make(connection: WriteConnection) -> list[ConversationRow]:
        return [add_conversation(connection, add_user(connection, name), "cats") for name in ("ann", "bob")]

    for row in await database.write(make):
        owner, identifier = row.owner_id, row.id
        found = await database.read(lambda connection, owner=owner: find_conversation(connection, owner, "cats"))  # type: ignore[misc]
        assert found is not None
        assert found.id == identifier


async def test_a_name_that_is_another_conversations_id_means_that_conversation(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, str, str]:
        ann = add_user(connection, "ann")
        first = add_conversation(connection, ann)
        second = add_conversation(connection, ann, "made up")
        update_conversation(connection, second.id, {"external_id": f"{first.id} "})
        return ann, first.id, second.id

    ann, first, _ = await database.write(make)
    found = await database.read(lambda connection: find_conversation(connection, ann, first))
    assert found is not None
    assert found.id == first


async def test_a_deleted_conversation_is_gone_until_it_is_restored_by_its_owner(database: Database) -> None:
    def make(connection: WriteConnection) -> ConversationRow:
        row = add_conversation(connection, add_user(connection, "ann"), "cats")
        add_path(connection, row, ["one", "two"])
        delete_conversation(connection, row.id)
        return row

    row = await database.write(make)
    assert await database.read(lambda connection: find_conversation(connection, row.owner_id, row.id)) is None
    assert await database.read(lambda connection: all_pages(connection, row.owner_id, 5)) == []
    assert not await database.write(lambda connection: restore_conversation(connection, "somebody else", row.id))
    assert await database.write(lambda connection: restore_conversation(connection, row.owner_id, row.id))
    assert not await database.write(lambda connection: restore_conversation(connection, row.owner_id, row.id))
    restored = await database.read(lambda connection: find_conversation(connection, row.owner_id, "cats"))
    assert restored is not None
    assert restored.tip_id is not None


async def test_a_name_is_free_again_once_its_conversation_is_deleted(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[ConversationRow, ConversationRow]:
        first = add_conversation(connection, add_user(connection, "ann"), "cats")
        delete_conversation(connection, first.id)
        return first, add_conversation(connection, first.owner_id, "cats")

    first, second = await database.write(make)
    assert await database.write(lambda connection: restore_conversation(connection, first.owner_id, first.id))
    found = await database.read(lambda connection: find_conversation(connection, first.owner_id, "cats"))
    assert found is not None
    assert found.id == second.id
    old = await database.read(lambda connection: find_conversation(connection, first.owner_id, first.id))
    assert old is not None
    assert old.id == first.id


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("CAT", ["Cat names"]),
        ("100%", ["100% wool"]),
        ("a_b", ["a_b"]),
        ("%", ["100% wool"]),
        ("dog", []),
        ("nam cat", ["Cat names"]),
        ("  names\tCAT ", ["Cat names"]),
        ("cat dog", []),
        ("wo 0%", ["100% wool"]),
    ],
)
async def test_titles_are_searched_letter_by_letter(database: Database, query: str, found: list[str]) -> None:
    def make(connection: WriteConnection) -> str:
        ann, bob = add_user(connection, "ann"), add_user(connection, "bob")
        for title in ("Cat names", "100% wool", "a_b", "aXb"):
            add_conversation(connection, ann, title=title)
        add_conversation(connection, bob, title="Cat of bob, 100%, a_b")
        return ann

    ann = await database.write(make)
    rows = await database.read(
        lambda connection: list_conversations(connection, Listing(owner=ann, query=query), after=None, limit=9)
    )
    assert [row.title for row in rows] == found


async def test_a_path_comes_newest_first_and_stops_at_the_limit(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, list[str]]:
        row = add_conversation(connection, add_user(connection, "ann"))
        return row.id, add_path(connection, row, [f"text {number}" for number in range(7)])

    conversation, path = await database.write(make)
    whole = await database.read(lambda connection: read_path(connection, conversation, path[-1], 50))
    assert [row.id for row in whole] == path[::-1]
    assert [plain_text(row.parts) for row in whole][:2] == ["text 6", "text 5"]
    middle = await database.read(lambda connection: read_path(connection, conversation, path[4], 3))
    assert [row.id for row in middle] == path[4:1:-1]


async def test_a_path_follows_its_own_branch_and_no_other(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, list[str], str]:
        row = add_conversation(connection, add_user(connection, "ann"))
        path = add_path(connection, row, ["question", "answer", "second question"])
        other = add_path(connection, row, ["elsewhere"])
        return row.id, path, other[0]

    conversation, path, other = await database.write(make)
    rows = await database.read(lambda connection: read_path(connection, conversation, path[-1], 50))
    assert other not in {row.id for row in rows}


async def test_no_message_is_found_through_another_conversation_or_another_owner(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[ConversationRow, ConversationRow, str]:
        mine = add_conversation(connection, add_user(connection, "ann"))
        theirs = add_conversation(connection, add_user(connection, "bob"))
        return mine, theirs, add_path(connection, theirs, ["bob's secret"])[0]

    mine, theirs, message = await database.write(make)
    assert await database.read(lambda connection: read_path(connection, mine.id, message, 10)) == []
    assert await database.read(lambda connection: find_message(connection, mine.id, message)) is None
    assert await database.read(lambda connection: find_owned_message(connection, mine.owner_id, message)) is None
    assert await database.read(lambda connection: find_owned_message(connection, theirs.owner_id, message)) is not None


async def test_the_work_for_a_page_does_not_grow_with_the_conversation(tmp_path: Path) -> None:
    async with open_store(tmp_path) as database:
        conversation = await database.write(
            lambda connection: add_conversation(connection, add_user(connection, "ann"))
        )
        costs = []
        tip: str | None = None
        for _ in range(2):
            texts = [f"text {number}" for number in range(400)]

            def grow(connection: WriteConnection, texts: list[str] = texts) -> list[str]:
                return add_path(connection, conversation, texts)

            path = await database.write(grow)
            if tip is not None:  # the second half stands on the first
                await database.write(_join(path[0], tip))
            tip = path[-1]
            costs.append(await database.read(_cost_of(conversation.id, tip)))
        assert costs[1] <= costs[0] * 1.2


def _cost_of(conversation: str, tip: str) -> Callable[[ReadConnection], int]:
    return lambda connection: _steps_of_a_page(connection, conversation, tip)


def _join(message: str, parent: str) -> Callable[[WriteConnection], object]:
    return lambda connection: connection.exec_driver_sql(
        "UPDATE messages SET parent_id = ? WHERE id = ?", (parent, message)
    )


def _steps_of_a_page(connection: ReadConnection, conversation: str, tip: str) -> int:
    """How many steps of SQLite's machine a page of 20 takes."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.set_progress_handler(count, 1)
    try:
        assert len(read_path(connection, conversation, tip, 20)) == 20
    finally:
        raw.set_progress_handler(None, 0)
    return steps


def add_answer(connection: WriteConnection, row: ConversationRow, message: str) -> None:
    insert_message(
        connection, message=message, conversation=row.id, owner=row.owner_id, parent=None, role="assistant",
        status="complete", parts=[], model="", turn="",
    )  # fmt: skip


async def test_ideas_come_newest_answer_first_and_page_without_holes(database: Database) -> None:
    def make(connection: WriteConnection) -> ConversationRow:
        row = add_conversation(connection, add_user(connection, "ann"))
        for answer, texts in (("m1", ["a", "b", "c"]), ("m2", ["d"]), ("m3", [])):
            add_answer(connection, row, answer)
            insert_ideas(connection, owner=row.owner_id, conversation=row.id, message=answer, texts=texts)
        return row

    row = await database.write(make)

    def page(connection: ReadConnection) -> list[str]:
        found: list[tuple[str, str]] = []
        while more := list_ideas(
            connection, row.owner_id, conversation=None, before=found[-1][0] if found else "", limit=2
        ):
            found += [(idea.id, idea.text) for idea in more]
        return [text for _, text in found]

    assert await database.read(page) == ["d", "c", "b", "a"]  # read backwards: the order of the answers


async def test_ideas_are_their_owners_alone_and_go_with_their_conversation(database: Database) -> None:
    def make(connection: WriteConnection) -> ConversationRow:
        row = add_conversation(connection, add_user(connection, "ann"))
        add_answer(connection, row, "m")
        insert_ideas(connection, owner=row.owner_id, conversation=row.id, message="m", texts=["a", "b"])
        return row

    row = await database.write(make)

    async def texts(owner: str) -> list[str]:
        rows = await database.read(
            lambda connection: list_ideas(connection, owner, conversation=None, before="", limit=9)
        )
        return [idea.text for idea in rows]

    first = (await database.read(lambda c: list_ideas(c, row.owner_id, conversation=row.id, before="", limit=1)))[0]
    assert await texts("somebody else") == []
    assert not await database.write(lambda connection: delete_idea(connection, "somebody else", first.id))
    assert await database.write(lambda connection: delete_idea(connection, row.owner_id, first.id))
    assert not await database.write(lambda connection: delete_idea(connection, row.owner_id, first.id))
    assert await texts(row.owner_id) == ["a"]
    await database.write(lambda connection: delete_conversation(connection, row.id))
    assert await texts(row.owner_id) == []


@pytest.mark.parametrize("word", ["text", "kind"])
async def test_the_search_reads_what_was_said_and_not_how_it_is_stored(database: Database, word: str) -> None:
    def make(connection: WriteConnection) -> ConversationRow:
        row = add_conversation(connection, add_user(connection, "ann"))
        add_path(connection, row, ["the harbour", "an answer", f"a {word} of harbour"])
        return row

    row = await database.write(make)
    found = await database.read(
        lambda connection: search_log(connection, row.owner_id, [word], skip_conversation="", limit=9, among=99)
    )
    assert [quote.parts for quote in found] == [[TextPart(f"a {word} of harbour")]]


async def test_the_search_finds_only_the_owners_own_questions_best_first(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, str]:
        ann, bob = add_user(connection, "ann"), add_user(connection, "bob")
        mine = add_conversation(connection, ann)
        add_path(connection, mine, ["the old harbour", "harbour lamp, says the model", "lamp of the harbour"])
        here = add_conversation(connection, ann)
        add_path(connection, here, ["harbour lamp, asked just now"])
        deleted = add_conversation(connection, ann)
        add_path(connection, deleted, ["harbour lamp, deleted"])
        delete_conversation(connection, deleted.id)
        add_path(connection, add_conversation(connection, bob), ["bob's harbour lamp"])
        return ann, here.id

    ann, here = await database.write(make)
    found = await database.read(
        lambda c: search_log(c, ann, ["harbour", "lamp"], skip_conversation=here, limit=9, among=99)
    )
    assert [plain_text(quote.parts) for quote in found] == ["lamp of the harbour", "the old harbour"]


async def test_conversations_made_at_the_same_moment_are_listed_without_loss(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    rows = await asyncio.gather(
        *(
            database.write(
                lambda connection, n=n: insert_conversation(  # type: ignore[misc]
                    connection, owner=owner, external_id=f"c{n}", title="", model="", assistant="", instructions="",
                    temperature=None,
                )
            )
            for n in range(40)
        )
    )  # fmt: skip
    listed = await database.read(lambda connection: all_pages(connection, owner, 7))
    assert sorted(listed) == sorted(row.id for row in rows)
