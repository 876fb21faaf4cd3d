"""What a process that died did not write into the index is found by others, and to look for it is cheap."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import event, insert, select, text, update
from tests.unit.store.stored import add_conversation, add_message, add_turn, add_user

from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.domain.ids import least_id, now_ms
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.store.conversations import ConversationRow, update_conversation
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.leases import claim_work, finish_work
from quarterdeck.store.search_missing import WORK, find_missing, index_missing
from quarterdeck.store.tables import leases, messages, search_entries, turns, vectors_due
from quarterdeck.store.vectors import marking

HOUR_MS = 3_600_000


def said(connection: WriteConnection, talk: ConversationRow, words: str = "a narwhal", *, ago_ms: int = 60_000) -> str:
    parts: list[Part] = [TextPart(words)]
    message = add_message(connection, talk, None, "user", parts)
    made = update(messages).where(messages.c.id == message).values(created_at=now_ms() - ago_ms)
    connection.execute(made)
    return message


def aged(message: str, ago_ms: int) -> str:
    """The id that it would have."""
    return least_id(now_ms() - ago_ms)[:10] + message[10:]


def talk_of(connection: WriteConnection, name: str = "ann") -> ConversationRow:
    return add_conversation(connection, add_user(connection, name))


def list_found(connection: AnyConnection) -> set[str]:
    return set(connection.execute(select(search_entries.c.message_id)).scalars())


async def test_what_was_lost_is_found_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "is_on", True)
    talk = await database.write(talk_of)
    lost = {await database.write(partial(said, talk=talk)) for _ in range(130)}
    assert await index_missing(database) == len(lost)
    assert await index_missing(database) == 0
    assert await database.read(list_found) == lost
    due = await database.read(lambda connection: connection.execute(select(vectors_due.c.key_id)).scalars().all())
    assert set(due) == lost


async def test_what_was_said_just_now_is_left_to_who_has_it_unless_nobody_can(database: Database) -> None:
    talk = await database.write(talk_of)
    message = await database.write(partial(said, talk=talk, ago_ms=1_000))
    assert await index_missing(database) == 0
    assert await index_missing(database, wait_s=0.0) == 1
    assert await database.read(list_found) == {message}


async def test_what_may_not_be_found_is_not(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        talk, hidden = talk_of(connection), talk_of(connection, "ben")
        said(connection, talk, "…")
        delete_messages(connection, talk.owner_id, said(connection, talk), "one")
        connection.execute(update(messages).where(messages.c.id == said(connection, talk)).values(status="running"))
        said(connection, hidden)
        update_conversation(connection, hidden.id, {"memory": "private"})

    await database.write(write)
    assert await index_missing(database) == 0
    assert await database.read(list_found) == set()


async def test_an_answer_that_was_begun_long_ago_is_found_by_its_end(database: Database) -> None:
    def write(connection: WriteConnection) -> str:
        """Its id is as old as its beginning."""
        talk = talk_of(connection)
        answer = said(connection, talk, ago_ms=30 * HOUR_MS)
        old = aged(answer, 30 * HOUR_MS)
        ended = {"ended_at": now_ms() - 60_000}
        connection.execute(update(messages).where(messages.c.id == answer).values(id=old, **ended))
        turn = add_turn(connection, talk, status="complete")
        connection.execute(update(turns).where(turns.c.id == turn).values(message_id=old, **ended))
        return old

    answer = await database.write(write)
    assert await index_missing(database) == 1
    assert await database.read(list_found) == {answer}


async def test_it_looks_back_to_when_it_was_done_however_long_that_is_ago(database: Database) -> None:
    """A machine may be off for weeks."""
    talk = await database.write(talk_of)

    def age(connection: WriteConnection) -> str:
        message = said(connection, talk, ago_ms=500 * HOUR_MS)
        old = aged(message, 500 * HOUR_MS)
        connection.execute(update(messages).where(messages.c.id == message).values(id=old))
        return old

    def done(connection: WriteConnection, ago_ms: int) -> None:
        claim_work(connection, WORK, "me", period_ms=0, lease_ms=1)
        finish_work(connection, WORK, "me")
        connection.execute(update(leases).values(done_at=now_ms() - ago_ms))

    old = await database.write(age)
    await database.write(partial(done, ago_ms=60_000))
    assert await index_missing(database) == 0
    await database.write(lambda connection: connection.execute(update(leases).values(done_at=1)) and None)
    assert await index_missing(database) == 1
    assert await database.read(list_found) == {old}


async def test_looking_for_it_reads_the_last_minutes_and_not_all_messages(database: Database) -> None:
    """Of a large table: by the keys of what is new, as the database itself says."""

    def fill(connection: WriteConnection) -> list[str]:
        talk = talk_of(connection)
        rows = [
            {
                "id": f"0{number:025d}", "conversation_id": talk.id, "owner_id": talk.owner_id, "parent_id": None,
                "role": "user", "status": "complete", "parts": "[]", "model": "", "turn_id": "x", "created_at": 1,
            }
            for number in range(20_000)
        ]  # fmt: skip
        connection.execute(insert(messages), rows)
        turn = add_turn(connection, talk, status="complete")
        row = connection.execute(select(turns).where(turns.c.id == turn)).one()
        many = [
            {**row._mapping, "id": f"{number:026d}", "send_key": str(number), "message_id": f"0{number:025d}",
             "ended_at": 1}
            for number in range(20_000)
        ]  # fmt: skip
        connection.execute(insert(turns), many)
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
        return plan_of(connection)

    plan = "\n".join(await database.write(fill)).lower()
    for whole in ("scan messages\n", "scan turns\n", "seq scan on messages", "seq scan on turns"):
        assert whole not in plan + "\n", plan


def plan_of(connection: AnyConnection) -> list[str]:
    """Of the statement that looks for what is missing."""
    how = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    execute, plan = connection.exec_driver_sql, list[str]()

    def explain(conn: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT messages.id"):
            seen.append((statement, parameters))

    seen: list[tuple[str, object]] = []
    event.listen(connection, "before_cursor_execute", explain)
    find_missing(connection, now_ms())
    event.remove(connection, "before_cursor_execute", explain)
    ((statement, parameters),) = seen
    plan += [str(row[-1]) for row in execute(how + statement, parameters).all()]  # type: ignore[arg-type]
    return plan
