"""A change of a message makes stale what was made of it, on every level, and nothing else."""

from __future__ import annotations

from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.summaries import Source, SummaryRow, find_summary, insert_summary, mark_stale


def add_summary(
    connection: WriteConnection,
    conversation: ConversationRow,
    covered: list[str],
    level: int = 1,
    before: str | None = None,
) -> str:
    """Of messages, or of summaries of the level below."""
    summary = new_id()
    row = SummaryRow(
        id=summary, owner_id=conversation.owner_id, conversation_id=conversation.id, level=level, first_id=covered[0],
        last_id=covered[-1], before_id=before, message_count=len(covered), text="They talked.", tokens=4,
        model="fake/model", created_at=now_ms(),
    )  # fmt: skip
    insert_summary(connection, row, [Source(covered_id) for covered_id in covered])
    return summary


async def test_what_covers_a_changed_message_is_stale_up_to_the_top(database: Database) -> None:
    def make(connection: WriteConnection) -> tuple[str, list[str], list[str]]:
        user = add_user(connection, "ann")
        row = add_conversation(connection, user)
        path = add_path(connection, row, [f"text {number}" for number in range(12)])
        lower = [add_summary(connection, row, path[start : start + 4]) for start in (0, 4, 8)]
        return user, path, [*lower, add_summary(connection, row, lower[:2], level=2)]

    user, path, made = await database.write(make)
    assert await database.write(lambda connection: mark_stale(connection, [path[5]])) == 2
    rows = await database.read(lambda connection: [find_summary(connection, user, summary) for summary in made])
    assert [row is not None and row.stale_at is not None for row in rows] == [False, True, False, True]
    first = rows[1]
    await database.write(lambda connection: mark_stale(connection, [path[5], path[6]]))
    assert first is not None
    again = await database.read(lambda connection: find_summary(connection, user, first.id))
    assert again == first, "when it became stale is not changed by a second change"


async def test_a_message_that_nothing_was_made_of_makes_nothing_stale(database: Database) -> None:
    def make(connection: WriteConnection) -> list[str]:
        row = add_conversation(connection, add_user(connection, "ann"))
        path = add_path(connection, row, ["one", "two", "three", "four"])
        add_summary(connection, row, path[:2])
        return path

    path = await database.write(make)
    assert await database.write(lambda connection: mark_stale(connection, [path[2], "nobody"])) == 0
    assert await database.write(lambda connection: mark_stale(connection, [])) == 0


async def test_many_changed_messages_are_taken_in_pieces(database: Database) -> None:
    def make(connection: WriteConnection) -> list[str]:
        row = add_conversation(connection, add_user(connection, "ann"))
        path = add_path(connection, row, ["one", "two"])
        add_summary(connection, row, path)
        return path

    path = await database.write(make)
    many = [*(f"other-{number}" for number in range(2_000)), path[0]]
    assert await database.write(lambda connection: mark_stale(connection, many)) == 1
