"""A log on each backend, for the suites that are marked `on_every_store`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.contract.log_stores import OpenStore, Store

from quarterdeck.log.base import Log


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as store:
        yield store


@pytest.fixture
async def log(store: Store) -> Log:
    return await store.connect()
