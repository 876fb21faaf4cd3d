"""The house as it should stand: arrows, what is named in one place and meant in another, nothing left undone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from quarterdeck import __version__
from quarterdeck.config import Settings
from quarterdeck.providers.presets import PRESETS

ROOT = Path(__file__).parents[2]
SETTINGS = {f"QUARTERDECK_{name.upper()}" for name in Settings.model_fields}
HIDDEN_IMPORTS: set[str] = set()  # "room/file.py:function", each with a measured reason in a comment beside it
UNDONE = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
ASSIGNMENT = re.compile(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", re.MULTILINE)


def _written_files(*suffixes: str) -> Iterator[Path]:
    for folder in ("src", "web-ui/src", "web-ui/build", "tests", "bench", "scripts", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in suffixes and not {"node_modules", "page"} & set(path.relative_to(ROOT).parts):
                yield path


def _hidden_imports() -> Iterator[str]:
    package = ROOT / "src" / "quarterdeck"
    for path in package.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        yield f"{path.relative_to(package)}:{function.name}"


def test_imports_go_down_only() -> None:
    # as a process of its own: it turns off the loggers of the one it runs in
    command = [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as go; sys.exit(go())",
    ]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_import_hides_in_a_function() -> None:
    assert set(_hidden_imports()) == HIDDEN_IMPORTS


def test_the_changelog_knows_this_version() -> None:
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released[0] == __version__


def test_the_example_environment_names_every_setting_with_its_default() -> None:
    shown = dict(ASSIGNMENT.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
    assert {name for name in shown if name.startswith("QUARTERDECK_")} == SETTINGS
    defaults = Settings.model_construct()
    for name in SETTINGS - {"QUARTERDECK_DATA_DIR", "QUARTERDECK_MODEL", "QUARTERDECK_PUBLIC_URL"}:
        default = getattr(defaults, name.removeprefix("QUARTERDECK_").lower())
        assert shown[name] == (f"{default:g}" if isinstance(default, float) else str(default).lower())


def test_the_example_environment_names_every_provider() -> None:
    shown = set(dict(ASSIGNMENT.findall((ROOT / ".env.example").read_text(encoding="utf-8")))) - SETTINGS
    known = {name for preset in PRESETS for name in (*preset.keys, *preset.base_url_variables)}
    assert shown <= known
    for preset in PRESETS:
        names = {preset.keys[0]} if preset.keys else set(preset.base_url_variables)
        assert names & shown, f"{preset.label} is missing"


def test_the_documents_name_every_setting_and_no_other() -> None:
    for document in ("README.md", "docs/configuration.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        rows = re.findall(r"^\|? ?#* ?`(QUARTERDECK_[A-Z_]+)`", text, re.MULTILINE)
        assert set(rows) == SETTINGS, document


def test_the_documents_link_to_files_that_exist() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_nothing_is_left_undone_in_a_comment() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in _written_files(".py", ".ts", ".tsx", ".css", ".md")
        if UNDONE.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_room_has_a_sign_on_its_door() -> None:
    for door in (ROOT / "src" / "quarterdeck").glob("*/__init__.py"):
        sign = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))) or ""
        assert "May import" in sign, door.parent.name
