"""Between ready and the first request: probes are answered at once, all else when the routes are loaded."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from quarterdeck.app import serving
from quarterdeck.app.serving import Entrance
from quarterdeck.config import Settings
from quarterdeck.web import application


class Loading:
    """Stands where the routes are made, and waits for leave."""

    def __init__(self) -> None:
        self.times = 0
        self.made: FastAPI | None = None
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()
        self.error: Exception | None = None

    def create_application(self, settings: Settings) -> FastAPI:
        self.times += 1
        self.has_begun.set()
        assert self.may_go_on.wait(5)
        if self.error is not None:
            raise self.error
        self.made = application.create_application(settings)
        return self.made

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.has_begun.wait, 5)


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """As it was before."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> Loading:
    held = Loading()
    monkeypatch.setattr(serving, "application", held)
    return held


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """What asks an open server, which goes through its whole life."""
    entrance = Entrance(Settings(data_dir=folder, discover=False))
    to_server, from_server = asyncio.Queue[dict[str, str]](), asyncio.Queue[dict[str, str]]()
    life = asyncio.create_task(entrance({"type": "lifespan"}, to_server.get, from_server.put))  # type: ignore[arg-type]
    await to_server.put({"type": "lifespan.startup"})
    assert await from_server.get() == {"type": "lifespan.startup.complete"}
    transport = httpx2.ASGITransport(app=entrance, raise_app_exceptions=False)
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield http
    finally:
        await to_server.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(life, 5)


async def test_probes_are_answered_while_another_request_waits_for_the_routes(tmp_path: Path, loading: Loading) -> None:
    async with opened(tmp_path) as http:
        asked = [asyncio.create_task(http.get("/api/models")) for _ in range(2)]
        await loading.wait()
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        assert (await http.get("/readyz", headers={"host": "elsewhere.example"})).status_code == 421
        assert not any(task.done() for task in asked)
        loading.may_go_on.set()
        assert [(await task).status_code for task in asked] == [401, 401]
        assert loading.times == 1
        assert (await http.get("/readyz")).headers == ready.headers


async def test_the_routes_are_loaded_though_nobody_asks(tmp_path: Path, loading: Loading) -> None:
    loading.may_go_on.set()
    async with opened(tmp_path):
        await loading.wait()


async def test_a_server_without_routes_is_not_ready(tmp_path: Path, loading: Loading) -> None:
    loading.error = ImportError("gone")
    async with opened(tmp_path) as http:
        assert (await http.get("/readyz")).status_code == 200
        loading.may_go_on.set()
        assert (await http.get("/api/models")).status_code == 500
        assert (await http.get("/readyz")).status_code == 503


async def test_the_collector_is_on_again_and_spares_what_was_loaded(tmp_path: Path, loading: Loading) -> None:
    loading.may_go_on.set()
    async with opened(tmp_path) as http:
        await http.get("/api/models")
        assert gc.isenabled()
        assert loading.made is not None
        assert not any(one is loading.made for one in gc.get_objects())
