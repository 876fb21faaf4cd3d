"""A house that is open collects its garbage: whatever process it is, it stays for months. It computes in one thread."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck import lasting
from quarterdeck.accounts.limits import Limits
from quarterdeck.app.opening import open_house
from quarterdeck.config import Settings
from quarterdeck.exchange.running import Imports
from quarterdeck.gauges import Gauges
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.indexing import Indexing
from quarterdeck.store.database import StorageError
from quarterdeck.web.connections import Connections
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


@pytest.mark.parametrize("loop", [Connections, Gauges, Limits, Embedding, Imports, Indexing])
@pytest.mark.parametrize("error", [ValueError("nobody thought of it"), StorageError("The database is away.")])
async def test_a_loop_of_an_open_house_goes_on_whatever_it_fails_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: Any, error: Exception
) -> None:
    begun = 0
    goes_on = asyncio.Event()

    async def watch(*_given: object) -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise error
        goes_on.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(lasting, "_PAUSE_S", 0.0)
    monkeypatch.setattr(loop, "watch", watch)
    async with open_house(Settings(data_dir=tmp_path, discover=False)), asyncio.timeout(5):
        await goes_on.wait()


_PROGRAM = """
import asyncio, sys
from pathlib import Path
from quarterdeck.app.opening import open_house
from quarterdeck.config import Settings

async def count_threads():
    async with open_house(Settings(data_dir=Path(sys.argv[1]), discover=False)):
        before = len(list(Path("/proc/self/task").iterdir()))
        import numpy
        square = numpy.ones((900, 900), dtype=numpy.float32)
        square @ square
        return len(list(Path("/proc/self/task").iterdir())) - before

print(asyncio.run(count_threads()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux lists them")
def test_in_an_open_house_a_matrix_is_computed_in_the_thread_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    program = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["0"]
