"""Every test has a database of its own, in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.unit.store.stored import open_store

from quarterdeck.store.sqlite import SqliteDatabase


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    async with open_store(tmp_path) as opened:
        yield opened
