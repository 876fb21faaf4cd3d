"""Section `context`: what a turn costs in a conversation of 10 to 100,000 messages, and how much the model is sent.

The conversations are put into the database before the server starts; then turns go to them one at a time, to each
conversation in turn, so that all see the same machine. Long ones are summarised on the way, as they would be.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import uvloop

from bench.driver import SocketClient
from bench.processes import Server, create_key, running, start_quarterdeck, start_upstream
from bench.tables import median, ms, table
from bench.upstream import model_name
from quarterdeck.domain.ids import new_id

SIZES = (10, 1_000, 10_000, 100_000)
_WORDS = "The harbour lay still under a thin mist while the crew wrote the day into the log. "
_LENGTH = 1_600  # characters of a message
_WARM_UP, _TURNS, _PARTS = 12, 5, 24
_MODEL = model_name(20, 0)
_EVERY_MS = 60_000


def measure() -> str:
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        upstream = servers.enter_context(running(start_upstream(folder), "/v1/models"))
        key = create_key(folder / "data")
        for size in SIZES:
            seed_conversation(folder / "data" / "quarterdeck.sqlite3", f"talk-{size}", size)
        quarterdeck = servers.enter_context(running(start_quarterdeck(folder / "data", upstream.port), "/readyz"))
        return uvloop.run(_measure(quarterdeck, key, folder / "data" / "quarterdeck.sqlite3"))


class _Figures:
    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.first_s: list[float] = []
        self.sent = (0, 0, 0)


async def _measure(server: Server, key: str, database: Path) -> str:
    client = SocketClient(server.port, key)
    await client.open()
    found = {size: _Figures() for size in SIZES}
    for _ in range(_WARM_UP):
        for size in SIZES:
            await _talk(client, size)
    for _ in range(_PARTS):
        for size, figures in found.items():
            _rewind(database, f"talk-{size}")
            before = server.cpu_s()
            turns = [await _talk(client, size) for _ in range(_TURNS)]
            figures.cpu_s += server.cpu_s() - before
            figures.first_s += [first_s for first_s, _ in turns]
            figures.sent = _sent(server.port, key, turns[-1][1])
    await client.close()
    return "\n\n".join([_heading(), _table(found)])


async def _talk(client: SocketClient, size: int) -> tuple[float, str]:
    """Seconds to the first token, and the turn. Raises: `RuntimeError` when it failed."""
    chat = await client.end_of(await client.begin(_MODEL, f"talk-{size}"))
    if chat.status != "complete":
        raise RuntimeError(f"a turn in the conversation of {size} ended with: {chat.status}")
    return chat.first_token_s, chat.turn


def _rewind(path: Path, name: str) -> None:
    """To where the conversation was seeded, so that it is as long in each part."""
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        (conversation,) = database.execute("SELECT id FROM conversations WHERE external_id = ?", [name]).fetchone()
        (tip,) = database.execute(
            "SELECT max(id) FROM messages WHERE conversation_id = ? AND turn_id = ''", [conversation]
        ).fetchone()
        database.execute("UPDATE conversations SET tip_id = ? WHERE id = ?", [tip, conversation])
        database.execute("UPDATE messages SET active_child_id = NULL WHERE id = ?", [tip])


def _sent(port: int, key: str, turn: str) -> tuple[int, int, int]:
    """Messages and tokens that the model was sent, and the budget."""
    request = urllib.request.Request(  # this very machine
        f"http://127.0.0.1:{port}/api/turns/{turn}/context", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        step = json.load(answer)["steps"][-1]
    return sum(entry["kind"] == "message" for entry in step["entries"]), step["counted"], step["budget"]


def _heading() -> str:
    turns = _TURNS * _PARTS
    return f"### A turn by the messages before it ({_LENGTH} characters each; {turns} turns each, in turn)"


def _table(found: dict[int, _Figures]) -> str:
    base = found[SIZES[0]]
    rows = []
    for size, figures in found.items():
        cpu, first = figures.cpu_s / (_TURNS * _PARTS) * 1000, median(figures.first_s)
        messages, tokens, budget = figures.sent
        rows.append(
            [
                f"{size:,}", f"{cpu:.1f}", f"{figures.cpu_s / base.cpu_s:.2f}", ms(first),
                f"{first / median(base.first_s):.2f}", f"{messages}", f"{tokens:,} of {budget:,}",
            ]
        )  # fmt: skip
    head = ["messages", "CPU ms", "ratio", "first token ms", "ratio", "messages sent", "tokens sent"]
    return table(head, rows)


def seed_conversation(path: Path, name: str, size: int, *, owner: str = "") -> None:
    """A conversation as if it had been led a message a minute, of the server's owner unless told otherwise."""
    with closing(sqlite3.connect(path)) as database, database:
        owner = owner or database.execute("SELECT id FROM users WHERE role = 'owner'").fetchone()[0]
        conversation = new_id()
        ids = [new_id() for _ in range(size)]
        values = (conversation, owner, name, name, f"openai/{_MODEL}", "", "", ids[-1], ids[0], 1, 1)
        database.execute(
            "INSERT INTO conversations (id, owner_id, external_id, title, model, assistant, instructions, tip_id,"
            " root_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        database.executemany(
            "INSERT INTO messages (id, conversation_id, owner_id, parent_id, role, status, parts, model, turn_id,"
            " created_at, active_child_id) VALUES (?, ?, ?, ?, ?, 'complete', ?, '', '', ?, ?)",
            _rows(ids, conversation, owner),
        )


def _rows(ids: list[str], conversation: str, owner: str) -> Iterator[tuple[object, ...]]:
    text = (_WORDS * (_LENGTH // len(_WORDS) + 1))[:_LENGTH]
    for number, message in enumerate(ids):
        parent = ids[number - 1] if number else None
        child = ids[number + 1] if number + 1 < len(ids) else None
        role = "assistant" if number % 2 else "user"
        parts = json.dumps([{"kind": "text", "text": f"{number} {text}"}])
        yield message, conversation, owner, parent, role, parts, 1_795_000_000_000 + number * _EVERY_MS, child
