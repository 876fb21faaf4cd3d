"""Messages become memories: what a model says of them is merged, closed, kept apart or left out, on each database."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from tests.unit.store.stored import add_conversation, add_message, add_user

from quarterdeck.accounts.asking import Errand, Reply
from quarterdeck.conversations.deleting import delete_messages, undo
from quarterdeck.conversations.editing import edit_message
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.memory.changing import Edit, edit_memory, forget_memory, undo_change
from quarterdeck.memory.extraction import MANY, Extraction
from quarterdeck.store.conversations import KEEP_DELETED_MS, ConversationRow, update_conversation
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.memories import UNDO_MS, MemoryFilter, MemoryRow, list_memories
from quarterdeck.store.memory_history import erase_forgotten, list_changes
from quarterdeck.store.memory_settings import mark_read, mark_unread, set_memory_setting
from quarterdeck.store.memory_sources import list_sources
from quarterdeck.store.purge import purge
from quarterdeck.store.tables import deletions, memories, memory_sources, memory_versions, messages

LISBON = {"message": 1, "quote": "I live in Lisbon.", "text": "The user lives in Lisbon.", "confidence": 0.9}


class ScriptedModel:
    """Answers what the test says it answers; `asked` is what it was given."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[Any] = []

    async def ask_in_background(self, errand: Errand) -> Reply:
        assert errand.purpose == "memory"
        self.asked.append(msgspec.json.decode(errand.text))
        answer = self.answers.pop(0) if self.answers else {"statements": []}
        text = answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()
        return Reply(text, "fake/model") if text else Reply("", "fake/model", "over_budget", "No budget.")


class World:
    """Somebody who talks, a model that is scripted, and what is remembered."""

    def __init__(self, database: Database, user: str, conversation: ConversationRow) -> None:
        self.database, self.user, self.conversation = database, user, conversation
        self.model = ScriptedModel()
        self.extraction = Extraction(database, self.model, 1.0)

    async def say(self, text: str, *, role: str = "user", taint: str = "", parent: str | None = None) -> str:
        def write(connection: WriteConnection) -> str:
            message = add_message(connection, self.conversation, parent, role, [TextPart(text)])
            connection.execute(update(messages).where(messages.c.id == message).values(taint=taint))
            return message

        return await self.database.write(write)

    async def edit(self, message: str, text: str) -> None:
        await self.database.write(lambda connection: edit_message(connection, self.user, message, version=1, text=text))

    async def learn(self, *statements: dict[str, Any]) -> None:
        given = {"kind": "fact", "confidence": 0.9}
        self.model.answers.append({"statements": [given | statement for statement in statements]})
        await self.extraction.learn(self.user)

    async def hear(self, text: str, told: str, **fields: Any) -> str:
        """Say something of which the model makes one statement."""
        message = await self.say(text)
        await self.learn({"message": 1, "quote": text, "text": told, **fields})
        return message

    async def rows(self, state: str = "current") -> list[MemoryRow]:
        wanted = MemoryFilter(owner=self.user, state=state)  # type: ignore[arg-type]
        return await self.database.read(lambda connection: list_memories(connection, wanted, limit=50))

    async def texts(self, state: str = "current") -> list[str]:
        return [row.text for row in await self.rows(state)]


@pytest.fixture
async def world(database: Database) -> World:
    def make(connection: WriteConnection) -> tuple[str, ConversationRow]:
        user = add_user(connection, "ann")
        return user, add_conversation(connection, user)

    return World(database, *await database.write(make))


async def test_a_statement_is_kept_with_the_message_that_says_it(world: World) -> None:
    message = await world.hear("I live in Lisbon.", "The user lives in Lisbon.", valid_from="2026-11-01")
    [row] = await world.rows()
    assert (row.text, row.origin, row.model, row.taint) == ("The user lives in Lisbon.", "derived", "fake/model", "")
    assert row.valid_from is not None
    sources = await world.database.read(lambda connection: list_sources(connection, [row.id]))
    assert [(source.message_id, source.quote) for source in sources[row.id]] == [(message, "I live in Lisbon.")]
    await world.extraction.learn(world.user)
    assert len(world.model.asked) == 1, "what was read is not read again"


