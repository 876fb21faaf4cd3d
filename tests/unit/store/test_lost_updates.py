"""Of several who change what they read at the same time one wins, on each database: the others are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import func, select
from tests.unit.store.stored import add_user

from quarterdeck.accounts.assistants import change_assistant
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.identities.linked import unlink
from quarterdeck.errors import ConflictError
from quarterdeck.memory.changing import Statement, make_memory
from quarterdeck.memory.notes import edit_notes, write_notes
from quarterdeck.store.assistants import AssistantDraft, find_assistant_row, insert_assistant
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.identities import insert_identity, list_identities
from quarterdeck.store.memories import list_current

CROWD = 6


async def all_at_once(database: Database, change: Callable[..., Any]) -> int:
    """How many were let; the others were refused. Each has a connection before."""
    await asyncio.gather(*(database.write(_linger) for _ in range(CROWD)))
    changes = [partial(change, number=number) for number in range(CROWD)]
    done = await asyncio.gather(*map(database.write, changes), return_exceptions=True)
    refused = [error for error in done if isinstance(error, BaseException)]
    assert all(isinstance(error, ConflictError) for error in refused), refused
    return len(done) - len(refused)


def _linger(connection: WriteConnection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_sleep(0.3)))


async def test_an_assistant_that_several_edit_is_that_of_the_first(database: Database) -> None:
    ann = await database.write(lambda connection: add_user(connection, "ann"))
    caller = Principal(ann, "ann", "member", "session", "")
    row = await database.write(lambda connection: insert_assistant(connection, ann, AssistantDraft(name="Pilot")))

    def edit(connection: WriteConnection, number: int) -> str:
        return change_assistant(connection, caller, "", row.id, {"name": f"Pilot {number}"}, row.updated_at).name

    assert await all_at_once(database, edit) == 1
    changed = await database.read(lambda connection: find_assistant_row(connection, row.id))
    assert changed is not None
    assert changed.name.startswith("Pilot ")


async def test_notes_that_several_edit_are_those_of_the_first(database: Database) -> None:
    ann = await database.write(lambda connection: add_user(connection, "ann"))
    await database.write(lambda connection: make_memory(connection, ann, Statement(text="Ann keeps goats.")))
    notes = await database.write(lambda connection: write_notes(connection, ann))

    def edit(connection: WriteConnection, number: int) -> None:
        edit_notes(connection, ann, f"{notes.text}\n- Goat {number} is called Ella.", notes.version)

    assert await all_at_once(database, edit) == 1
    assert len(await database.read(lambda connection: list_current(connection, ann, 9))) == 2


async def test_the_last_way_in_stays_whoever_is_removed_at_once(database: Database) -> None:
    issuers = [f"https://{number}.example" for number in range(CROWD)]

    def link(connection: WriteConnection) -> str:
        ann = add_user(connection, "ann")
        for issuer in issuers:
            insert_identity(connection, issuer=issuer, subject="7", user=ann, label="")
        return ann

    ann = await database.write(link)

    def remove(connection: WriteConnection, number: int) -> None:
        unlink(connection, ann, f"{number}.example", [])

    assert await all_at_once(database, remove) == CROWD - 1
    assert len(await database.read(lambda connection: list_identities(connection, ann))) == 1
