"""What was indexed when words were cut by other rules is indexed anew, on both databases, and nothing else is."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest
from sqlalchemy import func, select, update
from tests.unit.store.stored import add_conversation, add_message, add_user
from tests.unit.store.test_search import search

from quarterdeck.conversations.deleting import delete_messages
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.words import split_words
from quarterdeck.jobs import Job, run_if_due, usual_jobs
from quarterdeck.store import search_outdated
from quarterdeck.store.conversations import update_conversation
from quarterdeck.store.database import AnyConnection, Database, WriteConnection
from quarterdeck.store.search import index_messages
from quarterdeck.store.search_outdated import WORK, index_outdated, is_cut_otherwise
from quarterdeck.store.tables import leases, messages, search_entries, vectors_due
from quarterdeck.store.vectors import marking

SEOUL = unicodedata.normalize("NFD", "서울에서 만나요")


def said(connection: WriteConnection, owner: str, *texts: str) -> list[str]:
    talk = add_conversation(connection, owner)
    ids = [add_message(connection, talk, None, "user", [TextPart(one)]) for one in texts]
    index_messages(connection, ids)
    return ids


def index_as_before(connection: WriteConnection, message: str) -> None:
    """As a version wrote it that did not know these letters."""
    words = update(search_entries).where(search_entries.c.message_id == message)
    connection.execute(words.values(words="서울에서 만나요", length=2))


def entries(connection: AnyConnection) -> dict[str, tuple[int, str]]:
    rows = connection.execute(select(search_entries.c.message_id, search_entries.c.id, search_entries.c.words))
    return {row.message_id: (row.id, row.words) for row in rows}


async def test_what_an_older_version_indexed_is_found_afterwards(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_outdated, "_LOOKED_AT", 2)
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    ids = await database.write(lambda c: said(c, owner, SEOUL, "서울", "Seoul", SEOUL, "café", f"{SEOUL} 2", "x", "y"))
    for old in (ids[0], ids[5]):
        await database.write(partial(index_as_before, message=old))
    before = await database.read(entries)
    monkeypatch.setattr(marking, "is_on", True)
    assert await index_outdated(database) == 2
    found = await database.read(lambda c: search(c, owner, "울에"))
    assert set(found) == {ids[0], ids[3], ids[5]}
    after = await database.read(entries)
    changed = {message for message in ids if before[message] != after[message]}
    assert changed == {ids[0], ids[5]}
    assert all(before[message][0] != after[message][0] for message in changed), "who knows the old entry looks again"
    assert await database.read(lambda c: c.execute(select(vectors_due)).all()) == [], "what it says is the same"
    assert await index_outdated(database) == 0


async def test_entries_without_the_stems_of_their_language_get_them(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    texts = ("Die Rechnungen sind bezahlt.", "The bills were paid.", "請求書を払いました", "Me gustan las facturas.")
    ids = await database.write(lambda c: said(c, owner, *texts))
    new = await database.read(entries)

    def forget_stems(connection: WriteConnection) -> None:
        for message, words in ((ids[0], "die rechnungen sind bezahlt"), (ids[3], "me gustan las facturas ≈factura")):
            facets = func.replace(func.replace(search_entries.c.facets, " §lde", ""), " §les", "")
            old = update(search_entries).where(search_entries.c.message_id == message)
            connection.execute(old.values(words=words, facets=facets))

    await database.write(forget_stems)
    assert await database.read(lambda c: search(c, owner, "Rechnung ")) == []
    assert await index_outdated(database) == 2
    assert await database.read(lambda c: search(c, owner, "Rechnung ")) == [ids[0]]
    assert {one: words for one, (_, words) in (await database.read(entries)).items()} == {
        one: words for one, (_, words) in new.items()
    }
    assert await index_outdated(database) == 0


async def test_a_name_is_indexed_anew_and_what_may_not_be_found_is_not(database: Database) -> None:
    def write(connection: WriteConnection) -> tuple[str, list[str]]:
        owner = add_user(connection, "ann")
        named, deleted, hidden, running = (said(connection, owner, one)[0] for one in ("Hello", SEOUL, SEOUL, SEOUL))
        connection.execute(update(messages).where(messages.c.id == named).values(speaker=SEOUL))
        delete_messages(connection, owner, deleted, "one")
        of_hidden = select(messages.c.conversation_id).where(messages.c.id == hidden)
        update_conversation(connection, connection.execute(of_hidden).scalar_one(), {"memory": "private"})
        index_messages(connection, [hidden])
        connection.execute(update(messages).where(messages.c.id == running).values(status="running"))
        index_messages(connection, [running])
        return named, [deleted, hidden, running]

    named, gone = await database.write(write)
    assert await index_outdated(database) == 1
    facets = await database.read(
        lambda c: c.execute(select(search_entries.c.facets).where(search_entries.c.message_id == named)).scalar_one()
    )
    assert all(f"§n{word.term}" in facets.split() for word in split_words(SEOUL))
    assert not set(gone) & set(await database.read(entries))


async def test_a_server_does_it_by_itself_and_later_looks_at_what_is_new(database: Database) -> None:
    owner = await database.write(lambda connection: add_user(connection, "ann"))
    [old] = await database.write(lambda c: said(c, owner, SEOUL))
    await database.write(partial(index_as_before, message=old))
    [job] = [job for job in usual_jobs(database, _nothing, _nothing) if job.name == WORK]
    assert await _is_run(database, job)
    assert await database.read(lambda c: search(c, owner, "울에")) == [old]
    await database.write(partial(index_as_before, message=old))
    assert not await _is_run(database, job), "there is nothing to do for a day"
    await database.write(lambda c: c.execute(update(leases).values(done_at=now_ms() - 86_400_000)))
    assert await _is_run(database, job), "a process of an older version may have been there since"
    assert await database.read(lambda c: search(c, owner, "울에")) == [old]
    await database.write(partial(index_as_before, message=old))
    await database.write(lambda c: c.execute(update(leases).values(done_at=now_ms() + 2 * 3_600_000)))
    assert await index_outdated(database) == 0, "what was made long before is not looked at again"


async def _nothing() -> None: ...


async def _is_run(database: Database, job: Job) -> bool:
    return await run_if_due(database, job, "worker")


@pytest.mark.parametrize("said", ["Hello", "café 👩\u200d👧 ❤\ufe0f —", "서울", "東京タワー", "น้ำตาล", "می\u200cخواهم"])
def test_usual_letters_are_not_indexed_anew(said: str) -> None:
    assert not is_cut_otherwise(said)


@pytest.mark.parametrize("said", [SEOUL, "ｶﾞﾗｽ", "น\u0e4d\u0e32", "ที่\u200bนี่", "श्\u200dरी", "пʼять", "ခင\u103a\u1037"])
def test_letters_that_were_cut_in_another_way_are_known(said: str) -> None:
    assert is_cut_otherwise(said)
