"""The summary of a section leads to its messages, when they have no word of the query; on both databases the same."""

from __future__ import annotations

from sqlalchemy import update
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.domain.languages import ENGLISH
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall, Recalled
from quarterdeck.memory.sections import Sections
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.recall_sections import SectionRow
from quarterdeck.store.search import index_messages
from quarterdeck.store.summaries import Source, SummaryRow, insert_summary, mark_stale
from quarterdeck.store.tables import conversations

BOAT = ["The varnish is dry.", "Then the mast can go up.", "And the name on the stern?", "Heron."]
BREAD = ["More rye, less salt.", "Hotter at first, then down."]


def hold_talks(connection: WriteConnection, owner: str) -> dict[str, list[str]]:
    """Two talks with a summary each: their messages, by what they were about."""
    made = {}
    for what, said, text in (
        ("boat", BOAT, "The user restored a sailing dinghy."),
        ("bread", BREAD, "The user improved a recipe for sourdough bread."),
    ):
        row = add_conversation(connection, owner)
        path = made[what] = add_path(connection, row, said)
        index_messages(connection, path)
        summary = SummaryRow(
            id=new_id(), owner_id=owner, conversation_id=row.id, level=1, first_id=path[0], last_id=path[-1],
            before_id=None, message_count=len(path), text=text, tokens=9, model="fake/model", created_at=now_ms(),
        )  # fmt: skip
        insert_summary(connection, summary, [Source(message) for message in path])
    return made


async def recall(database: Database, owner: str, text: str) -> list[Recalled]:
    return await Recall(database).find(Query(owner=owner, text=text, now=now_ms()))


async def test_a_section_is_found_by_its_summary_and_by_nobody_else(database: Database) -> None:
    ann = await database.write(lambda connection: add_user(connection, "ann"))
    ben = await database.write(lambda connection: add_user(connection, "ben"))
    made = await database.write(lambda connection: hold_talks(connection, ann))
    found = await recall(database, ann, "How far is the dinghy?")
    assert {one.id for one in found} == set(made["boat"])
    assert all(one.signals["summary"] > 0 for one in found)
    assert await recall(database, ben, "How far is the dinghy?") == []


async def test_what_is_stale_or_not_remembered_leads_nowhere(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    made = await database.write(lambda connection: hold_talks(connection, owner))
    await database.write(lambda connection: mark_stale(connection, made["boat"][:1]))
    assert await recall(database, owner, "dinghy") == []

    def keep_out(connection: WriteConnection) -> None:
        connection.execute(update(conversations).values(memory="off"))

    assert await recall(database, owner, "sourdough")
    await database.write(keep_out)
    assert await recall(database, owner, "sourdough") == []


def test_a_section_counts_by_the_share_of_the_query_that_its_summary_has() -> None:
    weights = {"boat": 2.0, "red": 1.0, "blue": 1.0}
    rows = [SectionRow("all", "red boat blue"), SectionRow("most", "boat"), SectionRow("little", "blue sky over it")]
    best = Sections(rows).best(weights, ENGLISH)
    assert list(best) == ["all", "most"], "what fits less than half as well as the best is about something else"
    assert best["all"] > 0.9 > best["most"] > 0.4
    assert Sections(rows).best({"moon": 3.0}, ENGLISH) == {}
    assert Sections([]).best(weights, ENGLISH) == {}
