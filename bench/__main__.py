"""The sections of one server, or those that are named; Markdown on standard output."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench import (
    context,
    cpu_per_token,
    first_token,
    fleet_report,
    history,
    idle,
    importing,
    many_chats,
    one_core,
    openai_chat,
    search,
    start_up,
    turn_cost,
)
from bench.fleet_report import PARTS
from bench.peers import measure as peers
from bench.plot import Chart, Figures, draw
from bench.processes import (
    ROOT,
    create_key,
    running,
    start_plain_relay,
    start_quarterdeck,
    start_upstream,
)
from bench.tables import fill

LOADS: dict[str, Callable[..., Coroutine[None, None, Figures]]] = {
    "first": first_token.measure,
    "cpu": cpu_per_token.measure,
    "many": many_chats.measure,
    "openai": openai_chat.measure,
    "turns": turn_cost.measure,
}
ONE_SERVER = ["start", *LOADS, "core", "log", "idle"]
PLOT = ROOT / "docs" / "images" / "performance.svg"
_SHORT_CORE = ([5], 20)  # chats, tokens
_SHORT_IDLE = (50, 2.0)  # sockets, seconds
SECTIONS = [*ONE_SERVER, "context", "history", "search", "import", "peers", "fleet", *PARTS]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python bench/run.py", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"any of {', '.join(SECTIONS)}")
    parser.add_argument("--out", type=Path, help="write the Markdown to this file, too")
    parser.add_argument("--into", type=Path, help="a page whose tables the figures of the fleet are to replace")
    parser.add_argument("--repeats", type=int, default=3, help="of the fleet's runs")
    parser.add_argument("--peers", type=Path, help="the folder with an environment for each program of section `peers`")
    parser.add_argument("--plot", type=Path, help=f"draw this picture; without sections it is {PLOT.relative_to(ROOT)}")
    parser.add_argument("--short", action="store_true", help="once and small; draws only where --plot says")
    arguments = parser.parse_args()
    wanted = arguments.sections or ONE_SERVER
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    if "peers" in wanted and arguments.peers is None:
        parser.error("section peers needs --peers FOLDER, see bench/peers/measure.py")
    told = [_heading()]
    print(told[0])
    charts = list[Chart]()
    for found in _measure(wanted, is_short=arguments.short):
        print("\n" + found.text, flush=True)
        told.append(found.text)
        charts += found.charts
    if "peers" in wanted:
        found = peers.measure(arguments.peers, 1 if arguments.short else arguments.repeats)
        print("\n" + found.text, flush=True)
        told.append(found.text)
        charts += found.charts
    for part in _measure_fleet(wanted, arguments.repeats, arguments.into):
        print("\n" + part, flush=True)
        told.append(part)
    if arguments.out:
        arguments.out.write_text("\n\n".join(told) + "\n")
    if charts and (picture := arguments.plot or (None if arguments.sections or arguments.short else PLOT)):
        picture.write_text(draw(charts, told[0].removeprefix("## ")))


def _heading() -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f} before"
    return f"## Figures, {now}, Python {platform.python_version()}, {machine}"


def _measure(wanted: list[str], *, is_short: bool) -> Iterator[Figures]:
    if "start" in wanted:
        yield start_up.measure(1) if is_short else start_up.measure()
    if loads := [name for name in LOADS if name in wanted]:
        yield from _measure_under_load(loads, is_short=is_short)
    if "core" in wanted:
        yield one_core.measure(*_SHORT_CORE) if is_short else one_core.measure()
    if "log" in wanted:
        yield _measure_log(is_short=is_short)
    if "idle" in wanted:
        yield idle.measure(*_SHORT_IDLE) if is_short else idle.measure()
    if "search" in wanted:
        yield from map(Figures, search.measure())
    if "context" in wanted:
        yield Figures(context.measure())
    if "history" in wanted:
        yield Figures(history.measure())
    if "import" in wanted:
        yield Figures(importing.measure())


def _measure_fleet(wanted: list[str], repeats: int, page: Path | None) -> Iterator[str]:
    parts = [part for part in PARTS if part in wanted or "fleet" in wanted]
    for name, text in fleet_report.measure(parts, repeats):
        if page is not None:
            fill(page, name, text)
        yield f"### {name}\n\n{text}"


def _measure_under_load(loads: list[str], *, is_short: bool) -> Iterator[Figures]:
    """One upstream, one Quarterdeck and one plain relay for all of them."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        upstream = servers.enter_context(running(start_upstream(folder), "/v1/models"))
        key = create_key(folder / "data")
        quarterdeck = servers.enter_context(running(start_quarterdeck(folder / "data", upstream.port), "/readyz"))
        relay = servers.enter_context(running(start_plain_relay(folder, upstream.port), "/readyz"))
        for load in loads:
            yield uvloop.run(LOADS[load](upstream, quarterdeck, relay, key, is_short=is_short))


def _measure_log(*, is_short: bool) -> Figures:
    """In a process of its own, whose CPU is the log's."""
    command = [sys.executable, str(ROOT / "bench" / "log_append.py")]
    command += ["--seconds", "0.2", "--backends", "sql"] if is_short else []
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    bars = {name: [float(cost)] for name, cost in re.findall(r"^(.+): ([0-9.]+) µs CPU", output, re.MULTILINE)}
    text = f"### The log alone\n\n```text\n{output.strip()}\n```"
    return Figures(text, (Chart("The log alone: CPU per event", "µs", bars, 1),))


if __name__ == "__main__":
    main()
