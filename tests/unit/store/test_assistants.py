"""Assistants and snippets: one's own and the shared ones, on each database; what a plain turn asks for: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, update
from tests.unit.store.stored import add_conversation, add_turn, add_user

from quarterdeck.context.assistants import Speaking, built_in, choose_assistant, find_assistant, speaking_in
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ConflictError, InputError
from quarterdeck.store.assistants import (
    AssistantDraft,
    AssistantRow,
    count_assistants,
    find_assistant_row,
    insert_assistant,
    list_visible_assistants,
    update_assistant,
)
from quarterdeck.store.conversations import KEEP_DELETED_MS
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.purge import purge
from quarterdeck.store.snippets import delete_snippet, insert_snippet, list_snippets, update_snippet
from quarterdeck.store.tables import turns

DRAFT = AssistantDraft(
    name="Pilot", description="Flies", instructions="Speak like a pilot.", model="a/b", temperature=0.5,
    format="tagged", tools=["maps"], starters=["Where to?", 'With "quotes"?'],
)  # fmt: skip


@contextmanager
def counted(connection: AnyConnection) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    raw = connection.execute.__self__  # type: ignore[attr-defined]
    event.listen(raw, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(raw, "before_cursor_execute", note)


async def test_one_reads_what_one_wrote_and_a_list_leaves_the_instructions_out(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        ann = add_user(connection, "ann")
        row = insert_assistant(connection, ann, DRAFT)
        assert find_assistant_row(connection, row.id) == row
        assert list_visible_assistants(connection, ann) == [msgspec.structs.replace(row, instructions="")]
        update_assistant(connection, row.id, {"starters": [], "is_shared": True, "temperature": None})
        changed = msgspec.structs.replace(row, starters=[], is_shared=True, temperature=None)
        assert find_assistant_row(connection, row.id) == changed

    await database.write(write)


async def test_one_sees_ones_own_and_the_shared_ones_and_none_that_is_deleted(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        ann, ben = add_user(connection, "ann"), add_user(connection, "ben")
        own, foreign, shared, gone, gone_too = (
            insert_assistant(connection, owner, DRAFT).id for owner in (ann, ben, ben, ann, ben)
        )
        for assistant in (shared, gone_too):
            update_assistant(connection, assistant, {"is_shared": True})
        for assistant in (gone, gone_too):
            update_assistant(connection, assistant, {"deleted_at": now_ms()})
        assert {row.id for row in list_visible_assistants(connection, ann)} == {own, shared}
        assert {row.id for row in list_visible_assistants(connection, ben)} == {foreign, shared}
        assert count_assistants(connection, ann) == 1
        assert find_assistant(connection, ann, shared).name == "Pilot"
        for nobody in (foreign, gone, gone_too, "nobody"):
            with pytest.raises(InputError):
                find_assistant(connection, ann, nobody)

    await database.write(write)


async def test_one_that_was_deleted_long_ago_is_gone_for_good(database: Database) -> None:
    def write(connection: WriteConnection) -> list[AssistantRow | None]:
        ann = add_user(connection, "ann")
        kept, fresh, old = (insert_assistant(connection, ann, DRAFT).id for _ in range(3))
        update_assistant(connection, fresh, {"deleted_at": now_ms()})
        update_assistant(connection, old, {"deleted_at": now_ms() - KEEP_DELETED_MS - 1})
        purge(connection)
        return [find_assistant_row(connection, assistant) for assistant in (kept, fresh, old)]

    assert [row is None for row in await database.write(write)] == [False, False, True]


async def test_a_plain_turn_asks_for_no_assistant_and_one_with_an_own_one_asks_once(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        ann = add_user(connection, "ann")
        row = insert_assistant(connection, ann, DRAFT)
        plain = add_conversation(connection, ann)
        for identifier, statements in (("", 0), ("ideas", 0), (row.id, 1)):
            conversation = msgspec.structs.replace(plain, assistant=identifier)
            again: dict[str, object] = {"assistant": identifier}
            with counted(connection) as sent:
                speaking_in(connection, conversation)
                assert choose_assistant(connection, conversation, again) == again
            assert len(sent) == statements
        with counted(connection) as sent:
            assert find_assistant(connection, ann, "ideas") == built_in("ideas")
        assert sent == []

    await database.write(write)


async def test_what_is_gone_goes_on_as_it_spoke_last(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        ann = add_user(connection, "ann")
        conversation = msgspec.structs.replace(add_conversation(connection, ann), assistant="gone", instructions="B.")
        assert speaking_in(connection, conversation) == Speaking("", "B.", is_gone=True), "it never spoke"
        turn = add_turn(connection, conversation)
        for said, expected in (("A.\n\nB.", "A.\n\nB."), ("A.", "A.\n\nB."), ("", "B.")):
            connection.execute(update(turns).where(turns.c.id == turn).values(assistant="ideas", instructions=said))
            assert speaking_in(connection, conversation) == Speaking("ideas", expected, is_gone=True)

    await database.write(write)


async def test_a_snippet_belongs_to_one_person_and_its_name_is_given_once(database: Database) -> None:
    def begin(connection: WriteConnection) -> tuple[str, str, str]:
        ann, ben = add_user(connection, "ann"), add_user(connection, "ben")
        insert_snippet(connection, ben, "sum", "Ben's")
        insert_snippet(connection, ann, "a", "first")
        return ann, ben, insert_snippet(connection, ann, "sum", "Ann's").id

    ann, ben, snippet = await database.write(begin)
    with pytest.raises(ConflictError):
        await database.write(lambda connection: insert_snippet(connection, ann, "sum", "again"))
    with pytest.raises(ConflictError):
        await database.write(lambda connection: update_snippet(connection, ann, snippet, {"name": "a"}))
    assert await database.write(lambda connection: update_snippet(connection, ben, snippet, {"text": "x"})) is None
    assert not await database.write(lambda connection: delete_snippet(connection, ben, snippet))
    listed = await database.read(lambda connection: list_snippets(connection, ann))
    assert [(row.name, row.text) for row in listed] == [("a", "first"), ("sum", "Ann's")]
