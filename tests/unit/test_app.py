"""A house that is open collects its garbage: whatever process it is, it stays for months."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.app.opening import open_house
from quarterdeck.config import Settings
from quarterdeck.web.house import Role


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """As the command leaves it (`quarterdeck.__main__`)."""
    before = gc.get_threshold()
    gc.disable()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("role", ["all", "web", "worker"])
async def test_an_open_house_collects_garbage(tmp_path: Path, role: Role) -> None:
    async with open_house(Settings(data_dir=tmp_path, discover=False), role):
        assert gc.isenabled()
