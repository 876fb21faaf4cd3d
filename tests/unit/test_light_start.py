"""What a start does not load until /readyz says that it is done: each of these is loaded when somebody needs it."""

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
    "jinja2",
    "joserfc",
    "ldap3",
    "markdown_it",
    "numpy",
    "prompt_toolkit",
    "pydantic.v1",
    "quarterdeck.client",
    "quarterdeck.egress.connecting",
    "quarterdeck.exchange.importing",
    "quarterdeck.memory.patterns",
    "redis",
    "rich",
    "snowballstemmer",
    "sqlalchemy.orm",
    "tokenizers",
)
START = """
import asyncio, sys
from pathlib import Path
from quarterdeck.__main__ import prepare
prepare()
from quarterdeck.cli.main import build
build(["serve"])
from quarterdeck.app.serving import create_app
from quarterdeck.config import load_settings

async def start():
    app = create_app(load_settings(data_dir=Path(sys.argv[1]), discover=False))
    to_server, from_server = asyncio.Queue(), asyncio.Queue()
    life = asyncio.create_task(app({{"type": "lifespan"}}, to_server.get, from_server.put))
    await to_server.put({{"type": "lifespan.startup"}})
    assert (await from_server.get())["type"] == "lifespan.startup.complete"
    answers = []
    scope = {{"type": "http", "method": "GET", "headers": [(b"host", b"127.0.0.1")], "query_string": b""}}

    async def receive():
        return {{"type": "http.request"}}

    async def send(message):
        answers.append(message)

    await app(scope | {{"path": "/readyz"}}, receive, send)
    assert answers[0]["status"] == 200
    {look}
    await to_server.put({{"type": "lifespan.shutdown"}})
    await life

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
    assert _start(tmp_path, f"print(*(name for name in {HEAVY!r} if sys.modules.get(name)))") == []


def test_a_start_builds_no_validators_of_what_nobody_has_sent(tmp_path: Path) -> None:
    look = (
        "from fastapi.openapi.models import OpenAPI; from quarterdeck.web.messages import Retrying;"
        " print(OpenAPI.__pydantic_complete__, Retrying.__pydantic_complete__)"
    )
    assert _start(tmp_path, look) == ["False", "False"]
