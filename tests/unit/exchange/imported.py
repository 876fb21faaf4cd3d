"""Imports into a database of the test's own, and what is in it afterwards."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Table, select

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.exchange.by_command import import_file
from quarterdeck.store.database import Database
from quarterdeck.store.imports import ImportRow
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.tables import conversations, messages, users

Content = bytes | str | list[Any] | dict[str, Any]


class Outcome(Struct):
    row: ImportRow
    reasons: list[str]  # `item: reason`


class Account:
    """`bring(content, name)` imports for this user; the rest reads what is there."""

    def __init__(self, database: Database, folder: Path, user: str) -> None:
        self.database, self.folder, self.user = database, folder, user

    async def bring(
        self, content: bytes | str | list[Any] | dict[str, Any], name: str = "conversations.json"
    ) -> Outcome:
        path = self.folder / f"{new_id()}-upload"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        named = path.with_name(name)
        path.rename(named)
        row, notes = await import_file(self.database, self.user, named, lambda _: None)
        return Outcome(row, [f"{note.item}: {note.reason}" for note in notes])

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        def read(connection: Any) -> list[dict[str, Any]]:
            found = connection.execute(select(table).where(table.c.owner_id == self.user).order_by(table.c.id))
            return [dict(row._mapping) for row in found]

        return await self.database.read(read)

    async def conversations(self) -> list[dict[str, Any]]:
        return await self.rows(conversations)

    async def messages(self) -> list[dict[str, Any]]:
        """In the order of their ids, with `parts` decoded and `text` beside them."""
        found = await self.rows(messages)
        for row in found:
            row["parts"] = json.loads(row["parts"])
            row["text"] = "".join(part["text"] for part in row["parts"] if part["kind"] == "text")
        return found

    async def path(self, conversation: dict[str, Any]) -> list[str]:
        """The texts of the active path; it must begin at the root and end at the tip, which leads nowhere."""
        by_id = {row["id"]: row for row in await self.messages()}
        walked = [conversation["root_id"]]
        while (following := by_id[walked[-1]]["active_child_id"]) is not None:
            assert by_id[following]["parent_id"] == walked[-1]
            walked.append(following)
        assert walked[-1] == conversation["tip_id"]
        return [by_id[name]["text"] for name in walked]


async def open_account(folder: Path, name: str = "ann", database: Database | None = None) -> Account:
    if database is None:
        path = folder / "quarterdeck.sqlite3"
        await asyncio.to_thread(migrate_sqlite, path)
        database = SqliteDatabase(path)
    user = new_id()
    values = {"id": user, "name": name, "role": "member", "created_at": now_ms()}
    await database.write(lambda connection: connection.execute(users.insert().values(values)))
    return Account(database, folder, user)
