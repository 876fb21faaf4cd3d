"""Tools for a server of the tests (`weakened.add_tools`): one reads what others wrote, one does something outside.

What they read and did is in the folder that TEST_DEEDS names, so that it outlives the server.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from msgspec import Struct

from quarterdeck.tools.base import Tool, ToolCaller, ToolResult


class Deeds:
    """The folder as a test sees it. `environment` is for the server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {"TEST_DEEDS": str(folder)}

    @property
    def done(self) -> list[str]:
        """What `send_mail` was called with, in order."""
        file = self._folder / "deeds.txt"
        return file.read_text().splitlines() if file.exists() else []

    def do(self, what: str) -> None:
        with (self._folder / "deeds.txt").open("a") as file:
            file.write(f"{what}\n")

    def write_page(self, name: str, text: str) -> None:
        (self._folder / f"{name}.json").write_text(json.dumps(text))

    def read_page(self, name: str) -> str:
        file = self._folder / f"{Path(name).name}.json"
        return str(json.loads(file.read_text())) if file.exists() else "An empty page."


class What(Struct):
    what: str


class _Deed(Tool):
    parameters = {"type": "object", "properties": {"what": {"type": "string"}}}  # noqa: RUF012  # read only
    arguments = What

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds


class ReadPage(_Deed):
    name = description = "read_page"

    async def run(self, caller: ToolCaller, arguments: What) -> ToolResult:
        return ToolResult(self._deeds.read_page(arguments.what), taint="web")


class SendMail(_Deed):
    name = description = "send_mail"
    effect = "side_effect"

    async def run(self, caller: ToolCaller, arguments: What) -> ToolResult:
        self._deeds.do(arguments.what)
        return ToolResult("Sent.")


def tools() -> list[Tool]:
    """Of the server that is being started."""
    deeds = Deeds(Path(os.environ["TEST_DEEDS"]))
    return [ReadPage(deeds), SendMail(deeds)]
