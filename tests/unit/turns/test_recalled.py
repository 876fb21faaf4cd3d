"""What was said elsewhere, in a turn: recalled last, with its source, in time or not at all, and looked up by tools."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert, select, text, update
from tests.unit.turns.rig import Rig, Script, ScriptedProvider, open_rig, say

from quarterdeck.context import recalled
from quarterdeck.context.manifest import Manifest, decode_manifest
from quarterdeck.context.recalled import HEADER, WITHIN_S, Recollection
from quarterdeck.context.texts import Rebuilt, rebuild_texts
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import TextPart, ToolResultPart
from quarterdeck.domain.step import FinishChunk, ToolCallChunk
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall, Recalled
from quarterdeck.store import glances, search_queue
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.memories import MemoryRow, insert_row
from quarterdeck.store.memory_history import insert_change
from quarterdeck.store.statements import Statement
from quarterdeck.store.tables import assistants, conversations, memory_uses, messages, search_entries, users
from quarterdeck.store.turns import list_steps
from quarterdeck.tools.memory_tools import OpenMessages, SearchMemory

T = TypeVar("T")

BOAT = "My boat is called Albatross and lies in Lisbon."
QUESTION = "What is the name of my boat, and where does it lie?"


@pytest.fixture(autouse=True)
def _recall_has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found does not depend on how busy the machine is; how long is waited has a test of its own."""
    monkeypatch.setattr(recalled, "WITHIN_S", 60.0)


async def told(rig: Rig, text: str = QUESTION, **given: Any) -> str:
    """The answered turn."""
    turn = (await rig.send(text, **given)).row.id
    await rig.check_stored(turn)
    return turn


async def manifest_of(rig: Rig, turn: str) -> Manifest:
    [step] = await rig.database.read(lambda connection: list_steps(connection, turn))
    return decode_manifest(step.manifest)


async def rebuilt(rig: Rig, turn: str) -> Rebuilt:
    row, manifest = await rig.row(turn), await manifest_of(rig, turn)
    return await rig.database.read(
        lambda connection: rebuild_texts(connection, rig.user, row.conversation_id, manifest)
    )


def sent(rig: Rig, at: int = -1) -> str:
    return "\n".join(
        part.text
        for message in rig.provider.requests[at].messages
        for part in message.parts
        if isinstance(part, TextPart)
    )


async def test_what_was_said_elsewhere_comes_last_with_its_date_its_id_and_why(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        await told(rig, "The weather is fine.", conversation="other")
        earlier = await rig.row(await told(rig, BOAT, conversation="earlier"))
        turn = await told(rig, conversation="later")
        text = sent(rig)
        assert text.index(QUESTION) < text.index(HEADER) < text.index(BOAT)
        assert f'<message id="{earlier.request_id}" by="the user" said="' in text
        manifest = await manifest_of(rig, turn)
        header, first, *_ = [entry for entry in manifest.entries if entry.kind == "recalled"]
        assert manifest.entries[-1].kind == "recalled"
        assert (header.said, first.message, first.version) == (HEADER, earlier.request_id, 1)
        assert first.recalled is not None
        assert (first.recalled.kind, first.recalled.messages) == ("message", [earlier.request_id])
        assert first.recalled.signals
        assert (await rebuilt(rig, turn)).is_exact


async def test_what_was_said_elsewhere_a_moment_ago_is_recalled_without_the_index_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_queue, "WITHIN_S", 60.0)
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        earlier = await rig.row(await told(rig, BOAT, conversation="earlier"))
        turn = await told(rig, conversation="later")
        assert BOAT in sent(rig)
        _, first, *_ = [entry for entry in (await manifest_of(rig, turn)).entries if entry.kind == "recalled"]
        assert first.message == earlier.request_id
        await told(rig, "Which is the tallest mountain?", conversation="third")
        assert "Albatross" not in sent(rig)
        written = await rig.database.read(lambda connection: connection.execute(select(search_entries)).all())
        assert (written, len(rig.index_queue)) == ([], 6)


