"""The parts of `scripts/` that decide something: when to install again, and whether the tests passed."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


fingerprint = _load("fingerprint").fingerprint
tiers = _load("tiers")
count_tests = tiers.count_tests


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "src" / "a.ts").write_text("one")
    (tmp_path / "lock").write_text("two")
    return tmp_path


def test_the_same_files_have_the_same_fingerprint(folder: Path) -> None:
    before = fingerprint(folder, ["web", "lock"])
    (folder / "web" / "src" / "a.ts").write_text("one")
    assert fingerprint(folder, ["web", "lock"]) == before


def test_a_changed_renamed_added_or_removed_file_changes_the_fingerprint(folder: Path) -> None:
    seen = [fingerprint(folder, ["web", "lock"])]
    (folder / "web" / "src" / "a.ts").write_text("three")
    seen.append(fingerprint(folder, ["web", "lock"]))
    (folder / "web" / "src" / "a.ts").rename(folder / "web" / "src" / "b.ts")
    seen.append(fingerprint(folder, ["web", "lock"]))
    (folder / "web" / "c.ts").touch()
    seen.append(fingerprint(folder, ["web", "lock"]))
    (folder / "lock").unlink()
    seen.append(fingerprint(folder, ["web", "lock"]))
    assert len(set(seen)) == len(seen)


def test_what_tools_make_does_not_count(folder: Path) -> None:
    before = fingerprint(folder, ["web"])
    for name in ("node_modules", "__pycache__"):
        (folder / "web" / name).mkdir()
        (folder / "web" / name / "made").touch()
    assert fingerprint(folder, ["web"]) == before


@pytest.mark.parametrize(
    ("text", "status", "passed", "failed"),
    [
        ("===== 12 passed, 3 skipped in 4.56s =====", 0, 12, 0),
        ("FAILED a.py::test_b\n=== 1 failed, 11 passed, 2 errors in 4.56s (0:00:04) ===", 1, 11, 3),
        ("3 passed in the middle of a test's own words", 1, 0, 1),
        ("===== 12 passed in 4.56s =====", 3, 12, 1),
        ("===== no tests ran in 0.01s =====", 5, 0, 1),
        (" Test Files  1 failed | 8 passed (9)\n      Tests  2 failed | 80 passed (82)", 1, 80, 2),
        (" Test Files  9 passed (9)\n      Tests  82 passed (82)", 0, 82, 0),
        ("All checks passed!", 0, 1, 0),
        ("Found 1 error.", 1, 0, 1),
        ("", -9, 0, 1),
    ],
)
def test_a_step_counts_its_tests_or_is_one_check(text: str, status: int, passed: int, failed: int) -> None:
    result = count_tests("step", text, status, 0.0)
    assert (result.passed, result.failed) == (passed, failed)


FAILED = """\
==================================== ERRORS ====================================
_____ ERROR at setup of test_c _____
E   no room
=================================== FAILURES ===================================
_____ test_a[one] _____
    assert 1 == 2
E   assert 1 == 2
_____ test_b _____
E   AssertionError: it is late
E     by 3 s
=========================== short test summary info ============================
FAILED a.py::test_a[one] - assert 1 == 2
== 2 failed, 3 passed in 4.56s ==
"""


def test_what_was_wrong_stands_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    tiers.print_table([count_tests("tests", FAILED, 1, 0.0), count_tests("more", PRINTED, 0, 0.0)])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line]
    assert lines[lines.index("failed:") + 1 :] == [
        "ERROR at setup of test_c", "no room", "test_a[one]", "assert 1 == 2",
        "test_b", "AssertionError: it is late", "by 3 s", "6 passed, 2 failed"
    ]  # fmt: skip


PRINTED = """\
tests/a.py ...
================================= guarantees ==================================
G10 deaf sockets are dropped: 0 violations of 12 trials
G9 PostgreSQL restarted: 1 violations of 90 trials; slowest 1.2 s; 3 refused
nobody reaches another's things: 0 violations of 7 trials
============================== 3 passed in 4.56s ==============================
"""


def test_the_figures_of_all_steps_become_one_table_in_the_order_of_the_guarantees(
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = PRINTED.splitlines()[1] + "\nG2 sends are idempotent: 0 violations of 5 trials\n== 1 passed in 1s =="
    tiers.print_guarantees([count_tests("tests", PRINTED, 0, 0.0), count_tests("browser", other, 0, 0.0)])
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines() if line]
    assert [row[0] for row in rows] == [
        "guarantee", "G2 sends are idempotent", "G9 PostgreSQL restarted", "G10 deaf sockets are dropped",
        "nobody reaches another's things",
    ]  # fmt: skip
    assert [cell.strip() for cell in rows[2] if cell.strip()][1:] == ["1", "90", "slowest 1.2 s; 3 refused"]


def test_a_step_without_guarantees_prints_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    tiers.print_guarantees([count_tests("lint", "All checks passed!", 0, 0.0)])
    assert capsys.readouterr().out == ""


def test_a_test_that_was_tried_once_more_is_named() -> None:
    test = "tests/faults/test_kill.py::test_it"
    text = f"RERUN {test}\nPASSED {test}\n=== 1 passed, 1 rerun in 5.38s ===\n"
    result = count_tests("tests", text, 0, 5.0)
    assert (result.passed, result.failed, result.again) == (1, 0, [test])


def test_one_process_compiles_the_tests_for_all_workers_unless_they_are_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[str] = []

    def run_lanes(*lanes: list[Any]) -> list[Any]:
        begun.extend(step.name for step in lanes[0])
        assert "PYTHONDONTWRITEBYTECODE" not in os.environ, "nothing would be kept"
        return []

    monkeypatch.setattr(tiers, "run_lanes", run_lanes)
    monkeypatch.setattr(tiers, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(tiers, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    tiers.main(["all"])
    assert begun[:2] == ["collect", "tests"]
    compiled = tmp_path / "tests" / "__pycache__"
    compiled.mkdir(parents=True)
    (compiled / "conftest.cpython-311-pytest-9.2.0.pyc").touch()
    begun.clear()
    tiers.main(["all"])
    assert begun[0] == "tests"
