"""What a program must be able to do to be measured beside us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bench.driver import Client
from bench.processes import Server

Start = Callable[[Path, Path, int], Server]
"""Of the folder with the program's executables, an empty folder for what it keeps, and the upstream's port."""


class Peer(Struct, frozen=True):
    """`distribution` is its name on PyPI; it is installed in `FOLDER/<name>`. `ready` is a path that answers 200."""

    name: str
    title: str
    distribution: str
    ready: str
    start: Start
    connect: Callable[[int], Client]
    """One client of the server on that port; it runs one chat at a time."""