async def test_what_was_taken_back_a_moment_ago_is_not_recalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_queue, "WITHIN_S", 60.0)
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        earlier = await rig.row(await told(rig, BOAT, conversation="earlier"))
        await told(rig, BOAT.replace("Albatross", "Petrel"), conversation="earlier", instead_of=earlier.request_id)
        await told(rig, conversation="later")
        assert "Petrel" in sent(rig)
        assert "Albatross" not in sent(rig)
        statement = update(conversations).where(conversations.c.external_id == "earlier").values(memory="private")
        await rig.database.write(lambda connection: connection.execute(statement))
        await told(rig, conversation="last")
        assert "Petrel" not in sent(rig)


async def test_what_was_said_again_and_again_is_recalled_once_and_leaves_room_for_more(tmp_path: Path) -> None:
    other = "The boat of my sister lies in Porto, where it often rains in spring."
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        await told(rig, other, conversation="other")
        for number in range(8):
            await told(rig, (BOAT, f"{BOAT[:-1].upper()}!")[number % 2], conversation=f"earlier-{number}")
        turn = await told(rig, conversation="later")
        assert sent(rig).casefold().count(BOAT[:-1].casefold()) == 1
        assert other in sent(rig)
        assert (await rebuilt(rig, turn)).is_exact


async def test_what_was_edited_away_for_the_same_words_is_recalled_all_the_same(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        first = await rig.row(await told(rig, BOAT, conversation="earlier"))
        second = await rig.row(await told(rig, BOAT, conversation="earlier", instead_of=first.request_id))
        assert second.request_id != first.request_id
        turn = await told(rig, conversation="later")
        recalled_ids = {entry.message for entry in (await manifest_of(rig, turn)).entries if entry.kind == "recalled"}
        assert second.request_id in recalled_ids
        assert first.request_id not in recalled_ids


async def test_the_request_of_a_turn_begins_with_the_one_before_but_for_what_was_recalled(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        await told(rig, BOAT, conversation="earlier")
        await told(rig)
        await told(rig, "And my boat, is it a big one?")
        first, second = rig.provider.requests[-2:]
        assert first.tail > 0
        assert first.messages[:-1] == second.messages[: len(first.messages) - 1]
        kept = first.messages[-1].parts[: -first.tail]
        assert second.messages[len(first.messages) - 1].parts[: len(kept)] == kept
        assert "Albatross" not in "".join(part.text for part in kept if isinstance(part, TextPart))


async def test_what_was_edited_away_is_not_recalled(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        first = await rig.row(await told(rig, BOAT, conversation="earlier"))
        await told(rig, "It is a fine boat to sail.", conversation="earlier")
        await told(rig, BOAT.replace("Albatross", "Petrel"), conversation="earlier", instead_of=first.request_id)
        await told(rig, conversation="later")
        assert "Petrel" in sent(rig)
        assert "Albatross" not in sent(rig)
        assert "fine boat" not in sent(rig)


async def _off_for_the_account(rig: Rig) -> None:
    await rig.database.write(lambda connection: connection.execute(update(users).values(memory="off")))


async def _off_here(rig: Rig) -> None:
    statement = update(conversations).where(conversations.c.external_id == "later").values(memory="private")
    await rig.database.write(lambda connection: connection.execute(statement))


async def _off_for_the_assistant(rig: Rig) -> None:
    values = {
        "id": "a", "owner_id": rig.user, "is_shared": 0, "name": "A", "description": "", "instructions": "",
        "model": "", "format": "plain", "tools": "[]", "starters": "[]", "uses_memory": 0, "created_at": 0,
        "updated_at": 0,
    }  # fmt: skip

    def write(connection: Any) -> None:
        connection.execute(insert(assistants).values(**values))
        connection.execute(update(conversations).where(conversations.c.external_id == "later").values(assistant="a"))

    await rig.database.write(write)


async def _off_for_guests(rig: Rig) -> None:
    await rig.database.write(lambda connection: connection.execute(update(users).values(role="guest")))


@pytest.mark.parametrize("switch", [_off_for_the_account, _off_here, _off_for_the_assistant, _off_for_guests])
async def test_nothing_is_recalled_and_no_memory_tool_is_offered_where_memory_is_off(
    tmp_path: Path, switch: Any
) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        rig.toolbox.add(OpenMessages(rig.database))
        await rig.registry.models()
        await told(rig, BOAT, conversation="earlier")
        await told(rig, "Hello there.", conversation="later", model="fake/caller")
        assert [tool.name for tool in rig.provider.requests[-1].tools] == ["open_messages"]
        await switch(rig)
        turn = await told(rig, conversation="later", model="fake/caller")
        assert "Albatross" not in sent(rig)
        assert rig.provider.requests[-1].tools == []
        assert (await manifest_of(rig, turn)).no_recall == "Memory is off here."


class SlowRecall:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def look_up(self, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]) -> T:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    def look_up_in(
        self, connection: ReadConnection, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]
    ) -> T | None:
        return None


class BrokenRecall(SlowRecall):
    async def look_up(self, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]) -> T:
        raise RuntimeError("a fault of recall")


