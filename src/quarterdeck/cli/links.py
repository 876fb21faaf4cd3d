"""The address that links begin with: the one that people use, or where the server of the data folder answers."""

from __future__ import annotations

import os
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from quarterdeck.address_file import read_address
from quarterdeck.config import Settings
from quarterdeck.serve import base_url

_PATIENCE_S = 5.0


def link_base(settings: Settings, *, is_told: bool = False) -> str:
    """Without a slash at its end. `is_told`: the command itself says host or port."""
    public = settings.public_url.rstrip("/")
    return public or ("" if is_told else find_running(settings.data_dir)) or base_url(settings)


def find_running(data_dir: Path) -> str:
    """The address that the server of this folder has said; empty when none answers there."""
    found = read_address(data_dir)
    return found.url if found is not None and _is_alive(found.pid) and _answers(reachable(found.url)) else ""


def reachable(url: str) -> str:
    """From this machine, also where it is every address."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(url: str) -> bool:
    place = urlsplit(url)
    with closing(HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE_S)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
