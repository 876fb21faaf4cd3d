"""`scripts/environment.sh` on machines that lack something, played by a PATH of small fakes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BORROWED = ("dirname", "basename", "sh", "cat", "touch", "env")
PYTHON = """#!/bin/sh
case "$*" in
  *sys.version_info*) exit {is_old} ;;
  *ensurepip*) test {has_venv} = yes || test -e "{folder}/venv-is-installed" ;;
  *) echo "Python of the fakes" ;;
esac
"""


class Machine:
    """A folder of commands; nothing else is on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in BORROWED:
            found = shutil.which(name)
            assert found is not None
            (folder / name).symlink_to(found)
        self.add("id", "echo 1000")

    def add(self, name: str, script: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)

    def add_python(self, name: str, *, is_old: bool = False, has_venv: bool = True) -> None:
        script = PYTHON.format(is_old=int(is_old), has_venv="yes" if has_venv else "no", folder=self.folder)
        (self.folder / name).write_text(script)
        (self.folder / name).chmod(0o755)

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        """`commands` after the file is sourced, as a script of `scripts/` would."""
        source = f'. "{ROOT}/scripts/environment.sh"; {commands}'
        return subprocess.run(
            ["/bin/sh", "-c", source, str(ROOT / "scripts" / "run")],
            env={"PATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_python_that_fits_is_taken(machine: Machine) -> None:
    machine.add_python("python3")
    machine.add_python("python3.12")
    assert machine.run('find_python; echo "$python"').stdout == "python3.12\n"


def test_a_python_with_venv_is_better_than_a_newer_one_without(machine: Machine) -> None:
    machine.add_python("python3.13", has_venv=False)
    machine.add_python("python3.11")
    assert machine.run('find_python; echo "$python"').stdout == "python3.11\n"


@pytest.mark.parametrize("has_python", [False, True])
def test_no_python_that_fits_is_one_sentence(machine: Machine, has_python: bool) -> None:
    if has_python:
        machine.add_python("python3", is_old=True)
    done = machine.run("find_python")
    assert done.returncode == 1
    assert done.stderr == "Quarterdeck needs Python 3.11, 3.12 or 3.13, and none of them was found here.\n"


def test_a_missing_venv_module_is_one_sentence_for_who_is_not_root(machine: Machine) -> None:
    machine.add_python("python3", has_venv=False)
    machine.add("apt-get", "exit 1")
    done = machine.run("find_python")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "apt-get install python3-venv" in done.stderr


def test_a_missing_venv_module_is_installed_for_root(machine: Machine) -> None:
    machine.add_python("python3", has_venv=False)
    machine.add("id", "echo 0")
    machine.add("apt-get", f'case "$*" in *"install"*python3-venv) touch "{machine.folder}/venv-is-installed" ;; esac')
    done = machine.run('find_python; echo "$python"')
    assert (done.returncode, done.stdout, done.stderr) == (0, "python3\n", "Installing python3-venv\n")


def test_the_list_of_packages_is_fetched_when_a_package_is_not_in_it(machine: Machine) -> None:
    calls = machine.folder / "calls"
    machine.add("apt-get", f'echo "$1" >>"{calls}"; test "$1" = update && touch "{calls}.new"; test -e "{calls}.new"')
    assert machine.run("apt_install chromium").returncode == 0
    assert calls.read_text().split() == ["install", "update", "install"]


def test_no_browser_is_one_sentence(machine: Machine) -> None:
    done = machine.run("need_chromium")
    assert done.returncode == 1
    assert done.stderr == (
        "The tests in a browser need Chromium or Google Chrome: install one and try again.\n"
        if not Path("/Applications/Google Chrome.app").exists()
        else ""
    )


def test_a_browser_without_windows_is_installed_beside_the_other_for_root(machine: Machine) -> None:
    machine.add("chromium", "exit 0")
    machine.add("id", "echo 0")
    machine.add("apt-cache", 'test "$*" = "show chromium-headless-shell"')
    shell = machine.folder / "chromium-headless-shell"
    machine.add("apt-get", f'echo "#!/bin/sh" >"{shell}"; /bin/chmod +x "{shell}"')
    done = machine.run('need_chromium; echo "$QUARTERDECK_TEST_CHROMIUM"')
    assert done.stdout == f"{shell}\n"


@pytest.mark.parametrize("knows_it", [False, True])
def test_without_one_the_browser_that_is_there_is_used(machine: Machine, knows_it: bool) -> None:
    machine.add("chromium", "exit 0")
    machine.add("id", "echo 0")
    machine.add("apt-cache", f"exit {int(not knows_it)}")
    machine.add("apt-get", f'echo "$1" >>"{machine.folder}/calls"; exit 1')
    done = machine.run('need_chromium; echo "$QUARTERDECK_TEST_CHROMIUM"')
    assert done.stdout == f"{machine.folder}/chromium\n"
    assert (machine.folder / "calls").exists() == knows_it


def test_a_named_browser_is_used(machine: Machine) -> None:
    machine.add("my-browser", "exit 0")
    done = machine.run('QUARTERDECK_TEST_CHROMIUM=my-browser; need_chromium; echo "$QUARTERDECK_TEST_CHROMIUM"')
    assert done.stdout == f"{machine.folder}/my-browser\n"
