"""The writer's book, on a database in memory or, with a second writer, in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.errors import LogError, StaleWriterError
from quarterdeck.log import ticks as ticks_room
from quarterdeck.log.base import FEED_KEEP, LogStatus, feed_name
from quarterdeck.log.ledger import Ledger, tidy
from quarterdeck.log.sql_file import make_tables, open_log_file
from quarterdeck.log.sql_format import CHUNK_ENTRIES, MAX_SEQ, SEQ_BITS, decode_tick, select_entries, select_status


def open_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    make_tables(connection)
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = open_memory()
    yield connection
    connection.close()


def bodies_of(connection: sqlite3.Connection, name: str) -> list[bytes]:
    found = select_entries(connection, name, 0, MAX_SEQ)
    assert [entry.seq for entry in found] == list(range(1, len(found) + 1))
    return [entry.body for entry in found]


def append(ledger: Ledger, name: str, seq: int, bodies: list[bytes]) -> None:
    """In a commit of its own."""
    ledger.begin()
    ledger.append(name, seq, bodies)
    ledger.commit()


def count(connection: sqlite3.Connection, table: str) -> int:
    [rows] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(rows)


def test_what_many_logs_append_in_a_commit_is_one_row(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    ledger.begin()
    for number in range(200):
        ledger.append(f"t{number}", 1, [b"one"])
    ledger.commit()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    ledger.begin()
    for number in range(200):
        ledger.append(f"t{number}", 2, [b"two"])
    ledger.commit()
    assert [said.split()[0] for said in statements] == ["BEGIN", "PRAGMA", "INSERT", "COMMIT"]
    assert (count(connection, "tick"), count(connection, "chunk")) == (2, 0)
    assert all(bodies_of(connection, f"t{number}") == [b"one", b"two"] for number in range(200))


def test_a_second_writer_is_found_out_before_anything_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    with closing(open_log_file(path)) as one, closing(open_log_file(path)) as other:
        late, new = Ledger(one), Ledger(other)
        append(late, "t", 1, [b"one"])
        append(new, "t", 2, [b"two"])  # read from ticks, and left there
        assert late.begin()
        with pytest.raises(StaleWriterError):
            late.append("t", 2, [b"late"])
        late.append("t", 3, [b"three"])
        late.commit()
        assert bodies_of(one, "t") == [b"one", b"two", b"three"]


def test_what_was_rolled_back_is_forgotten(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    append(ledger, "t", 1, [b"first"])
    ledger.begin()
    ledger.append("t", 2, [b"lost"])
    ledger.append("u", 1, [b"lost"])
    ledger.roll_back()
    append(ledger, "t", 2, [b"kept"])
    append(ledger, "u", 1, [b"kept"])
    assert bodies_of(connection, "t") == [b"first", b"kept"]
    assert bodies_of(connection, "u") == [b"kept"]


def test_a_log_dropped_in_the_commit_that_wrote_it_leaves_nothing(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    ledger.begin()
    ledger.append("t", 1, [b"one", b"two"])
    ledger.drop("t")
    ledger.append("t", 1, [b"again"])
    ledger.commit()
    assert bodies_of(connection, "t") == [b"again"]
    [packed] = connection.execute("SELECT appends FROM tick").fetchone()
    assert b"one" not in packed


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_dropped_log_is_gone_from_the_ticks_that_others_are_in(
    connection: sqlite3.Connection, is_restarted: bool
) -> None:
    ledger = Ledger(connection)
    for seq in range(1, 4):
        ledger.begin()
        ledger.append("stays", seq, [b"public"])
        ledger.append("goes", seq, [b"private"])
        ledger.commit()
    if is_restarted:
        ledger = Ledger(connection)
    ledger.begin()
    ledger.append("stays", 4, [b"public"])
    ledger.append("goes", 4, [b"private"])
    ledger.drop("goes")
    ledger.append("new", 1, [b"takes its number"])
    ledger.commit()
    rows = [*connection.execute("SELECT appends FROM tick"), *connection.execute("SELECT bodies FROM chunk")]
    assert not any(b"private" in packed for (packed,) in rows)
    assert bodies_of(connection, "stays") == [b"public"] * 4
    for reader in (ledger, Ledger(connection)):
        append(reader, "new", len(bodies_of(connection, "new")) + 1, [b"more"])
    assert bodies_of(connection, "new") == [b"takes its number", b"more", b"more"]


def test_the_end_of_a_log_moves_it_out_of_the_ticks(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    append(ledger, "t", 1, [b"one", b"two"])
    ledger.begin()
    ledger.append("t", 3, [b"three"])
    assert ledger.finish("t", 0)
    ledger.commit()
    connection.execute("DELETE FROM tick")
    assert bodies_of(connection, "t") == [b"one", b"two", b"three"]
    assert select_status(connection, "t") == LogStatus("finished", 1, 3)


def test_a_log_that_says_little_does_not_hold_up_the_ticks_of_others(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks_room, "LOOSE_TICKS", 100)
    ledger = Ledger(connection)
    append(ledger, "waits", 1, [b"for approval"])
    for seq in range(1, 1_001):
        append(ledger, "talks", seq, [b"%d" % seq])
        assert count(connection, "tick") <= 100 + CHUNK_ENTRIES + 32
    assert bodies_of(connection, "waits") == [b"for approval"]
    assert bodies_of(connection, "talks") == [b"%d" % seq for seq in range(1, 1_001)]


def test_what_is_loose_is_bounded_in_bytes(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks_room, "LOOSE_BYTES", 100_000)
    ledger = Ledger(connection)
    for number in range(1, 301):
        append(ledger, f"t{number}", 1, [b"x" * 2_000])
    assert count(connection, "tick") <= 100_000 // 2_000 + 32
    assert all(bodies_of(connection, f"t{number}") == [b"x" * 2_000] for number in range(1, 301))


def test_a_start_moves_what_was_left_in_ticks(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    for seq in range(1, 11):
        append(ledger, "t", seq, [b"%d" % seq])
    tidy(connection)
    assert (count(connection, "tick"), count(connection, "chunk")) == (0, 1)
    assert bodies_of(connection, "t") == [b"%d" % seq for seq in range(1, 11)]


def test_a_full_disk_does_not_keep_a_file_from_being_opened(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    append(ledger, "t", 1, [b"x" * 60_000])
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    tidy(connection)
    assert not connection.in_transaction
    assert count(connection, "tick") == 1
    assert bodies_of(connection, "t") == [b"x" * 60_000]


def test_a_reader_sees_what_moves_from_ticks_to_chunks_while_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    with closing(open_log_file(path)) as writing, closing(open_log_file(path)) as reader:
        ledger = Ledger(writing)
        append(ledger, "t", 1, [b"%d" % seq for seq in range(1, CHUNK_ENTRIES + 1)])
        append(ledger, "t", CHUNK_ENTRIES + 1, [b"loose"])

        def move(statement: str) -> None:
            if "FROM chunk WHERE key >=" in statement:  # the reader is about to leave the chunks
                reader.set_trace_callback(None)
                tidy(writing)

        reader.set_trace_callback(move)
        assert len(bodies_of(reader, "t")) == CHUNK_ENTRIES + 1
        assert count(writing, "tick") == 0, "they have moved meanwhile"


def test_a_feed_is_trimmed_to_its_newest(connection: sqlite3.Connection) -> None:
    ledger, feed = Ledger(connection), feed_name("ann")
    for seq in range(1, 3 * FEED_KEEP, 10):
        append(ledger, feed, seq, [b"x"] * 10)
    status = select_status(connection, feed)
    assert status is not None
    assert status.last - FEED_KEEP - 250 - 2 * CHUNK_ENTRIES < status.first <= status.last - FEED_KEEP + 1
    [oldest] = connection.execute("SELECT min(key) & ? FROM chunk", (MAX_SEQ,)).fetchone()
    assert oldest == status.first


def test_a_log_cannot_grow_into_the_next_ones_rows(connection: sqlite3.Connection) -> None:
    ledger = Ledger(connection)
    append(ledger, "t", 1, [b"one"])
    append(ledger, "next", 1, [b"one"])
    tidy(connection)
    connection.execute("UPDATE chunk SET key = ? WHERE key = ?", ((1 << SEQ_BITS) + MAX_SEQ - 1, (1 << SEQ_BITS) + 1))
    ledger = Ledger(connection)
    ledger.begin()
    with pytest.raises(LogError, match="full"):
        ledger.append("t", MAX_SEQ, [b"a", b"b"])
    ledger.commit()
    assert bodies_of(connection, "next") == [b"one"]


names = st.sampled_from(["a", "b", "c", "d"])
steps = st.one_of(
    st.tuples(st.just("append"), names, st.integers(1, 7)),
    st.tuples(st.just("finish"), names, st.just(0)),
    st.tuples(st.just("drop"), names, st.just(0)),
    st.tuples(st.just("restart"), names, st.just(0)),
    st.tuples(st.just("roll back"), names, st.integers(1, 7)),
)


@settings(deadline=None)
@given(commits=st.lists(st.lists(steps, min_size=1, max_size=5), max_size=40))
def test_whatever_moves_when_each_log_is_what_was_appended(commits: list[list[tuple[str, str, int]]]) -> None:
    """With limits so small that something moves in nearly each commit."""
    with pytest.MonkeyPatch.context() as patch, closing(open_memory()) as connection:
        for name, value in {
            "CHUNK_ENTRIES": 9,
            "LOOSE_TICKS": 6,
            "_LOOSE_ENTRIES": 12,
            "_LOOSE_ENTRIES_EACH": 1,
        }.items():
            patch.setattr(ticks_room, name, value)
        patch.setattr(ticks_room, "_TICKS_SLACK", 2)
        check(connection, commits)


def check(connection: sqlite3.Connection, commits: list[list[tuple[str, str, int]]]) -> None:
    ledger, model, finished = Ledger(connection), dict[str, list[bytes]](), set[str]()
    for number, commit in enumerate(commits):
        before = {name: list(bodies) for name, bodies in model.items()}, set(finished)
        ledger.begin()
        for step, name, size in commit:
            if step in ("append", "roll back") and name not in finished:
                bodies = [b"%s %d %d" % (name.encode(), number, at) for at in range(size)]
                ledger.append(name, len(model.get(name, [])) + 1, bodies)
                model.setdefault(name, []).extend(bodies)
            elif step == "finish":
                assert ledger.finish(name, 0) == (name in model)
                finished |= {name} & model.keys()
            elif step == "drop":
                ledger.drop(name)
                model.pop(name, None)
                finished.discard(name)
        if "roll back" in [step for step, _, _ in commit]:
            ledger.roll_back()
            model, finished = before
        else:
            ledger.commit()
        if "restart" in [step for step, _, _ in commit]:
            ledger = Ledger(connection)
        for name in "abcd":
            assert bodies_of(connection, name) == model.get(name, [])
    texts = b"".join(body for bodies in model.values() for body in bodies)
    for (packed,) in connection.execute("SELECT appends FROM tick"):
        assert all(body in texts for _, _, bodies in decode_tick(packed) for body in bodies), "dropped, and still there"
