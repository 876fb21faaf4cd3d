"""That the bench runs: short and small, and nothing is said about how fast."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bench.plot import Chart, draw

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_short_bench_prints_tables_and_draws_a_picture(tmp_path: Path) -> None:
    said, picture = tmp_path / "said.md", tmp_path / "figures.svg"
    command = [sys.executable, "bench/run.py", "start", "cpu", "turns", "core", "idle", "--short"]
    command += ["--out", str(said), "--plot", str(picture)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    text = said.read_text()
    assert text.strip() == done.stdout.strip().replace("\n\n\n", "\n\n")
    assert re.findall(r"^### (\w+ \w+)", text, re.MULTILINE) == [
        "Cold start",
        "CPU per",
        "CPU per",
        "On one",
        "50 idle",
    ]
    assert "| heartbeats, pings answered, sockets lost | 0, 0, 0 |" in text
    assert re.search(r"^\| 5 \| 0 \| 0 \|", text, re.MULTILINE), text
    drawn = [element.text or "" for element in ElementTree.fromstring(picture.read_text()).iter()]  # noqa: S314
    titles = ("Cold start", "CPU per token", "CPU per chat", "From the model", "50 idle sockets")
    assert [title for title in titles if not any(line.startswith(title) for line in drawn)] == []


def test_bars_are_as_long_as_what_they_stand_for() -> None:
    charts = [Chart("Waiting", "ms", {"ours": [2.0, 1.0, 3.0], "a < b": [6.0]}, 1)]
    root = ElementTree.fromstring(draw(charts, "today"))  # noqa: S314
    space = "{http://www.w3.org/2000/svg}"
    ours, theirs = (float(bar.attrib["width"]) for bar in root.iter(f"{space}rect"))
    assert ours * 3 == pytest.approx(theirs)
    (across,) = root.iter(f"{space}line")
    assert float(across.attrib["x2"]) - float(across.attrib["x1"]) == pytest.approx(ours, abs=0.2)
    assert [text.text for text in root.iter(f"{space}text")] == [
        "Waiting",
        "ours",
        "2.0 ms",
        "a < b",
        "6.0 ms",
        "today",
    ]