MANY_STEPS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT count(*) FROM n"
)
TWO_ROWS = Statement(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
    "SELECT i FROM n WHERE i IN (1, 300000)"
)


class HeldRecall(SlowRecall):
    """Holds up the read that the context is read in."""

    held = threading.Event()

    def look_up_in(
        self, connection: ReadConnection, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]
    ) -> T | None:
        while not self.held.is_set():
            connection.execute(MANY_STEPS)
        return None


class BrokenRead(SlowRecall):
    def look_up_in(
        self, connection: ReadConnection, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]
    ) -> T | None:
        raise RuntimeError("a fault of recall")


async def test_an_answer_does_not_wait_for_recall_in_the_read_of_its_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalled, "WITHIN_S", 0.15)
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=HeldRecall) as rig:
        try:
            turn = await told(rig)
            assert QUESTION in sent(rig)
        finally:
            HeldRecall.held.set()
        assert "within 150 ms" in (await manifest_of(rig, turn)).no_recall


async def test_a_context_that_is_read_late_is_sent_without_looking_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalled, "WITHIN_S", 0.001)

    class LateDatabase:
        async def glance(self, fn: Callable[[Any], T], who: str) -> T:
            await asyncio.sleep(0.02)
            return fn(None)

    def recollect(_connection: Any, _found: str) -> Recollection:
        raise AssertionError("it is too late for that")

    database: Any = LateDatabase()
    found, recollection = await recalled.read_and_recollect(database, lambda _connection: "context", recollect, "ada")
    assert found == "context"
    assert recollection is not None
    assert "It was not found" in recollection.reason


async def test_a_context_that_could_not_be_read_is_no_context() -> None:
    class NoDatabase:
        async def glance(self, _fn: Callable[[Any], T], who: str) -> T:
            raise TimeoutError("it does not answer")

    database: Any = NoDatabase()
    with pytest.raises(TimeoutError, match="does not answer"):
        await recalled.read_and_recollect(database, lambda _connection: "context", lambda *_: None, "ada")


@pytest.mark.parametrize(
    ("recaller", "reason"),
    [(SlowRecall, "within 150 ms"), (BrokenRecall, "Recall failed."), (BrokenRead, "Recall failed.")],
)
async def test_an_answer_does_not_wait_for_recall_nor_fail_with_it(
    tmp_path: Path, recaller: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if recaller is SlowRecall:
        monkeypatch.setattr(recalled, "WITHIN_S", WITHIN_S)
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=recaller) as rig:
        assert reason in (await manifest_of(rig, await told(rig))).no_recall


async def test_a_recalled_memory_is_shown_with_its_use_and_gone_from_old_manifests_when_forgotten(
    tmp_path: Path,
) -> None:
    memory = new_id()
    row = MemoryRow(
        id=memory, owner_id="", kind="fact", text="The user's boat is called Albatross.", origin="derived", model="m",
        confidence=0.9, taint="", fingerprint="f", said_at=0, valid_from=None, valid_to=None, created_at=0,
        updated_at=0,
    )  # fmt: skip

    class MemoryRecall(SlowRecall):
        async def look_up(self, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]) -> T:
            found = Recalled("memory", memory, [], row.text, 0, "user", "", "", "", 1.0, {"fact": 1.0}, "")
            return await self.database.read(lambda connection: read(connection, [found]))

    async with open_rig(tmp_path, ScriptedProvider(say("Albatross.")), recaller=MemoryRecall) as rig:

        def write(connection: Any) -> None:
            own = MemoryRow(**{name: getattr(row, name) for name in row.__struct_fields__} | {"owner_id": rig.user})
            insert_row(connection, own)
            insert_change(connection, own, "made", "model")

        await rig.database.write(write)
        turn = await told(rig)
        assert f'<memory id="{memory}" kind="fact"' in sent(rig)
        [use] = await rig.database.read(lambda connection: connection.execute(select(memory_uses)).all())
        assert (use.memory_id, use.turn_id, use.message_id) == (memory, turn, (await rig.row(turn)).message_id)
        assert (await rebuilt(rig, turn)).is_exact
        await rig.database.write(
            lambda c: c.exec_driver_sql("UPDATE memory_versions SET state = replace(state, 'Albatross', '')")
        )
        assert "Albatross" not in str((await rebuilt(rig, turn)).texts[:-1][-1])


