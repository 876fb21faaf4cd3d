"""G13: beside this version go on the clients of version 0.1.0, and a process that still writes as it did.

What they say was recorded: `tests/fixtures/clients/0.1.0.json` by `record` in tests/harness/recorded.py, and the
statements from a server of version 0.1.0 through the same conversation.
"""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from tests.conftest import MakeFleet, MakeServer, Report
from tests.fakes.script import Script, words
from tests.harness.full_client import Frame
from tests.harness.postgres import Databases
from tests.harness.recorded import find_missing, read_pages, run_of, shape_of, speak, speak_simply
from tests.harness.server import Server
from tests.harness.simple_client import entries_of
from tests.harness.upstream import Upstream

from quarterdeck.store.migrate import migrate_sqlite
from quarterdeck.store.migrate_postgres import migrate_postgres
from quarterdeck.store.transfer_places import Place, PostgresPlace, SqlitePlace
from quarterdeck.store.transfer_schema import make_tables

CLIENTS = Path(__file__).parents[1] / "fixtures" / "clients"
OLD = json.loads((CLIENTS / "0.1.0.json").read_text())
STATEMENTS = [json.loads(line) for line in (CLIENTS / "0.1.0-statements.jsonl").read_text().splitlines()]
IN_MID_TURN = next(number for number, one in enumerate(STATEMENTS) if "INTO turn_steps" in one["sql"])


@pytest.mark.parametrize("kind", ["one process", "two servers"])
async def test_a_client_of_the_previous_version_finds_all_it_knows(
    make_server: MakeServer, make_fleet: MakeFleet, upstream: Upstream, report: Report, kind: str
) -> None:
    if kind == "one process":
        server = make_server().start()
    else:
        fleet = make_fleet()
        server = fleet.serve()
        fleet.serve()
    model = upstream.model(Script(pieces=words(20), delay_s=0.01))
    heard = await speak(server.port, server.key, OLD["says"], model)
    wrong = find_changes(OLD, heard)
    simple = await speak_simply(server.port, server.key, model)
    wrong += [] if entries_of(simple) == entries_of(OLD["simple"]) else [f"simple frames: {simple}"]
    wrong += [found for frame in simple for found in find_unknown_fields(frame)]
    pages = await asyncio.to_thread(fetch, server)
    for path, shape in OLD["pages"].items():
        wrong += find_missing(shape, shape_of(pages[path]), path)
    report(f"G13 a client of version 0.1.0, {kind}", wrong, len(OLD["frames"]) + len(simple) + len(pages))


def fetch(server: Server) -> dict[str, Any]:
    with server.http() as http:
        return read_pages(http, list(OLD["pages"]))


def find_unknown_fields(frame: Frame) -> list[str]:
    """The four-field frames are a promise to the letter."""
    return [f"{name} in {frame}" for name in frame.keys() - {"tag", "chunk", "chatId", "done"}]


def find_changes(old: dict[str, Any], heard: list[Frame]) -> list[str]:
    """The same frames in the same order; of text and of the feed, whose number varies, each kind."""
    now = run_of([frame for frame in heard if frame["type"] != "feed"])
    if now != old["run"]:
        return [f"the run was {old['run']} and is {now}"]
    wrong = []
    shapes = [shape_of(frame) for frame in heard]
    kinds = [kind_of(frame) for frame in heard]
    recorded = list(zip(old["kinds"], old["frames"], strict=True))
    for kind in {kind for kind, shape in recorded if varies(kind, shape)}:
        shape = next(shape for found, shape in recorded if found == kind)
        wrong += find_missing(shape, shapes[kinds.index(kind)], kind) if kind in kinds else [f"no {kind} came"]
    fixed = [(kind, shape) for kind, shape in recorded if not varies(kind, shape)]
    today = [shape for kind, shape in zip(kinds, shapes, strict=True) if not varies(kind, shape)]
    for (kind, shape), found in zip(fixed, today, strict=True):
        wrong += find_missing(shape, found, kind)
    return wrong


def varies(kind: str, shape: Any) -> bool:
    return kind == "text.delta" or ("event" in shape and "turn" not in shape)


def kind_of(frame: Frame) -> str:
    return str(frame["event"]["type"] if "event" in frame else frame["type"])


@pytest.mark.parametrize(
    ("gone", "kinds"), [("turn", ["following", "accepted"]), ("seq", ["event"]), ("expected", ["error"])]
)
async def test_a_field_that_is_gone_would_be_seen(
    server: Server, upstream: Upstream, gone: str, kinds: list[str]
) -> None:
    """The negative control."""
    model = upstream.model(Script(pieces=words(20), delay_s=0.01))
    heard = await speak(server.port, server.key, OLD["says"], model)
    last = max(number for number, frame in enumerate(heard) if gone in frame and frame["type"] in kinds)
    heard[last] = {name: held for name, held in heard[last].items() if name != gone}
    assert find_changes(OLD, heard)


async def test_a_frame_too_many_or_too_few_would_be_seen(server: Server, upstream: Upstream) -> None:
    heard = await speak(server.port, server.key, OLD["says"], upstream.model(Script(pieces=words(20), delay_s=0.01)))
    assert find_changes(OLD, heard) == []
    assert find_changes(OLD, heard[1:])
    assert find_changes(OLD, [*heard, {"type": "surprise"}])


@pytest.mark.parametrize("kind", ["file", "server"])
async def test_a_process_of_the_previous_version_goes_on_writing_after_the_migration(
    tmp_path: Path, postgres: Databases, report: Report, kind: str
) -> None:
    place, url = new_place(tmp_path, postgres, kind)
    await place.write(lambda connection: make_tables(connection, "0001"))
    wrong = await place.write(lambda connection: run_all(connection, STATEMENTS[:IN_MID_TURN]))
    if url:
        await migrate_postgres(url, keep_nothing)
    else:
        migrate_sqlite(tmp_path / "quarterdeck.sqlite3")
    wrong += await place.write(lambda connection: run_all(connection, STATEMENTS[IN_MID_TURN:]))
    answers = await place.read(
        lambda connection: connection.execute(text("SELECT status FROM messages WHERE role = 'assistant'")).all()
    )
    wrong += [] if [tuple(row) for row in answers] == [("complete",)] * 2 else [f"the answers are {answers}"]
    report(f"G13 a process of version 0.1.0 on new tables, {kind}", wrong, len(STATEMENTS))


def new_place(folder: Path, postgres: Databases, kind: str) -> tuple[Place, str]:
    if kind == "file":
        return SqlitePlace(folder / "quarterdeck.sqlite3"), ""
    url = postgres.new_database(is_empty=True)
    return PostgresPlace(url), url


async def keep_nothing(_current: str) -> Path | None:
    return None


def run_all(connection: Connection, statements: list[dict[str, Any]]) -> list[str]:
    """What did not change as many rows as it did with version 0.1.0."""
    wrong = []
    for statement in statements:
        parts = statement["sql"].split("?")
        sql = "".join(f"{part}:p{number}" for number, part in enumerate(parts[:-1])) + parts[-1]
        count = 0
        for row in statement["rows"]:
            values = {f"p{number}": decode(value) for number, value in enumerate(row)}
            count += connection.execute(text(sql), values).rowcount
        if count != statement["count"]:
            wrong.append(f"{count} instead of {statement['count']} rows: {sql[:80]}")
    return wrong


def decode(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value
