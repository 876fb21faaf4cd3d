"""Nothing that is locked has a hole that is known: a dated list, compared with both lock files."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LIST: dict[str, Any] = tomllib.loads((ROOT / "docs/security/minimum_versions.toml").read_text(encoding="utf-8"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_python(lock: str) -> list[tuple[str, str]]:
    return [(plain(name), version) for name, version in PIN.findall((ROOT / lock).read_text(encoding="utf-8"))]


def locked_npm() -> list[tuple[str, str]]:
    packages = json.loads((ROOT / "web-ui/package-lock.json").read_text(encoding="utf-8"))["packages"]
    return [
        (path.rpartition("node_modules/")[2], entry["version"])
        for path, entry in packages.items()
        if "node_modules/" in path and "version" in entry
    ]


def too_old(locked: list[tuple[str, str]], least: dict[str, Any]) -> list[str]:
    return [
        f"{name} {version} is below {least[name]['at_least']}: {least[name]['why']}"
        for name, version in locked
        if name in least and not _is_safe(Version(version), least[name])
    ]


def _is_safe(version: Version, entry: dict[str, Any]) -> bool:
    """`or_on`: older lines that were mended, too."""
    mended = [Version(text) for text in entry.get("or_on", [])]
    is_mended = any(version.major == fixed.major and version >= fixed for fixed in mended)
    return is_mended or version >= Version(entry["at_least"])


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_no_locked_python_package_is_below_what_is_safe(lock: str) -> None:
    locked = locked_python(lock)
    assert len(locked) > 20
    assert too_old(locked, LIST["python"]) == []


def test_no_locked_package_of_the_page_is_below_what_is_safe() -> None:
    locked = locked_npm()
    assert len(locked) > 50
    assert too_old(locked, LIST["npm"]) == []


def test_the_list_says_when_it_was_looked_through_and_why_each_version() -> None:
    assert date(2026, 1, 1) < LIST["checked"] <= datetime.now(UTC).date()
    for entries in (LIST["python"], LIST["npm"]):
        assert list(entries) == sorted(entries)
        assert all(Version(entry["at_least"]) and entry["why"] for entry in entries.values())


def test_a_package_that_is_too_old_is_found() -> None:
    assert too_old([("jinja2", "3.1.5"), ("jinja2", "3.1.6"), ("unknown", "0")], LIST["python"]) == [
        f"jinja2 3.1.5 is below 3.1.6: {LIST['python']['jinja2']['why']}"
    ]
