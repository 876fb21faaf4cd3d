"""A response alone is kept for 30 days, and as long as one that goes on from it."""

from __future__ import annotations

import json
from importlib import import_module

from sqlalchemy import func, select, text, update
from tests.unit.store.stored import add_conversation, add_turn, add_user

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.conversations import find_conversation, update_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.purge import KEEP_RESPONSES_MS, purge
from quarterdeck.store.tables import conversations, turns


def add_response(connection: WriteConnection, user: str, name: str, after: str | None = None, *, days: int) -> str:
    """Made so many days ago; the id of its conversation. `after`: that of the response that it goes on from."""
    talk = add_conversation(connection, user, name)
    add_turn(connection, talk, status="complete")
    answer = select(turns.c.message_id).where(turns.c.conversation_id == after)
    made = {"is_hidden": 1, "updated_at": now_ms() - days * 24 * 3600 * 1000}
    update_conversation(
        connection, talk.id, {**made, "forked_from": connection.execute(answer).scalar() if after else None}
    )
    return talk.id


def purge_all(connection: WriteConnection) -> None:
    while purge(connection):
        pass


async def test_it_ends_with_all_that_belongs_to_it(database: Database) -> None:
    def run(connection: WriteConnection) -> tuple[list[str], int | None]:
        user = add_user(connection, "ann")
        talk = add_conversation(connection, user, "talk")  # of the page: it stays, however old
        update_conversation(connection, talk.id, {"updated_at": 1})
        for number in range(45):  # more than go at once
            add_response(connection, user, f"old {number}", days=31)
        add_response(connection, user, "new", days=29)
        purge_all(connection)
        left = list(connection.execute(select(conversations.c.external_id).order_by(conversations.c.id)).scalars())
        return left, connection.execute(select(func.count()).select_from(turns)).scalar()

    assert await database.write(run) == (["talk", "new"], 1)


async def test_what_is_still_gone_on_from_stays(database: Database) -> None:
    def run(connection: WriteConnection) -> list[bool]:
        user = add_user(connection, "ann")
        first = add_response(connection, user, "first", days=90)
        second = add_response(connection, user, "second", first, days=60)
        third = add_response(connection, user, "third", second, days=1)
        purge_all(connection)
        kept = [find_conversation(connection, user, one) is not None for one in (first, second, third)]
        connection.execute(
            update(conversations)
            .where(conversations.c.id == third)
            .values(updated_at=now_ms() - KEEP_RESPONSES_MS - 60_000)
        )
        purge_all(connection)
        return kept + [find_conversation(connection, user, one) is not None for one in (first, second, third)]

    assert await database.write(run) == [True, True, True, False, False, False]


async def test_responses_of_an_older_version_know_what_they_go_on_from_after_the_upgrade(database: Database) -> None:
    """The statement of the migration, run once more: what was linked by it is linked."""
    migration = import_module("quarterdeck.store.migrations.versions.0012_noted")

    def run(connection: WriteConnection) -> tuple[list[str | None], str]:
        user = add_user(connection, "ann")
        first, second = (add_response(connection, user, name, days=1) for name in ("first", "second"))
        turn_of = {row.conversation_id: row for row in connection.execute(select(turns))}
        for talk, asked in ((first, {"step": {}}), (second, {"step": {}, "previous": turn_of[first].id})):
            connection.execute(update(turns).where(turns.c.conversation_id == talk).values(asked=json.dumps(asked)))
        connection.execute(text(migration._LINK[connection.dialect.name]))
        linked = select(conversations.c.forked_from).order_by(conversations.c.id)
        return list(connection.execute(linked).scalars()), turn_of[first].message_id

    found, answer = await database.write(run)
    assert found == [None, answer]
