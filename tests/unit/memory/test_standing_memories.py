"""Of memories that were made one, the one that stands for them."""

from __future__ import annotations

from quarterdeck.memory.merging import find_standing
from quarterdeck.store.memories import MemoryRow


def memory(name: str, stands: str | None = None, valid_to: int | None = None) -> MemoryRow:
    return MemoryRow(
        id=name, owner_id="ann", kind="fact", text=name, origin="user", model="", confidence=1.0, taint="",
        fingerprint=name, said_at=1, valid_from=None, valid_to=valid_to, superseded_by=stands,
        created_at=1, updated_at=1,
    )  # fmt: skip


def standing(start: str, *rows: MemoryRow) -> str | None:
    known = {row.id: row for row in rows}
    found = find_standing(known[start], known.get)
    return None if found is None else found.id


def test_it_is_found_from_each_of_them() -> None:
    rows = memory("a", "b"), memory("b", "c"), memory("c")
    assert [standing(row.id, *rows) for row in rows] == ["c", "c", "c"]


def test_what_was_contradicted_stands_for_itself() -> None:
    assert standing("a", memory("a", "b"), memory("b", "c", valid_to=5), memory("c")) == "b"


def test_there_is_none_where_it_was_forgotten_or_they_stand_for_each_other() -> None:
    assert standing("a", memory("a", "gone")) is None
    assert standing("a", memory("a", "b"), memory("b", "a")) is None
    assert standing("a", memory("a", "a")) is None
