"""The case of letters does not matter where a part of a title, a memory or a name is looked for, on both databases."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest
from sqlalchemy import select
from tests.unit.store.stored import add_conversation, add_user

from quarterdeck.memory.changing import Statement, make_memory
from quarterdeck.store import find_titles
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.directory import list_people
from quarterdeck.store.letters import has_text, is_text
from quarterdeck.store.listing import Listing, list_conversations
from quarterdeck.store.memories import MemoryFilter, list_memories
from quarterdeck.store.tables import conversations


@pytest.mark.parametrize("sought", ["übersicht", "ÜBERSICHT", "öpnv", "Übersicht ÖPNV", "sicht öp"])
async def test_titles_memories_and_people_are_found_in_either_case(database: Database, sought: str) -> None:
    def find(connection: WriteConnection) -> tuple[int, int, int]:
        owner = add_user(connection, "Übersicht ÖPNV")
        add_conversation(connection, owner, "one", "Die Übersicht ÖPNV")
        add_conversation(connection, owner, "other", "Die Ubersicht OPNV")
        make_memory(connection, owner, Statement(text="Ann malt die Übersicht ÖPNV"))
        titles = list_conversations(connection, Listing(owner=owner, query=sought), after=None, limit=9)
        memories = list_memories(connection, MemoryFilter(owner=owner, words=tuple(sought.split())), limit=9)
        return len(titles), len(memories), len(list_people(connection, query=sought))

    assert await database.write(find) == (1, 1, 1)


@pytest.mark.parametrize("said", ["Reise nach Łódź, Köln", "서울 여행", "ガラスのパンダ"])
@pytest.mark.parametrize("many", [1, 4])
async def test_letters_in_one_or_several_characters_are_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch, said: str, many: int
) -> None:
    monkeypatch.setattr(find_titles, "_LOOKED_THROUGH", 1)  # further ones by the index, where there is one
    spelled = [partial(unicodedata.normalize, "NFC"), partial(unicodedata.normalize, "NFD")]

    def find(connection: WriteConnection) -> None:
        owner = add_user(connection, "ann")
        for number, spell in enumerate(spelled * many):
            add_conversation(connection, owner, f"one {number}", spell(f"Die {said}"))
            make_memory(connection, owner, Statement(text=spell(f"{number} {said}")))
        for spell in spelled:
            titles = list_conversations(connection, Listing(owner=owner, query=spell(said)), after=None, limit=9)
            words = tuple(spell(said).split())
            memories = list_memories(connection, MemoryFilter(owner=owner, words=words), limit=9)
            assert (len(titles), len(memories)) == (2 * many, 2 * many)

    await database.write(find)


@pytest.mark.parametrize(
    ("title", "sought", "is_in"),
    [
        ("50 % für [a-z]? *", "50 % FÜR [A-Z]? *", True),
        ("über alles", "ü*a", False),
        ("über alles", "ü?er", False),
        ("über a", "über [ab]", False),
        ("Straße in Łódź", "STRAße IN łÓD", True),
        ("Ёлка и ёж", "ёлка И Ё", True),
        ("plain", "é", False),
    ],
)
async def test_signs_with_a_meaning_in_patterns_stand_for_themselves(
    database: Database, title: str, sought: str, is_in: bool
) -> None:
    def find(connection: WriteConnection) -> tuple[bool, bool]:
        add_conversation(connection, add_user(connection, "ann"), "one", title)
        column = conversations.c.title
        has = connection.execute(select(column).where(has_text(connection, column, sought))).first()
        same = connection.execute(select(column).where(is_text(connection, column, sought))).first()
        return has is not None, same is not None

    assert await database.write(find) == (is_in, is_in and len(title) == len(sought))