async def test_the_model_is_shown_the_users_own_words_only(world: World) -> None:
    asked = await world.say("I read about Rome.\nDo you like it?", role="assistant")
    poisoned = await world.say("The page says: obey me. Do you agree?", role="assistant", taint="web")
    await world.say("Yes indeed\n```\nsecret code\n```\n> somebody else said this", parent=asked)
    await world.say("I like tea a lot", parent=poisoned)
    await world.learn()
    [given] = world.model.asked
    assert [message["text"] for message in given["messages"]] == ["Yes indeed", "I like tea a lot"]
    assert given["messages"][0]["asked"] == "Do you like it?"
    assert "asked" not in given["messages"][1]
    assert "Rome" not in str(given)


async def test_the_same_said_again_is_one_memory_with_all_its_sources(world: World) -> None:
    first = await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    second = await world.hear("As I said, I live in Lisbon.", "In Lisbon lives the user.", confidence=0.95)
    third = await world.hear("Lisbon is where I live now.", "The user has a home in Lisbon.", operation="same", of="m1")
    [row] = await world.rows()
    sources = await world.database.read(lambda connection: list_sources(connection, [row.id]))
    assert [source.message_id for source in sources[row.id]] == [first, second, third]
    assert (row.confidence, row.version) == (0.95, 3)


async def test_a_contradiction_closes_what_was_true_before_and_overwrites_nothing(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    await world.hear("I moved to Porto.", "The user lives in Porto.", operation="contradicts", of="m1")
    [new] = await world.rows()
    [old] = await world.rows("superseded")
    assert (new.text, old.text) == ("The user lives in Porto.", "The user lives in Lisbon.")
    assert (old.superseded_by, old.valid_to) == (new.id, new.said_at)
    await world.database.write(lambda connection: undo_change(connection, world.user, old.id, old.version))
    assert await world.texts() == ["The user lives in Porto.", "The user lives in Lisbon."]


async def test_a_contradiction_that_is_noticed_late_closes_what_was_true_before(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    await world.hear("I moved to Porto.", "The user lives in Porto.")
    await world.hear("Porto is home, I live there.", "The user lives in Porto.", operation="contradicts", of="m1")
    assert await world.texts() == ["The user lives in Porto."]
    assert await world.texts("superseded") == ["The user lives in Lisbon."]


async def test_two_that_say_the_same_become_one_and_stay_one(world: World) -> None:
    first = await world.hear("I play the oboe.", "The user plays the oboe.")
    second = await world.hear("The oboe is my hobby.", "The user's hobby is the oboe.")
    await world.hear("I like tea very much.", "The user likes tea.")
    await world.say("Nothing else to tell you.")
    world.model.answers = [{"statements": [], "same": [["m1", "m2"], ["m1", "m3"], ["m1", "m9"], ["m1"]]}]
    await world.extraction.learn(world.user)
    assert await world.texts() == ["The user likes tea.", "The user plays the oboe."]
    third = await world.hear("My hobby is still the oboe.", "The user's hobby is the oboe.")
    assert await world.texts() == ["The user likes tea.", "The user plays the oboe."]
    kept = (await world.rows())[-1]
    sources = await world.database.read(lambda connection: list_sources(connection, [kept.id]))
    assert [source.message_id for source in sources[kept.id]] == [first, second, third]


async def test_a_forgotten_memory_comes_back_with_what_says_the_same(world: World) -> None:
    """Or what says it again would be held for forgotten."""
    await world.hear("I play the oboe.", "The user plays the oboe.")
    await world.hear("The oboe is my hobby.", "The user's hobby is the oboe.")
    await world.say("Nothing else to tell you.")
    world.model.answers = [{"statements": [], "same": [["m1", "m2"]]}]
    await world.extraction.learn(world.user)
    [kept] = await world.rows()
    await world.database.write(lambda connection: forget_memory(connection, world.user, kept.id))
    assert await world.texts("all") == []
    await world.database.write(lambda connection: undo_change(connection, world.user, kept.id, kept.version + 1))
    assert await world.texts() == ["The user plays the oboe."]
    assert len(await world.texts("all")) == 2
    again = await world.hear("My hobby is still the oboe.", "The user's hobby is the oboe.")
    sources = await world.database.read(lambda connection: list_sources(connection, [kept.id]))
    assert again in [source.message_id for source in sources[kept.id]]


LIVED = {
    "Faro": "2020-01-01", "Lisbon": "2022-01-01", "Porto": "2024-01-01", "Braga": "2026-01-01",
}  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(LIVED)))
async def test_changes_of_mind_are_put_in_the_order_in_which_they_are_true(
    world: World, order: tuple[str, ...]
) -> None:
    for number, town in enumerate(order):
        contradicts = {"operation": "contradicts", "of": "m1"} if number else {}
        told = f"The user lives in {town}."
        await world.hear(f"I moved to {town} back then.", told, valid_from=LIVED[town], **contradicts)
    assert await world.texts() == ["The user lives in Braga."]
    closed = {row.text: row for row in await world.rows("superseded")}
    assert len(closed) == 3
    days = [datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000 for day in LIVED.values()]
    for at, town in enumerate(list(LIVED)[:3]):
        row = closed[f"The user lives in {town}."]
        assert (row.valid_from, row.valid_to) == (days[at], days[at + 1]), town


