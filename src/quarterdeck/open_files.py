"""How many files and sockets this process may have open: each page, each answer and each database takes some.

Shells start with few for the sake of old programs (1,024 on Linux, 256 on macOS) and let each process take more.
"""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from typing import Any

FEW = 1_024
_ENOUGH = 65_536


def raise_limit() -> int:
    """As many as the system lets this process have, up to 65,536; how many these are."""
    if sys.platform == "win32":  # it has no such limit
        return _ENOUGH
    resource: Any = import_module("resource")
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if most == resource.RLIM_INFINITY else min(most, _ENOUGH)
    if now == resource.RLIM_INFINITY or now >= wanted:
        return _ENOUGH if now == resource.RLIM_INFINITY else int(now)
    with contextlib.suppress(OSError, ValueError):  # macOS takes fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        return int(wanted)
    return int(now)
