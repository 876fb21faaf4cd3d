"""Times of every size can be told, and ids are found since any of them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from quarterdeck.context.times import sent_line
from quarterdeck.domain.ids import least_id, new_id
from quarterdeck.domain.periods import local_time, write_time
from quarterdeck.store.memories import MemoryRow
from quarterdeck.tools.quoting import quote_memory


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize(("at", "year"), [(1 << 62, "9999-12-3"), (-(1 << 62), "1-01-0"), (0, "19")])
def test_any_number_is_a_time_of_a_calendar(at: int, year: str, zone: str) -> None:
    assert year in write_time(local_time(at, ZoneInfo(zone)))


@pytest.mark.parametrize("at", [1 << 48, 1 << 50, (1 << 50) + 1])
def test_no_id_is_of_a_time_that_ids_do_not_reach(at: int) -> None:
    assert least_id(at) > new_id()
    assert len(least_id(at)) == len(new_id())


def test_all_ids_are_of_a_time_after_one_before_1970() -> None:
    assert least_id(-1) == least_id(0) < new_id()


def test_what_is_from_such_a_time_is_told_to_a_model() -> None:
    far = 1 << 50
    row = MemoryRow(
        id="m", owner_id="u", kind="fact", text="Momo is a cat.", origin="import", model="", confidence=1.0, taint="",
        fingerprint="", said_at=far, valid_from=-far, valid_to=far, created_at=0, updated_at=0,
    )  # fmt: skip
    assert 'said="Thu 9999-12-30 23:59 +00:00"' in quote_memory(row, ZoneInfo("UTC"))
    assert sent_line(far, ZoneInfo("UTC"), 0, "assistant").startswith("[Sent Thu 9999-12-30")
