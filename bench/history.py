"""Section `history`: opening, jumping into and editing a conversation, and listing them, by how many there are.

Everything is asked over HTTP of one server on SQLite, one request after the other, each size in turn.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from bench.context import seed_conversation
from bench.processes import Server, create_key, running, start_quarterdeck, start_upstream
from bench.tables import median, ms, percentile, table
from quarterdeck.accounts.tokens import hash_secret, new_token
from quarterdeck.domain.ids import new_id

SIZES = (10, 1_000, 100_000)
_REPEATS = 60
_PAGE = 50


def measure() -> str:
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        upstream = servers.enter_context(running(start_upstream(folder), "/v1/models"))
        create_key(folder / "data")
        database = folder / "data" / "quarterdeck.sqlite3"
        keys = {size: _seed(database, size) for size in SIZES}
        quarterdeck = servers.enter_context(running(start_quarterdeck(folder / "data", upstream.port), "/readyz"))
        return _measure(quarterdeck, keys)


def _measure(server: Server, keys: dict[int, str]) -> str:
    found: dict[str, dict[int, list[float]]] = {}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        asking = {size: _Asking(connection, key, size) for size, key in keys.items()}
        for number in range(_REPEATS):
            for size, asked in asking.items():
                for name, action in asked.actions(number).items():
                    begun = time.perf_counter()
                    action()
                    found.setdefault(name, {}).setdefault(size, []).append(time.perf_counter() - begun)
    return "\n\n".join([f"### History by its length ({_REPEATS} requests each, in turn)", _table(found)])


class _Asking:
    """One person, who has as many conversations as the long one of them has messages."""

    def __init__(self, connection: http.client.HTTPConnection, key: str, size: int) -> None:
        self._connection, self._size = connection, size
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._versions: dict[str, int] = {}
        path = f"/api/conversations/talk-{size}/messages"
        self._open = f"{path}?limit={_PAGE}"
        ids = [message["id"] for message in self.ask("GET", f"{path}?limit=1000")["items"]]
        self._near, self._middle = ids[-1], ids[len(ids) // 2]
        self._around = f"{path}?around={self._middle}&limit={_PAGE}"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Raises: `RuntimeError` when it is refused."""
        self._connection.request(method, path, json.dumps(body) if body is not None else None, self._headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:300]!r}")
        return json.loads(said)

    def actions(self, number: int) -> dict[str, Callable[[], object]]:
        return {
            "open: the last 50 messages": lambda: self.ask("GET", self._open),
            "jump: 50 messages around one": lambda: self.ask("GET", self._around),
            "edit a message in place": lambda: self._edit(self._middle, f"changed {number}"),
            "list 50 conversations": lambda: self.ask("GET", f"/api/conversations?limit={_PAGE}"),
            "look for a title that nobody has": lambda: self.ask(
                "GET", f"/api/conversations?limit={_PAGE}&q=zebrafink"
            ),
        }

    def _edit(self, message: str, text: str) -> None:
        version = self._versions.get(message, 1)
        changed = self.ask("PATCH", f"/api/messages/{message}", {"text": text, "version": version})
        self._versions[message] = changed["version"]


def _table(found: dict[str, dict[int, list[float]]]) -> str:
    head = ["", *(f"{size:,}: p50 ms" for size in SIZES), f"p95 at {SIZES[-1]:,}", "ratio"]
    rows = []
    for name, times in found.items():
        middle = [median(times[size]) for size in SIZES]
        late = percentile(times[SIZES[-1]], 0.95)
        rows.append([name, *map(ms, middle), ms(late), f"{middle[-1] / middle[0]:.2f}"])
    return table(head, rows)


def _seed(path: Path, size: int) -> str:
    """A member with a conversation of `size` messages and `size` short ones beside it; their key."""
    person, token = new_id(), new_token("key")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO users (id, name, role, created_at, name_key) VALUES (?, ?, 'member', 1, ?)",
            [person, f"person {size}", f"person {size}"],
        )
        database.execute(
            "INSERT INTO api_keys (id, user_id, secret_hash, name, created_at) VALUES (?, ?, ?, 'bench', 1)",
            [token.id, person, hash_secret(token.secret)],
        )
        database.executemany(
            "INSERT INTO conversations (id, owner_id, external_id, title, model, assistant, instructions, created_at,"
            " updated_at) VALUES (?, ?, ?, 'short', '', '', '', 1, ?)",
            _short_ones(person, size),
        )
    seed_conversation(path, f"talk-{size}", size, owner=person)
    return str(token)


def _short_ones(person: str, count: int) -> Iterator[tuple[str, str, str, int]]:
    for number in range(count):
        name = new_id()
        yield name, person, name, 1_795_000_000_000 + number