async def test_what_is_recalled_of_a_tainted_message_taints_the_answer(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=Recall) as rig:
        earlier = await rig.row(await told(rig, BOAT, conversation="earlier"))
        statement = update(messages).where(messages.c.id == earlier.request_id).values(taint="web")
        await rig.database.write(lambda connection: connection.execute(statement))
        assert (await rig.message(await told(rig))).taint == "web"


def look_up(name: str, arguments: str) -> Script:
    return [ToolCallChunk(0, "a", name, arguments), FinishChunk("tool_calls")]


async def result_of(rig: Rig, name: str, arguments: str) -> ToolResultPart:
    rig.provider.scripts = [look_up(name, arguments), say("Well.")]
    turn = await told(rig, "Look it up.", conversation=new_id(), model="fake/caller")
    [result] = [part for part in (await rig.message(turn)).parts if isinstance(part, ToolResultPart)]
    return result


async def test_the_model_can_search_and_open_what_was_said(tmp_path: Path) -> None:
    async with open_rig(tmp_path, ScriptedProvider(say("Noted."))) as rig:
        rig.toolbox.add(SearchMemory(Recall(rig.database), rig.database, rig.index_queue))
        rig.toolbox.add(OpenMessages(rig.database))
        await rig.registry.models()
        earlier = await rig.row(await told(rig, BOAT, conversation="earlier"))
        found = await result_of(rig, "search_memory", '{"query": "boat"}')
        assert BOAT in found.text
        assert earlier.request_id in found.text
        assert (
            "Nothing was found"
            in (await result_of(rig, "search_memory", '{"query": "boat", "before": "2001-01-01"}')).text
        )
        assert (await result_of(rig, "search_memory", '{"query": "boat", "before": "soon"}')).is_error
        opened = await result_of(rig, "open_messages", f'{{"ids": ["{earlier.message_id}"]}}')
        assert "Noted." in opened.text
        assert f"the message before it is {earlier.request_id}" in opened.text
        statement = update(messages).where(messages.c.id == earlier.request_id).values(taint="file")
        await rig.database.write(lambda connection: connection.execute(statement))
        assert (await result_of(rig, "open_messages", f'{{"ids": ["{earlier.request_id}"]}}')).taint == "file"
        await rig.database.write(lambda connection: connection.execute(update(messages).values(owner_id="bob")))
        gone = await result_of(rig, "open_messages", f'{{"ids": ["{earlier.request_id}"]}}')
        assert gone.is_error
        assert BOAT not in gone.text


@pytest.mark.parametrize("is_in_rows", [False, True])  # given up before the first row, or between two
async def test_a_recall_that_is_given_up_on_the_loop_is_made_whole_by_a_thread_and_nothing_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_in_rows: bool
) -> None:
    monkeypatch.setattr(glances, "MOST_S", 0.0)
    begun: list[bool] = []

    class LongRecall(SlowRecall):
        def look_up_in(
            self, connection: ReadConnection, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]
        ) -> T | None:
            begun.append(threading.current_thread() is threading.main_thread())
            if is_in_rows:
                assert TWO_ROWS.rows(connection, {}) == [(1,), (300_000,)]
            else:
                connection.execute(MANY_STEPS)
            return read(connection, [])

    async with open_rig(tmp_path, ScriptedProvider(say("Noted.")), recaller=LongRecall) as rig:
        turn = await told(rig)
        assert begun == [True, False]
        assert (await manifest_of(rig, turn)).no_recall == ""
    assert "recall_failed" not in caplog.text
