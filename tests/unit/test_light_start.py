"""What a start does not load, for time and memory: each of these is loaded when somebody first needs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "aiohttp",
    "alembic",
    "argon2",
    "asyncpg",
    "cryptography",
    "httpx2",
    "joserfc",
    "ldap3",
    "markdown_it",
    "numpy",
    "prompt_toolkit",
    "quarterdeck.client",
    "quarterdeck.egress.connecting",
    "quarterdeck.exchange.importing",
    "redis",
    "rich",
    "sqlalchemy.orm",
    "tokenizers",
)
START = """
import asyncio, sys
from pathlib import Path
from quarterdeck.cli.main import build
build(["serve"])
from quarterdeck.app.opening import open_house
from quarterdeck.config import load_settings
from quarterdeck.web.application import create_application

async def start():
    settings = load_settings(data_dir=Path(sys.argv[1]), discover=False)
    create_application(settings, None)
    async with open_house(settings):
        await asyncio.sleep(0)
    {look}

asyncio.run(start())
"""


def _start(folder: Path, look: str) -> list[str]:
    """What `look` prints at the end of a server's life that nobody asked for anything; `folder` is its data folder."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-c", START.format(look=look), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_start_loads_nothing_that_only_some_servers_need(tmp_path: Path, *, is_new: bool) -> None:
    if not is_new:
        _start(tmp_path, "pass")
    assert _start(tmp_path, f"print(*(name for name in {HEAVY!r} if name in sys.modules))") == []


def test_a_start_builds_no_validators_of_what_nobody_has_sent(tmp_path: Path) -> None:
    look = (
        "from fastapi.openapi.models import OpenAPI; from quarterdeck.web.messages import Retrying;"
        " print(OpenAPI.__pydantic_complete__, Retrying.__pydantic_complete__)"
    )
    assert _start(tmp_path, look) == ["False", "False"]
