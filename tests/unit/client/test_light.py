"""What a script pays for the client, and the terminal for a server elsewhere: nothing of the server is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("fastapi", "sqlalchemy", "aiohttp", "alembic", "pydantic", "jinja2", "quarterdeck.app", "rich.markdown")
PROGRAMS = ("import quarterdeck.client", "from quarterdeck.cli.main import build; build(['chat'])")


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_of_the_server_is_loaded(program: str) -> None:
    asked = f"import sys; {program}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
