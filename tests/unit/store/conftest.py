"""Every test has a database of its own, and runs on each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.harness.postgres import Databases
from tests.unit.store.stored import Place, open_place

from quarterdeck.store.database import Database


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield tmp_path
        return
    server: Databases = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest_asyncio.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    async with open_place(place) as opened:
        yield opened
