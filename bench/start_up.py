"""Section `start`: cold start to the first 200 on /readyz, idle memory, installed size."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from bench.plot import Chart, Figures
from bench.processes import ROOT, running, start_quarterdeck
from bench.tables import spread, table

REPEATS = 5
_IDLE_AFTER_S = 3.0
_NOWHERE = 9  # the discard port: no provider is there


def measure(repeats: int = REPEATS) -> Figures:
    fresh, used, resident = _start_quarterdeck_often(repeats)
    rows = [
        ["Quarterdeck, new data folder", spread(fresh, 2), "1.00"],
        ["Quarterdeck, data folder in use", spread(used, 2), _ratio(used, fresh)],
    ]
    bars = {"Quarterdeck, new data folder": fresh, "Quarterdeck, data folder in use": used}
    for name, code in (("python -c pass", "pass"), ("python -c 'import fastapi'", "import fastapi")):
        taken = bars[name] = [_time_python(code) for _ in range(repeats)]
        rows.append([f"`{name}`", spread(taken, 2), _ratio(taken, fresh)])
    sizes = [
        ["Idle resident memory", f"{spread([size / 2**20 for size in resident], 0)} MiB"],
        ["Installed, with all it needs", f"{_installed_bytes() / 2**20:.0f} MiB"],
    ]
    text = "\n\n".join(
        [
            f"### Cold start, seconds to the first 200 on /readyz (median of {repeats}, least–greatest)",
            table(["", "s", "ratio"], rows),
            "### Size",
            table(["", ""], sizes),
        ]
    )
    return Figures(text, (Chart("Cold start, to the first 200 on /readyz", "s", bars, 2),))


def _ratio(values: list[float], base: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2] / sorted(base)[len(base) // 2]:.2f}"


def _start_quarterdeck_often(repeats: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds with a new folder, seconds with that folder again, idle resident bytes."""
    fresh: list[float] = []
    used: list[float] = []
    resident: list[float] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "data"
            for taken in (fresh, used):
                server = start_quarterdeck(folder, _NOWHERE)
                with running(server, "/readyz"):
                    taken.append(server.ready_s)
                    if taken is used:
                        time.sleep(_IDLE_AFTER_S)
                        resident.append(float(server.resident_bytes()))
    return fresh, used, resident


def _time_python(code: str) -> float:
    started_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started_s


def _installed_bytes() -> int:
    """The package's own folder, and the files of all it requires without extras, as they are installed here."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    total, seen, waiting = _source_bytes(), set[str](), list[str](declared)
    while waiting:
        if (current := _plain_name(waiting.pop())) in seen:
            continue
        seen.add(current)
        try:
            distribution = importlib.metadata.distribution(current)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        total += sum(_size(distribution.locate_file(file)) for file in distribution.files or [])
        waiting += [line for line in distribution.requires or [] if "extra ==" not in line]
    return total


def _source_bytes() -> int:
    files = (ROOT / "src" / "quarterdeck").rglob("*")
    return sum(_size(file) for file in files if "__pycache__" not in file.parts)


def _size(path: object) -> int:
    file = Path(str(path))
    return file.stat().st_size if file.is_file() else 0


def _plain_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""
