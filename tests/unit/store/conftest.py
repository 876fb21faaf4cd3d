"""Every test has a database of its own, and runs on each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.unit.store.stored import Place, open_place

from quarterdeck.store.database import Database


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return tmp_path
    return str(request.getfixturevalue("postgres").new_database())


@pytest_asyncio.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    async with open_place(place) as opened:
        yield opened
