"""Runs the checks and the tiers of tests, two lanes at a time, and prints what the guarantees gave and one table.

    python scripts/tiers.py check           lint, types, architecture
    python scripts/tiers.py all [--long]    those, the page's tests, all tiers of tests, then the browser

Each step's output is kept in test-results/<step>.log and shown when the step fails. Beside the tests, each
check counts as one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results"
TAIL_LINES = 200
REASON_LINES, REASON_CHARACTERS = 15, 200
ANSI = re.compile(r"\x1b\[[0-9;]*m")
GUARANTEE = re.compile(r"(.+): (\d+) violations of (\d+) trials(?:; (.*))?")


@dataclass(frozen=True)
class Step:
    name: str
    command: list[str]


@dataclass(frozen=True)
class Guarantee:
    """What a test of a guarantee (`report` in tests/conftest.py) said at the end of its run."""

    name: str
    violations: int
    trials: int
    figures: str


@dataclass(frozen=True)
class Result:
    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    guarantees: list[Guarantee] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    """The tests that failed at first."""
    reasons: list[str] = field(default_factory=list)
    """Of each test that failed its name, and below it what was wrong."""


def _python(name: str, *arguments: str) -> Step:
    return Step(name, [sys.executable, *arguments])


CHECKS = [
    _python("ruff", "-m", "ruff", "check", "."),
    _python("format", "-m", "ruff", "format", "--check", "."),
    Step("imports", ["lint-imports"]),
    _python("types", "-m", "mypy"),
    _python("bandit", "-m", "bandit", "--quiet", "--recursive", "src"),
    _python("page-types", "scripts/page.py", "run", "types"),
    _python("page-lint", "scripts/page.py", "run", "lint"),
]
PAGE_TESTS = [_python("page-tests", "scripts/page.py", "run", "test")]
# Real processes and browsers on a busy machine miss a moment now and then: what fails is tried once more and named at
# the end. A guarantee that was violated is not tried again: once is too often.
AGAIN = ["-rR", "--reruns", "1", "--rerun-except", "violated"]
# Tests wait for processes, leases and pages for much of their time: others run meanwhile, so more than there are cores.
_APART = ["--ignore=tests/e2e", "--ignore=tests/faults"]
# Compiled tests load in about half the time. One process compiles them for all workers, who would all do it at once.
COMPILING = [_python("collect", "-m", "pytest", "--collect-only", "-q", *_APART)]
TESTS = [_python("tests", "-m", "pytest", "-n", "4", "--dist", "loadgroup", *_APART, *AGAIN)]
# Here seconds are part of what is promised: nothing but other faults runs meanwhile, beside some tests not even those.
FAULT_TESTS = [
    _python("faults", "-m", "pytest", "-n", "3", "--dist", "loadgroup", "tests/faults", "-m", "not alone", *AGAIN),
    _python("alone", "-m", "pytest", "tests/faults", "-m", "alone", *AGAIN),
]
BROWSER_TESTS = [_python("browser", "-m", "pytest", "-n", "3", "--dist", "loadgroup", "tests/e2e", *AGAIN)]


def is_compiled() -> bool:
    """Whether pytest has left compiled tests beside the sources."""
    return any((ROOT / "tests" / "__pycache__").glob("conftest.*-pytest-*.pyc"))


def run_step(step: Step) -> Result:
    """Run one step and say how it went; what it printed is shown if it failed."""
    log = RESULTS / f"{step.name}.log"
    started = time.monotonic()
    with log.open("w") as output:
        done = subprocess.run(
            step.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    seconds = time.monotonic() - started
    text = ANSI.sub("", log.read_text(errors="replace"))
    result = count_tests(step.name, text, done.returncode, seconds)
    lines = [f"{'ok    ' if not result.failed else 'FAILED'} {step.name} ({seconds:.0f} s)"]
    if result.failed:
        lines += text.splitlines()[-TAIL_LINES:]
    print("\n".join(lines), flush=True)
    return result


def count_tests(name: str, text: str, status: int, seconds: float) -> Result:
    """Tests from the last line that counts them; a step that counts none is one check."""
    totals = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
    counted = [line for line in text.splitlines() if re.match(r"(=+ .*\d+ \w+.* in |\s*Tests\s+\d)", line)]
    for number, word in re.findall(r"(\d+) (passed|failed|error|skipped)", counted[-1] if counted else ""):
        totals[word] += int(number)
    failed = totals["failed"] + totals["error"]
    if status != 0 and not failed:
        failed = 1
    passed = totals["passed"] if counted else int(status == 0)
    again = re.findall(r"^RERUN (\S+)", text, re.MULTILINE)
    reasons = read_reasons(text) if failed else []
    return Result(name, passed, failed, totals["skipped"], seconds, read_guarantees(text), again, reasons)


def read_reasons(text: str) -> list[str]:
    """The names of failures and the first lines of what was wrong, for a log that is read from its end."""
    _, *sections = re.split("= (?:ERRORS|FAILURES) =", text)
    reasons: list[str] = []
    told = 0
    for line in "\n".join(sections).splitlines():
        if heading := re.fullmatch(r"_{3,} (.+) _{3,}", line):
            reasons.append(heading[1])
            told = 0
        elif line.startswith("E  ") and told < REASON_LINES:
            reasons.append(f"    {line[3:].strip()[:REASON_CHARACTERS]}")
            told += 1
    return reasons


def read_guarantees(text: str) -> list[Guarantee]:
    """The lines of the section `guarantees` of a step's output."""
    _, _, section = text.rpartition("= guarantees =")
    found = [GUARANTEE.fullmatch(line.strip()) for line in section.splitlines()]
    return [Guarantee(line[1], int(line[2]), int(line[3]), line[4] or "") for line in found if line]


