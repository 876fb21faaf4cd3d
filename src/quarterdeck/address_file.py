"""Where the server of a data folder answers, for commands that would talk to it: `serve.json` in the folder.

A file may be left behind by a server that was killed; whoever reads it has to ask the address.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

_NAME = "serve.json"


class Whereabouts(Struct, frozen=True):
    url: str
    pid: int

    @property
    def is_alive(self) -> bool:
        """Whether there is a process of that id, which may be another one by now."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def write_address(data_dir: Path, url: str) -> None:
    """In place of what an earlier server has said; readable by this user alone."""
    path = data_dir / f".{_NAME}-{os.getpid()}"
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(Whereabouts(url, os.getpid())))
    path.replace(data_dir / _NAME)


def read_address(data_dir: Path) -> Whereabouts | None:
    """None where no server says that it runs."""
    try:
        return msgspec.json.decode((data_dir / _NAME).read_bytes(), type=Whereabouts)
    except (OSError, msgspec.DecodeError):
        return None


def reachable(url: str) -> str:
    """From this machine, also where it is every address."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def remove_address(data_dir: Path) -> None:
    """By the server that wrote it; another one's stays."""
    found = read_address(data_dir)
    if found is not None and found.pid == os.getpid():
        with contextlib.suppress(OSError):
            (data_dir / _NAME).unlink()