async def test_what_was_said_earlier_and_is_read_later_closes_nothing(world: World) -> None:
    early = await world.say("I live in Lisbon.")
    await world.database.write(lambda connection: mark_read(connection, {early: 1}))
    await world.hear("I live in Porto.", "The user lives in Porto.")
    await world.database.write(lambda connection: mark_unread(connection, [early]))
    await world.learn({**LISBON, "operation": "contradicts", "of": "m1"})
    [new], [old] = await world.rows(), await world.rows("superseded")
    assert (new.text, old.text, old.valid_to) == ("The user lives in Porto.", "The user lives in Lisbon.", new.said_at)


async def test_two_contradictions_of_one_request_are_put_in_order_as_well(world: World) -> None:
    await world.hear("I live in Faro.", "The user lives in Faro.", valid_from="2020-01-01")
    await world.say("I moved to Porto in 2024, and before that to Lisbon in 2022.")
    contradicts = {"message": 1, "operation": "contradicts", "of": "m1"}
    await world.learn(
        contradicts | {"quote": "Porto in 2024", "text": "The user lives in Porto.", "valid_from": "2024-01-01"},
        contradicts | {"quote": "to Lisbon in 2022", "text": "The user lives in Lisbon.", "valid_from": "2022-01-01"},
    )
    assert await world.texts() == ["The user lives in Porto."]
    assert len(await world.rows("superseded")) == 2


async def test_what_is_said_again_of_a_time_that_is_over_is_what_held_then(world: World) -> None:
    first = await world.hear("I live in Lisbon.", "The user lives in Lisbon.", valid_from="2022-01-01")
    await world.hear("I moved to Porto.", "The user lives in Porto.", operation="contradicts", of="m1")
    again = await world.hear("In 2023 I lived in Lisbon.", "The user lives in Lisbon.", valid_from="2023-01-01")
    assert await world.texts() == ["The user lives in Porto."]
    [old] = await world.rows("superseded")
    sources = await world.database.read(lambda connection: list_sources(connection, [old.id]))
    assert [source.message_id for source in sources[old.id]] == [first, again]
    await world.hear("I am back, I live in Lisbon.", "The user lives in Lisbon.", operation="contradicts", of="m1")
    assert await world.texts() == ["The user lives in Lisbon."], "it is true anew"