def run_lanes(*lanes: list[Step]) -> list[Result]:
    """The steps of a lane one after the other, the lanes beside each other."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        return [result for lane in pool.map(lambda steps: [run_step(step) for step in steps], lanes) for result in lane]


def print_guarantees(results: list[Result]) -> None:
    """Of all steps, by number; those without one, the attacks, come last."""
    found = sorted((guarantee for result in results for guarantee in result.guarantees), key=_place)
    if not found:
        return
    width = max(len(guarantee.name) for guarantee in found)
    print(f"\n{'guarantee':<{width}}{'violations':>12}{'trials':>8}  figures")
    for guarantee in found:
        line = f"{guarantee.name:<{width}}{guarantee.violations:>12}{guarantee.trials:>8}  {guarantee.figures}"
        print(line.rstrip())


def _place(guarantee: Guarantee) -> tuple[int, str]:
    number = re.match(r"G(\d+)", guarantee.name)
    return (int(number[1]) if number else sys.maxsize, guarantee.name)


def print_table(results: list[Result]) -> None:
    print(f"\n{'step':<12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for result in results:
        print(f"{result.name:<12}{result.passed:>8}{result.failed:>8}{result.skipped:>9}{result.seconds:>9.1f}")
    again = [test for result in results for test in result.again]
    if again:
        print("\nfailed at first and tried once more:", *again, sep="\n  ")
    if reasons := [line for result in results for line in result.reasons]:
        print("\nfailed:", *reasons, sep="\n  ")
    print(f"\n{sum(result.passed for result in results)} passed, {sum(result.failed for result in results)} failed")


def main(arguments: list[str]) -> int:
    options = set(arguments[1:])
    if not arguments or arguments[0] not in ("check", "all") or options - {"--long"}:
        sys.exit(__doc__)
    if "--long" in options:
        os.environ["QUARTERDECK_TEST_LONG"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # images set it: each process would compile all tests again
    RESULTS.mkdir(exist_ok=True)
    if arguments[0] == "check":
        results = run_lanes(CHECKS[:5], CHECKS[5:])
    else:
        tests = TESTS if is_compiled() else [*COMPILING, *TESTS]
        results = run_lanes(tests, [*CHECKS, *PAGE_TESTS])
        results += run_lanes([*FAULT_TESTS, *BROWSER_TESTS])
    print_guarantees(results)
    print_table(results)
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
