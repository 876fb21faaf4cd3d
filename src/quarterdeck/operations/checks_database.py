"""The database: there, of this version, whole, and its clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from quarterdeck.config import Settings
from quarterdeck.errors import SetupError
from quarterdeck.operations.findings import Finding, fail, ok, size_text, warn
from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.migrate import COPYING, HEAD, refuse_unknown
from quarterdeck.store.transfer_places import Place, SqlitePlace, place_of
from quarterdeck.store.transfer_schema import MissingIndex, find_missing, find_missing_indexes, read_revision

_CLOCK_MS = 1_000
_BACKUP = "Restore a backup: quarterdeck restore FILE --replace"
_ANEW = "Stop the server and run: quarterdeck backup FILE && quarterdeck restore FILE --replace, which makes it anew"


class _Seen(Struct):
    revision: str | None
    bytes: int
    version: str
    clock_ms: int  # of the database, less this machine's
    damage: str = ""
    connections: tuple[int, int] = (0, 0)  # in use, at most
    missing: dict[str, list[str]] = field(default_factory=dict)  # as `find_missing` has it
    indexes: list[MissingIndex] = field(default_factory=list)


async def check_database(settings: Settings) -> AsyncIterator[Finding]:
    place = place_of(settings.database_url, settings.data_dir)
    if isinstance(place, SqlitePlace) and not place.path.exists():
        yield ok("database", "not there yet; the first start makes it")
        return
    try:
        seen = await place.read(_look)
    except SetupError as error:
        yield fail("database", error.message, _advise(place, error))
        return
    for finding in _judge(place, seen):
        yield finding


def _advise(place: Place, error: SetupError) -> str:
    """A backup in its place is for a file that is damaged, not for one that cannot be reached just now."""
    if not isinstance(place, SqlitePlace):
        return "See docs/operations.md."
    return "Mend its disk, its owner and its modes." if isinstance(error.__cause__, OperationalError) else _BACKUP


def _judge(place: Place, seen: _Seen) -> Iterator[Finding]:
    yield ok("database", f"{seen.version}, {place.name}, {size_text(seen.bytes)}")
    yield _judge_revision(seen.revision)
    for name, columns in seen.missing.items():
        yield fail("tables", _say_missing(name, columns), _BACKUP)
    for index in seen.indexes:
        yield _judge_index(index)
    if seen.damage:
        yield fail("integrity", f"the file is damaged: {seen.damage}", _BACKUP)
    elif isinstance(place, SqlitePlace):
        yield ok("integrity", "the file is whole")
    else:
        yield from _judge_server(seen)


def _judge_revision(revision: str | None) -> Finding:
    if revision is None:
        return ok("tables", "not there yet; the first start makes them")
    try:
        refuse_unknown(revision)
    except SetupError as error:
        advice = "Run the copy again." if revision == COPYING else "Install the newer version."
        return fail("tables", error.message, advice)
    if revision != HEAD:
        return warn("tables", f"revision {revision}, this version has {HEAD}", "Run: quarterdeck migrate")
    return ok("tables", f"revision {revision}, as this version has")


def _say_missing(name: str, columns: list[str]) -> str:
    if not columns:
        return f"{name} is missing: without it, parts of Quarterdeck fail"
    if len(columns) == 1:
        return f"{name} has no column {columns[0]}: without it, parts of Quarterdeck fail"
    return f"{name} has no columns {', '.join(columns[:-1])} and {columns[-1]}: without them, parts of Quarterdeck fail"


def _judge_index(index: MissingIndex) -> Finding:
    says = f"{index.name} of {index.table} is missing: "
    if index.is_unique:
        return fail("indexes", says + "what must be there once can be there twice", _ANEW)
    return warn("indexes", says + "what is looked for by it takes longer", _ANEW)


def _judge_server(seen: _Seen) -> Iterator[Finding]:
    says = f"the database's clock and this machine's differ by {abs(seen.clock_ms) / 1000:.1f} s"
    if abs(seen.clock_ms) > _CLOCK_MS:
        yield warn("clock", says, "Let both follow a time server (NTP).")
    else:
        yield ok("clock", says)
    used, limit = seen.connections
    says = f"{used} of {limit} connections are in use"
    if used > 0.8 * limit:
        yield warn("connections", says, "Raise max_connections, or lower QUARTERDECK_DATABASE_POOL.")
    else:
        yield ok("connections", says)


def _look(connection: Connection) -> _Seen:
    return _look_at_file(connection) if connection.dialect.name == "sqlite" else _look_at_server(connection)


def _look_at_file(connection: Connection) -> _Seen:
    pages, page_bytes = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("page_count", "page_size")
    )
    found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    damage = "" if found == "ok" else found
    if not damage and (orphan := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
        damage = f"a row of {orphan[0]} belongs to one that is not there"
    revision = read_revision(connection)
    seen = _Seen(revision, pages * page_bytes, f"SQLite {sqlite3.sqlite_version}", 0, damage)
    return seen if damage else _look_for_missing(connection, seen)


def _look_for_missing(connection: Connection, seen: _Seen) -> _Seen:
    """Nothing is of a revision that this version does not know."""
    if seen.revision is None:
        return seen
    try:
        missing = find_missing(connection, seen.revision)
        return replace(seen, missing=missing, indexes=find_missing_indexes(connection, seen.revision))
    except SetupError:
        return seen


def _look_at_server(connection: Connection) -> _Seen:
    def ask(question: str) -> int:
        return int(connection.execute(text(question)).scalar_one())

    asked_ms = time.time() * 1000
    theirs_ms = database_now_ms(ReadConnection(connection))
    ours_ms = (asked_ms + time.time() * 1000) / 2
    version = str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
    seen = _Seen(
        read_revision(connection),
        ask("SELECT pg_database_size(current_database())"),
        f"PostgreSQL {version}",
        round(theirs_ms - ours_ms),
        connections=(
            ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"),
            ask("SELECT setting::int FROM pg_settings WHERE name = 'max_connections'"),
        ),
    )
    return _look_for_missing(connection, seen)
