"""What ranking needs of a message stands with its entry; without it, recall finds the same by the messages."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Connection, func, insert, select, update
from tests.unit.store.stored import add_conversation, add_message, add_user

from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.memory import finding
from quarterdeck.memory.finding import Finding
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall, Recalled
from quarterdeck.store import recall_find
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.recall_candidates import read_candidates
from quarterdeck.store.search import NewEntry, index_messages, index_new, index_said, made_entries
from quarterdeck.store.standing import ASKS, LEFT_OUT, SAYS, bring_up_to_date
from quarterdeck.store.tables import changed_messages, messages, search_entries

TALK = (
    ("user", "", "Where did the oak stairs of Ida go?"),
    ("assistant", "", "To a house in Porto, says Ida."),
    ("user", "Ida Maria", "Oak is what I like, and ash."),
    ("assistant", "builtin/log-reader", "You wrote: oak stairs."),
    ("user", "", "Les escaliers, où sont-ils？"),
    ("user", "", "The parcel with the oak came in May."),
    ("assistant", "", "Good to hear."),
    ("user", "", "Oak, oak and oak."),
)
STANDINGS = [ASKS, SAYS, SAYS, LEFT_OUT, ASKS, SAYS, SAYS, SAYS]
LENGTHS = [3, 3, 3, 3, 5, 3, 2, 3]
QUESTIONS = ("Oak stairs", "What did Ida Maria say of ash?", "When did the oak come?", "porto", "oak")


def hold_talk(connection: WriteConnection, owner: str) -> list[str]:
    """The messages."""
    conversation = add_conversation(connection, owner)
    parent, said, start = None, list[str](), now_ms() - 1_000_000
    for number, (role, who, sentence) in enumerate(TALK):
        model, speaker = (who, "") if role == "assistant" else ("", who)
        parent = add_message(connection, conversation, parent, role, [TextPart(sentence)])
        values = {"created_at": start + number * 10_000, "model": model, "speaker": speaker}
        connection.execute(update(messages).where(messages.c.id == parent).values(values))
        said.append(parent)
    index_messages(connection, said)
    return said


def list_standings(connection: Connection) -> list[tuple[int | None, int | None]]:
    wanted = select(search_entries.c.standing, search_entries.c.length).order_by(search_entries.c.id)
    return [(row.standing, row.length) for row in connection.execute(wanted)]


def take_standings(connection: WriteConnection, every: int = 1) -> None:
    """As a process of an older version leaves entries."""
    is_one = search_entries.c.id.in_(
        [one for at, one in enumerate(connection.execute(select(search_entries.c.id)).scalars()) if at % every == 0]
    )
    connection.execute(update(search_entries).where(is_one).values(standing=None, length=None))


async def ask(database: Database, owner: str, **filters: object) -> list[list[Recalled]]:
    recall = Recall(database)
    now = now_ms() // 100_000 * 100_000
    asked = [Query(owner=owner, text=text, now=now, **filters) for text in QUESTIONS]  # type: ignore[arg-type]
    return [await recall.find(query) for query in asked]


async def test_an_entry_says_how_long_its_message_is_and_whether_it_asks(database: Database) -> None:
    owner = await database.write(partial(add_user, name="ann"))
    await database.write(lambda connection: hold_talk(connection, owner))
    assert await database.read(list_standings) == list(zip(STANDINGS, LENGTHS, strict=True))


@pytest.mark.parametrize("every", [1, 2])
async def test_what_an_older_version_wrote_is_found_as_well_until_a_job_has_looked_at_it(
    database: Database, every: int
) -> None:
    owner = await database.write(partial(add_user, name="ann"))
    await database.write(lambda connection: hold_talk(connection, owner))
    before, standings = await ask(database, owner), await database.read(list_standings)
    assert all(before)
    await database.write(lambda connection: take_standings(connection, every))
    assert await ask(database, owner) == before
    await bring_up_to_date(database)
    assert await database.read(list_standings) == standings
    assert await ask(database, owner) == before


@pytest.mark.parametrize("most", [2, 4_000])
async def test_to_read_the_words_of_all_candidates_would_change_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    owner = await database.write(partial(add_user, name="ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    middle = await database.read(
        lambda connection: connection.execute(select(messages.c.created_at).where(messages.c.id == said[4])).scalar()
    )
    for module in (recall_find, finding):
        monkeypatch.setattr(module, "MOST_IN_A_LIST", most)
    times = {"since the middle": {"after": middle}, "until then": {"before": middle}, "ever": {}}
    found = {name: await ask(database, owner, **given) for name, given in times.items()}
    monkeypatch.setattr(Finding, "_having", lambda self, entries: dict.fromkeys(entries, self._lists.keys()))
    assert {name: await ask(database, owner, **given) for name, given in times.items()} == found


async def test_what_is_deleted_and_still_has_an_entry_is_no_candidate(database: Database) -> None:
    owner = await database.write(partial(add_user, name="ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))

    def remove(connection: WriteConnection) -> None:
        connection.execute(update(messages).where(messages.c.id.in_(said[:2])).values(deleted_at=now_ms()))
        connection.execute(insert(changed_messages), [{"message_id": one, "owner_id": owner} for one in said[:3]])

    def list_candidates(connection: AnyConnection) -> list[str]:
        entries = list(connection.execute(select(search_entries.c.id)).scalars())
        return [row.message_id for row in read_candidates(connection, owner, entries, [])]

    await database.write(remove)
    assert await database.read(list_candidates) == [said[2], *said[4:]], "the third was changed and is there"


async def test_what_has_gone_since_is_not_shown_whatever_its_entry_says(database: Database) -> None:
    owner = await database.write(partial(add_user, name="ann"))
    said = await database.write(lambda connection: hold_talk(connection, owner))
    gone = update(messages).where(messages.c.id != said[6]).values(deleted_at=now_ms())
    await database.write(lambda connection: connection.execute(gone) and None)
    assert {one.id for found in await ask(database, owner, k=1) for one in found} == {said[6]}, "beside what is gone"


async def test_new_and_complete_messages_have_one_at_once(database: Database) -> None:
    def write(connection: WriteConnection) -> None:
        conversation = add_conversation(connection, add_user(connection, "ann"))
        for text, is_said in (("Who made the stairs?", True), ("Ida did.", False)):
            message = add_message(connection, conversation, None, "user", [TextPart(text)])
            parts: list[Part] = [TextPart(text)]
            entry = NewEntry(message, conversation.owner_id, conversation.id, "user", "", now_ms(), parts)
            index_said(connection, made_entries([entry])) if is_said else index_new(connection, [entry])

    await database.write(write)
    assert sorted(await database.read(list_standings)) == [(SAYS, 1), (ASKS, 2)]


async def test_to_look_at_an_entry_leaves_the_index_of_words_alone(database: Database) -> None:
    owner = await database.write(partial(add_user, name="ann"))
    await database.write(lambda connection: hold_talk(connection, owner))

    def changes_of_a_standing(connection: WriteConnection) -> int:
        if connection.dialect.name != "sqlite":
            return connection.execute(update(search_entries).values(standing=SAYS)).rowcount
        before = connection.execute(select(func.total_changes())).scalar_one()
        connection.execute(update(search_entries).values(standing=SAYS))
        return int(connection.execute(select(func.total_changes())).scalar_one()) - int(before)

    assert await database.write(changes_of_a_standing) == len(TALK)
