"""What the server has stored, asked over HTTP; and what only its database can be told (users, suspensions)."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import insert, update

from quarterdeck.accounts.keys import create_api_key
from quarterdeck.accounts.tokens import hash_secret
from quarterdeck.app.data import open_database
from quarterdeck.config import Settings
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import invitations, users
from quarterdeck.store.users import ensure_owner


def fetch_message(http: httpx2.Client, conversation: str, message: str) -> dict[str, Any]:
    for found in fetch_messages(http, conversation):
        if found["id"] == message:
            return found
    raise AssertionError(f"the message {message} is not there")


def fetch_messages(http: httpx2.Client, conversation: str) -> list[dict[str, Any]]:
    """The whole active path, oldest first, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        response = http.get(f"/api/conversations/{conversation}/messages", params={"before": cursor})
        assert response.status_code == 200, response.text
        page = response.json()
        found = page["items"] + found
        cursor = page["next_cursor"]
    return found


def text_of(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["parts"] if part["kind"] == "text")


def add_member(data_dir: Path, name: str, database_url: str = "") -> str:
    """Another user, and an API key of theirs."""

    async def add() -> str:
        database = await open_database(Settings(data_dir=data_dir, database_url=database_url))
        values = {"id": new_id(), "name": name, "role": "member", "created_at": now_ms()}
        try:
            await database.write(lambda connection: connection.execute(insert(users).values(values)))
            return str(await database.write(lambda connection: create_api_key(connection, user_name=name, label="")))
        finally:
            await database.close()

    return asyncio.run(add())


def suspend(data_dir: Path, name: str) -> None:
    async def write() -> None:
        database = await open_database(Settings(data_dir=data_dir))
        change = update(users).where(users.c.name == name).values(suspended_at=now_ms())
        try:
            await database.write(lambda connection: connection.execute(change))
        finally:
            await database.close()

    asyncio.run(write())


def invite(data_dir: Path, role: str, expires_in_s: float = 3600) -> str:
    """The secret of an invitation."""
    secret = secrets.token_urlsafe(24)

    async def write() -> None:
        database = await open_database(Settings(data_dir=data_dir))
        try:
            await database.write(add)
        finally:
            await database.close()

    def add(connection: WriteConnection) -> None:
        connection.execute(
            insert(invitations).values(
                id=new_id(), secret_hash=hash_secret(secret), created_by=ensure_owner(connection).id, role=role,
                email="", created_at=now_ms(), expires_at=now_ms() + int(expires_in_s * 1000),
            )
        )  # fmt: skip

    asyncio.run(write())
    return secret
