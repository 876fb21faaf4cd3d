"""Somebody who has imported very many memories: what is learned then is not compared with all of them."""

from __future__ import annotations

from functools import partial

import pytest
from tests.unit.memory.test_extraction import World, world

from quarterdeck.memory import extraction, merging, notes
from quarterdeck.memory.changing import Statement, change_memory, make_memory
from quarterdeck.memory.notes import write_notes
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.memories import list_comparable, list_current

__all__ = ["world"]


@pytest.fixture
async def crowded(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(merging, "MOST_COMPARED", 2)
    monkeypatch.setattr(extraction, "MOST_COMPARED", 2)

    def fill(connection: WriteConnection) -> None:
        for at, text in enumerate(
            ("The user lives in Lisbon.", "The user rows.", "The user sings.", "The user draws.")
        ):
            make_memory(connection, world.user, Statement(text=text, said_at=at))

    await world.database.write(fill)
    return world


async def test_what_was_learned_last_is_read_in_its_order(crowded: World) -> None:
    for read in (list_comparable, list_current):
        rows = await crowded.database.read(partial(read, owner=crowded.user, most=2))
        assert [row.text for row in rows] == ["The user sings.", "The user draws."]


async def test_what_says_the_same_in_the_same_words_is_found_however_old(crowded: World) -> None:
    await crowded.hear("I live in Lisbon.", "The user lives in Lisbon.")
    await crowded.hear("I bake bread on Sundays.", "The user bakes bread on Sundays.")
    texts = await crowded.texts()
    assert (len(texts), texts.count("The user lives in Lisbon.")) == (5, 1)


async def test_the_model_is_shown_some_of_what_was_learned_last(crowded: World) -> None:
    await crowded.hear("I live in Lisbon.", "The user lives in Lisbon.")
    [asked] = crowded.model.asked
    shown = str(asked)
    assert ("The user draws." in shown, "The user rows." in shown) == (True, False)


async def test_the_notes_have_the_pinned_ones_and_what_was_said_last(
    crowded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MOST_LINES", 2)
    oldest = (await crowded.rows())[-1]

    def pin(connection: WriteConnection) -> str:
        change_memory(connection, oldest, {"pinned_at": 1}, "pinned", "user")
        return write_notes(connection, crowded.user).text

    assert await crowded.database.write(pin) == "## Facts\n- The user lives in Lisbon.\n- The user draws."
