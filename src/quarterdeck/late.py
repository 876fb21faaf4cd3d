"""Modules that are loaded when something of them is first used: what few starts need, and takes long to load.

To the type checker such a module is imported as any other:

    if TYPE_CHECKING:
        import aiohttp
    else:
        aiohttp = Late("aiohttp")
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any


class Late:
    """Stands for a module; its names are looked up there each time."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


def install_command(extra: str) -> str:
    """Brings what an extra of Quarterdeck needs into the environment of this process; a bare `pip` may be another's."""
    python, package = shlex.quote(sys.executable), shlex.quote(f"quarterdeck[{extra}]")
    if find_spec("pip") is None:  # as uv makes environments
        return f"uv pip install --python {python} {package}"
    return f"{python} -m pip install {package}"


async def load(module: str) -> None:
    """In a thread, so that the loop goes on meanwhile."""
    await asyncio.to_thread(import_module, module)
