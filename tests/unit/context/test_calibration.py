"""The ratio follows what is reported, and no report, however wrong, leads it out of what can be."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.stored import open_store
from tests.unit.turns.rig import until

from quarterdeck.context.calibration import LEAST, MOST, Calibration, smooth
from quarterdeck.store.sqlite import SqliteDatabase
from quarterdeck.store.token_ratios import Ratio, list_ratios


@given(st.lists(st.tuples(st.integers(-10, 10**9), st.integers(-(10**9), 10**12)), max_size=60))
def test_no_reports_lead_it_out_of_its_bounds(reports: list[tuple[int, int]]) -> None:
    known = Ratio()
    for estimated, reported in reports:
        known = smooth(known, estimated, reported)
        assert LEAST <= known.ratio <= MOST


@given(st.floats(0.7, 2.8))
def test_it_comes_near_to_what_is_reported_again_and_again(truth: float) -> None:
    known = Ratio()
    for _ in range(60):
        known = smooth(known, 10_000, round(10_000 * truth))
    assert abs(known.ratio - truth) < 0.02


def test_a_report_that_cannot_be_changes_nothing_and_one_alone_not_much() -> None:
    steady = Ratio(1.1, 50)
    for reported in (0, -5, 20, 10**9):
        assert smooth(steady, 10_000, reported) == steady
    assert abs(smooth(steady, 10_000, 40_000).ratio - 1.1) < 0.4
    assert smooth(steady, 10, 20) == steady, "of a short request a template's tokens are the most"


async def test_it_is_kept_for_the_next_process(tmp_path: Path, database: SqliteDatabase) -> None:
    calibration = Calibration(database)
    assert await calibration.ratio_of("fake/m") == 1.0
    calibration.note("fake/m", 10_000, 14_000)
    assert await calibration.ratio_of("fake/m") == 1.2

    async def is_written() -> bool:
        return bool(await database.read(list_ratios))

    await until(is_written)
    async with open_store(tmp_path) as other:
        assert await Calibration(other).ratio_of("fake/m") == 1.2
        assert await Calibration(other).ratio_of("fake/other") == 1.0
