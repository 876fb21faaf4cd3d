"""Prints one hash of the files and folders it is given: the same hash, nothing to build or install again."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

MADE = {"node_modules", "__pycache__", ".vite", "coverage"}


def fingerprint(root: Path, names: Iterable[str]) -> str:
    """SHA-256 over the relative paths and bytes of `names` below `root`; what tools make there does not count."""
    digest = hashlib.sha256()
    for name in names:
        for path in _files(root / name):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir() and path.name not in MADE:
        for child in sorted(path.iterdir()):
            yield from _files(child)


if __name__ == "__main__":
    print(fingerprint(Path(__file__).resolve().parent.parent, sys.argv[1:]))
