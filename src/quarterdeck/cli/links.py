"""The address that links begin with: the one that people use, or where the server of the data folder answers."""

from __future__ import annotations

import contextlib
from importlib import import_module
from pathlib import Path

from quarterdeck.address_file import reachable, read_address
from quarterdeck.config import Settings
from quarterdeck.serve import base_url

_PATIENCE_S = 5.0


def link_base(settings: Settings, *, is_told: bool = False) -> str:
    """Without a slash at its end. `is_told`: the command itself says host or port."""
    running = "" if is_told or settings.public_url else find_running(settings.data_dir)
    return settings.public_url or reachable(running or base_url(settings))


def find_running(data_dir: Path) -> str:
    """The address that the server of this folder has said; empty when none answers there."""
    found = read_address(data_dir)
    return found.url if found is not None and found.is_alive and _answers(reachable(found.url)) else ""


def _answers(url: str) -> bool:
    client = import_module("quarterdeck.client")  # a server that starts needs none
    with client.Client(url, key="") as asking, contextlib.suppress(Exception):
        return bool(asking.http.get("/healthz", timeout=_PATIENCE_S).status_code == 200)
    return False