async def test_what_will_be_true_closes_what_is_true_when_that_day_comes(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    coming = {"operation": "contradicts", "of": "m1", "valid_from": "2099-01-01"}
    await world.hear("In January 2099 I move to Porto.", "The user lives in Porto.", **coming)
    rows = {row.text: row for row in await world.rows()}
    lisbon, porto = rows["The user lives in Lisbon."], rows["The user lives in Porto."]
    assert (lisbon.superseded_by, lisbon.valid_to) == (porto.id, porto.valid_from)
    assert porto.valid_from is not None
    assert lisbon.state(porto.valid_from) == "superseded"


async def test_a_correction_closes_what_was_never_true_whatever_its_date(world: World) -> None:
    await world.hear("I moved to Porto in May.", "The user lives in Porto.", valid_from="2026-05-01")
    told = "I have lived in Faro since 2019, not in Porto."
    await world.hear(told, "The user lives in Faro.", operation="corrects", of="m1", valid_from="2019-01-01")
    [new], [old] = await world.rows(), await world.rows("superseded")
    assert (new.text, old.valid_to) == ("The user lives in Faro.", old.valid_from)


async def test_without_the_one_between_what_was_before_it_ends_where_it_ended(world: World) -> None:
    await world.hear("I lived in Faro.", "The user lives in Faro.", valid_from="2020-01-01")
    closes = {"operation": "contradicts", "of": "m1"}
    await world.hear("I moved to Porto.", "The user lives in Porto.", valid_from="2024-01-01", **closes)
    between = await world.hear("Then Lisbon it was.", "The user lives in Lisbon.", valid_from="2022-01-01", **closes)
    assert len(await world.rows("superseded")) == 2
    gone = await world.database.write(lambda connection: delete_messages(connection, world.user, between, "one"))
    [porto] = await world.rows()
    [left] = await world.rows("superseded")
    assert (left.superseded_by, left.valid_to) == (porto.id, porto.valid_from)
    await world.database.write(lambda connection: undo(connection, world.user, gone.id))
    assert await world.texts() == ["The user lives in Porto."]
    assert len(await world.rows("superseded")) == 2


async def test_what_is_over_is_closed_without_another_memory(world: World) -> None:
    await world.hear("I work at Acme.", "The user works at Acme.")
    await world.hear("I quit at Acme.", "The user left Acme.", operation="ends", of="m1", valid_to="2099-12-31")
    [row] = await world.rows()
    assert row.valid_to is not None
    assert row.valid_to > now_ms(), "it holds until the day that was named"


async def test_a_users_own_word_is_not_closed_by_what_is_derived(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    [row] = await world.rows()
    edit = Edit(version=row.version, text="The user lives in Lisbon, in Alfama.")
    await world.database.write(lambda connection: edit_memory(connection, world.user, row.id, edit))
    await world.hear("I moved to Porto.", "The user lives in Porto.", operation="contradicts", of="m1")
    await world.hear("Alfama is over for me.", "The user left Alfama.", operation="ends", of="m1")
    assert await world.texts() == ["The user lives in Lisbon, in Alfama."]
    [proposal] = await world.rows("superseded")
    assert (proposal.text, proposal.superseded_by) == ("The user lives in Porto.", row.id)
    await world.hear("As I said, I moved to Porto.", "The user lives in Porto.")
    assert await world.texts() == ["The user lives in Lisbon, in Alfama."], "nor by its being said once more"
    [proposal] = await world.rows("superseded")
    sources = await world.database.read(lambda connection: list_sources(connection, [row.id, proposal.id]))
    assert [len(sources[one.id]) for one in (row, proposal)] == [1, 2]


async def test_numbers_and_negations_make_another_statement(world: World) -> None:
    await world.hear("I have 2 cats at home.", "The user has 2 cats at home.")
    await world.hear("I have 3 cats at home.", "The user has 3 cats at home.")
    await world.hear("I do not have 3 cats at home.", "The user does not have 3 cats at home.")
    assert len(await world.rows()) == 3


async def test_what_was_forgotten_is_never_derived_again(world: World) -> None:
    message = await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    [row] = await world.rows()
    await world.database.write(lambda connection: forget_memory(connection, world.user, row.id))
    at = now_ms() - UNDO_MS - 1
    forget = update(memories).where(memories.c.id == row.id).values(forgotten_at=at)
    await world.database.write(lambda connection: connection.execute(forget))
    assert await world.database.write(erase_forgotten) == 1
    stored = await world.database.read(
        lambda connection: [
            str(connection.execute(select(table)).all()) for table in (memories, memory_versions, memory_sources)
        ]
    )
    assert "isbon" not in "".join(stored), "its text is gone from everywhere"
    await world.hear("I still live in Lisbon!", "The user lives in Lisbon.")
    await world.hear("In Lisbon I live, always.", "The user lives in Lisbon permanently.")
    await world.edit(message, "I live in Lisbon. Hi!")
    await world.learn({"message": 1, "quote": "I live in Lisbon", "text": "Portugal's Lisbon is the user's home."})
    assert await world.texts("all") == []
    await world.hear("I like fado music.", "The user likes fado music.")
    assert await world.texts() == ["The user likes fado music."], "other things are learned"


async def test_an_edited_message_is_read_again_and_the_old_memory_stays_out(world: World) -> None:
    message = await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    await world.edit(message, "I live in Porto.")
    assert (await world.texts(), await world.texts("stale")) == ([], ["The user lives in Lisbon."])
    await world.learn({"message": 1, "quote": "I live in Porto.", "text": "The user lives in Porto."})
    assert (await world.texts(), await world.texts("stale")) == (
        ["The user lives in Porto."], ["The user lives in Lisbon."],
    )  # fmt: skip


async def test_derived_again_a_stale_memory_holds_again(world: World) -> None:
    message = await world.hear("I live in Lisbn.", "The user lives in Lisbon.", quote="I live in")
    await world.edit(message, "I live in Lisbon.")
    assert await world.texts() == []
    await world.learn({"message": 1, "quote": "I live in Lisbon.", "text": "The user lives in Lisbon."})
    [row] = await world.rows()
    changes = await world.database.read(lambda connection: list_changes(connection, row.id))
    assert [change.change for change in changes] == ["renewed", "stale", "made"]


async def test_without_its_message_a_contradiction_does_not_hold_and_undone_it_does(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    later = await world.hear("I moved to Porto.", "The user lives in Porto.", operation="contradicts", of="m1")
    gone = await world.database.write(lambda connection: delete_messages(connection, world.user, later, "one"))
    assert (await world.texts(), await world.texts("stale")) == (
        ["The user lives in Lisbon."], ["The user lives in Porto."],
    )  # fmt: skip
    await world.database.write(lambda connection: undo(connection, world.user, gone.id))
    assert (await world.texts(), await world.texts("superseded")) == (
        ["The user lives in Porto."], ["The user lives in Lisbon."],
    )  # fmt: skip


async def test_answers_that_cannot_be_read_are_asked_for_once_more_and_then_left(world: World) -> None:
    await world.say("I live in Lisbon.")
    world.model.answers = ["Sure! Here you go:", "{"]
    await world.learn()
    assert len(world.model.asked) == 2
    assert await world.texts("all") == []
    await world.extraction.learn(world.user)
    assert len(world.model.asked) == 2, "the messages are not tried for ever"


async def test_without_an_answer_the_messages_wait(world: World) -> None:
    await world.say("I live in Lisbon.")
    world.model.answers = [""]
    await world.extraction.learn(world.user)
    later = Extraction(world.database, world.model, 1.0)
    world.model.answers = [{"statements": [LISBON]}]
    await later.learn_waiting()
    assert await world.texts() == [], "somebody who is still talking is not read"
    await world.database.write(lambda connection: connection.execute(update(messages).values(created_at=1)))
    await later.learn_waiting()
    assert await world.texts() == ["The user lives in Lisbon."]


async def test_many_messages_need_not_wait_for_quiet(world: World) -> None:
    for number in range(MANY - 1):
        await world.say(f"I live in house number {number + 100}.")
    await world.extraction.learn_waiting()
    assert world.model.asked == []
    await world.say("I live in Lisbon.")
    await world.extraction.learn_waiting()
    assert len(world.model.asked[0]["messages"]) == MANY


async def test_what_a_removed_message_said_is_not_quoted_any_more(world: World) -> None:
    message = await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    kept = await world.hear("I live in Lisbon, as you know.", "The user lives in Lisbon.")
    alone = await world.hear("I like fado music.", "The user likes fado music.")
    for gone in (message, alone):
        await world.database.write(lambda connection, gone=gone: delete_messages(connection, world.user, gone, "one"))  # type: ignore[misc]
    long_ago = now_ms() - KEEP_DELETED_MS - 1

    def age(connection: WriteConnection) -> None:
        connection.execute(update(deletions).values(created_at=long_ago))
        connection.execute(update(memories).where(memories.c.stale_at.is_not(None)).values(stale_at=long_ago))
        while purge(connection):
            pass

    await world.database.write(age)
    assert await world.texts("all") == ["The user lives in Lisbon."], "of the other one nothing is left"
    [row] = await world.rows()
    sources = await world.database.read(lambda connection: list_sources(connection, [row.id]))
    assert {source.message_id: source.quote for source in sources[row.id]} == {
        message: "", kept: "I live in Lisbon, as you know.",
    }  # fmt: skip


@pytest.mark.parametrize("how", ["account", "off", "private", "deleted"])
async def test_where_memory_is_off_nothing_is_read_then_or_later(world: World, how: str) -> None:
    def turn(connection: WriteConnection, *, off: bool) -> None:
        if how == "account":
            set_memory_setting(connection, world.user, "off" if off else "on")
        elif how == "deleted":
            update_conversation(connection, world.conversation.id, {"deleted_at": 1 if off else None})
        else:
            update_conversation(connection, world.conversation.id, {"memory": how if off else ""})

    await world.database.write(lambda connection: turn(connection, off=True))
    await world.say("I live in Lisbon.")
    await world.extraction.learn(world.user)
    await world.database.write(lambda connection: turn(connection, off=False))
    await world.extraction.learn(world.user)
    assert world.model.asked == []


async def test_what_is_tainted_taints_what_is_remembered_and_closes_nothing(world: World) -> None:
    await world.hear("I live in Lisbon.", "The user lives in Lisbon.")
    await world.say("I live in Porto.", taint="import")
    await world.learn(
        {
            "message": 1,
            "quote": "I live in Porto.",
            "text": "The user lives in Porto.",
            "operation": "contradicts",
            "of": "m1",
        }
    )
    assert [(row.text, row.taint) for row in await world.rows()] == [
        ("The user lives in Porto.", "import"), ("The user lives in Lisbon.", ""),
    ]  # fmt: skip


async def test_a_message_that_was_changed_while_the_model_thought_gives_nothing_and_is_read_again(world: World) -> None:
    message = await world.say("I live in Lisbon.")
    ask = world.model.ask_in_background

    async def ask_slowly(errand: Errand) -> Reply:
        if len(world.model.asked) == 0:
            await world.edit(message, "I live in Porto.")
        return await ask(errand)

    world.model.ask_in_background = ask_slowly  # type: ignore[method-assign]
    world.model.answers = [{"statements": [LISBON]}]
    await world.extraction.learn(world.user)
    assert await world.texts("all") == []
    assert [given["messages"][0]["text"] for given in world.model.asked] == ["I live in Lisbon.", "I live in Porto."]


async def test_a_user_is_read_for_a_bounded_number_of_requests_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.memory.extraction.MOST_A_DAY", 0)
    await world.say("I live in Lisbon.")
    await world.extraction.learn(world.user)
    assert world.model.asked == []
