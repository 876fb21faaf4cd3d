"""What an import costs: a large export of ChatGPT is made up, imported by the command, its memory watched."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from bench.tables import table

_WORDS = ("tea", "river", "lamp", "winter", "paper", "stone", "quiet", "window", "letter", "morning", "harbour", "salt")
_MESSAGES = 40  # of a conversation
_WORDS_EACH = 250  # of a message


def measure() -> str:
    """`QUARTERDECK_BENCH_IMPORT_MB`: how large the export is; 2,048 is what the limit of memory is promised for."""
    megabytes = int(os.environ.get("QUARTERDECK_BENCH_IMPORT_MB", "2048"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export = folder / "conversations.json"
        messages = write_export(export, megabytes << 20)
        size = export.stat().st_size
        first = _import(folder, export)
        again = _import(folder, export)
    rows = [
        [what, f"{size / 1e6:.0f}", str(messages), f"{size / 1e6 / s:.1f}", f"{messages / s:.0f}", f"{peak / 1e6:.0f}"]
        for what, (s, peak) in (("new", first), ("all known already", again))
    ]
    head = ["import", "MB", "messages", "MB/s", "messages/s", "peak memory, MB"]
    return f"### Import\n\n{table(head, rows)}"


def write_export(path: Path, size: int) -> int:
    """`conversations.json` of about `size` bytes; how many messages are in it."""
    chance = random.Random(7)
    written = messages = number = 0
    with path.open("w") as file:
        file.write("[")
        while written < size:
            text = json.dumps(_conversation(chance, number))
            written += file.write(f",{text}" if number else text)
            number += 1
            messages += _MESSAGES
        file.write("]")
    return messages


def _conversation(chance: random.Random, number: int) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    before = None
    for place in range(_MESSAGES):
        name = f"{number}-{place}"
        role = "assistant" if place % 2 else "user"
        text = " ".join(chance.choices(_WORDS, k=_WORDS_EACH)) + f"\n\n“{name}”"
        message = {
            "id": name, "author": {"role": role, "name": None, "metadata": {}}, "create_time": 1.7e9 + number + place,
            "content": {"content_type": "text", "parts": [text]}, "status": "finished_successfully", "end_turn": True,
            "weight": 1.0, "metadata": {"model_slug": "gpt-5"}, "recipient": "all", "channel": None,
        }  # fmt: skip
        mapping[name] = {"id": name, "message": message, "parent": before, "children": []}
        before = name
    about = {"title": f"Conversation {number}", "create_time": 1.7e9 + number, "update_time": 1.7e9 + number}
    return about | {"mapping": mapping, "current_node": before, "conversation_id": f"bench-{number}"}


def _import(folder: Path, export: Path) -> tuple[float, int]:
    """Seconds, and the most memory that the process had."""
    command = [sys.executable, "-m", "quarterdeck", "import", str(export), "--data-dir", str(folder / "data")]
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("the import failed")
    return time.monotonic() - begun, used.ru_maxrss * 1024
