"""Which process this is."""

from __future__ import annotations

import os
import secrets
import socket

from msgspec import Struct


class Identity(Struct, frozen=True):
    """`predecessor`: a worker that is known to be dead, whose turns this one takes over at once."""

    worker: str
    predecessor: str = ""


def make_worker_name() -> str:
    """Of one process of one start: leases are held under it."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
