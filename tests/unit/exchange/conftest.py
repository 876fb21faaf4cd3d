from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.exchange.imported import Account, open_account


@pytest.fixture
async def ann(tmp_path: Path) -> AsyncIterator[Account]:
    account = await open_account(tmp_path)
    yield account
    await account.database.close()
