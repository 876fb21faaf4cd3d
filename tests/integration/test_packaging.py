"""What people install: the wheel and the source archive, built without isolation, and the lock files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)

pytestmark = pytest.mark.xdist_group("packaging")  # one build for all of them


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel_names(distributions: Path) -> set[str]:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def source_names(distributions: Path) -> set[str]:
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def _locked(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8")))


def test_the_wheel_carries_the_page(wheel_names: set[str]) -> None:
    page = "quarterdeck/web/page"
    assert f"{page}/index.html" in wheel_names
    assert any(re.fullmatch(rf"{page}/assets/.*\.js", name) for name in wheel_names)
    assert any(re.fullmatch(rf"{page}/assets/.*\.css", name) for name in wheel_names)


def test_the_wheel_carries_types_migrations_and_all_modules(wheel_names: set[str]) -> None:
    assert "quarterdeck/py.typed" in wheel_names
    sources = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "quarterdeck").rglob("*.py")}
    assert sources <= wheel_names
    assert any("/migrations/versions/" in name for name in wheel_names)
    assert "quarterdeck/store/migrations/script.py.mako" in wheel_names


def test_the_wheel_carries_nothing_else(wheel_names: set[str]) -> None:
    version = r"quarterdeck-[^/]+\.dist-info/"
    assert [name for name in wheel_names if not re.match(rf"quarterdeck/|{version}", name)] == []
    assert [name for name in wheel_names if "node_modules" in name or name.endswith((".pyc", ".sqlite3"))] == []
    assert any(re.fullmatch(rf"{version}licenses/LICENSE", name) for name in wheel_names)


def test_the_source_archive_can_build_the_page(source_names: set[str]) -> None:
    needed = {"web-ui/package-lock.json", "web-ui/vite.config.ts", "web-ui/index.html", "web-ui/src/app/main.tsx"}
    assert needed | {"hatch_build.py", "scripts/page.py", "pyproject.toml"} <= source_names
    assert [name for name in source_names if "node_modules" in name] == []


def test_the_source_archive_carries_the_page_built_from_its_own_sources(distributions: Path, tmp_path: Path) -> None:
    (source,) = distributions.glob("*.tar.gz")
    shutil.unpack_archive(source, tmp_path)
    (folder,) = tmp_path.iterdir()
    fingerprint = subprocess.run(
        [sys.executable, "scripts/fingerprint.py", "web-ui"], cwd=folder, capture_output=True, text=True, check=True
    )
    stamp = folder / "src" / "quarterdeck" / "web" / "page" / "sources.sha256"
    assert stamp.read_text() == fingerprint.stdout


def test_the_locks_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.findall(r".*(?:://|--(?:extra-)?index-url|--find-links).*", text) == []


def test_every_dependency_is_locked_once_for_use_and_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[\[<>=;! ]", line)[0].lower() for line in project["dependencies"]}
    extra = {re.split(r"[\[<>=;! ]", line)[0].lower() for line in project["optional-dependencies"]["test"]}
    for_use, for_tests = _locked("requirements.lock"), _locked("requirements-test.lock")
    assert wanted <= for_use.keys()
    assert wanted | extra <= for_tests.keys()
    assert for_use.items() <= for_tests.items()


def test_every_locked_package_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        entries = re.split(r"^(?=[a-z0-9._-]+==)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_locks_are_complete() -> None:
    """They are installed as they are (`--no-deps`): what one lacks, or has in a wrong version, is said here."""
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
