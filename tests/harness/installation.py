"""An installation without a server: a data folder with conversations in it, looked at from outside."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from tests.harness.forked import can_fork, run_forked

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.tables import conversations, endpoints, messages, metadata, turn_steps, turns, users
from quarterdeck.store.transfer import TableSum, sum_table
from quarterdeck.store.transfer_places import Place, SqlitePlace

ROOT = Path(__file__).parents[2]
_DYING_S = 120
HARD_TEXTS = ["", "plain", "Größe, naïve, 字, 🦊", "a\nb\tc\\ \"quoted\" 'x'", "\u2028\ufeff\U0010ffff", "x" * 5_000]


def database_of(folder: Path) -> Path:
    return folder / "quarterdeck.sqlite3"


def fill(connection: Connection, count: int, *, text: str = "") -> None:
    """An owner, a provider and `count` conversations with a question, an answer and its turn each."""
    owner = new_id()
    connection.execute(insert(users).values(id=owner, name="ann", role="owner", created_at=now_ms()))
    provider = {
        "name": "openai",
        "label": "OpenAI",
        "dialect": "openai",
        "base_url": "",
        "key_sealed": bytes(range(256)),
    }
    connection.execute(insert(endpoints).values(**provider, updated_at=0))
    for number in range(count):
        _add_conversation(connection, owner, text or HARD_TEXTS[number % len(HARD_TEXTS)], number)


def _add_conversation(connection: Connection, owner: str, text: str, number: int) -> None:
    talk, turn, question, answer = (new_id() for _ in range(4))
    mine = {"conversation_id": talk, "owner_id": owner, "created_at": number}
    connection.execute(
        insert(conversations).values(
            id=talk, owner_id=owner, external_id=talk, title=text, model="", assistant="", instructions="",
            temperature=[None, 0.1, 1.0, 1e-300][number % 4], created_at=number, updated_at=2**53 + number,
        )
    )  # fmt: skip
    said = {
        **mine,
        "status": "complete",
        "parts": f'[{{"kind":"text","text":"{number}"}}]',
        "model": text,
        "turn_id": turn,
    }
    connection.execute(insert(messages).values(id=question, role="user", **said))
    connection.execute(insert(messages).values(id=answer, role="assistant", parent_id=question, **said))
    connection.execute(
        insert(turns).values(
            id=turn, request_id=question, message_id=answer, status="complete", model="", assistant="",
            instructions="", send_key=turn, send_hash=bytes([number % 256]), lease_until=0, **mine,
        )
    )  # fmt: skip
    for attempt in (1, 2):
        step = {"step": number, "attempt": attempt, "model": "", "manifest": "{}", "started_at": 0}
        connection.execute(insert(turn_steps).values(turn_id=turn, **step))


def make_installation(folder: Path, count: int = 12, *, text: str = "") -> Path:
    """A data folder that a server could start on."""
    folder.mkdir(mode=0o700, parents=True)
    migrate_sqlite(database_of(folder))
    asyncio.run(SqlitePlace(database_of(folder)).write(lambda connection: fill(connection, count, text=text)))
    return folder


def sums_of(place: Place) -> dict[str, TableSum]:
    """What is in each table, to be compared."""
    return asyncio.run(
        place.read(lambda connection: {name: sum_table(connection, table) for name, table in metadata.tables.items()})
    )


def sums_in(folder: Path) -> dict[str, TableSum]:
    return sums_of(SqlitePlace(database_of(folder)))


def run_dying(at: int, *arguments: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command, killed before its `at`th word to a database; the status is negative when it was."""
    words = [str(at), *arguments]
    if can_fork(environment):
        return run_forked(words, folder, environment, _DYING_S, program="dying_command.py")
    script = Path(__file__).with_name("dying_command.py")
    return subprocess.run(
        [sys.executable, str(script), *words], cwd=folder, env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=_DYING_S, check=False,
    )  # fmt: skip


def change(path: Path, statement: str, *values: Any) -> None:
    """One statement in the file, without the product."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)
