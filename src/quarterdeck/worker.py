"""`quarterdeck worker`: runs turns and jobs, answers nobody but probes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator

import uvicorn
import uvloop
from fastapi import FastAPI

from quarterdeck.app import open_data_dir, open_house
from quarterdeck.config import Settings
from quarterdeck.errors import SetupError
from quarterdeck.serve import HARD_STOP_S, stop_hard_after
from quarterdeck.web import health, metrics
from quarterdeck.web.house import House
from quarterdeck.web.problems import install_problems


def work(settings: Settings, *, health_port: int | None = None) -> None:
    """Runs until a signal. Raises: `SetupError` with one sentence when it cannot start."""
    if not (settings.database_url and settings.redis_url):
        raise SetupError(
            "quarterdeck worker needs PostgreSQL and Redis: set QUARTERDECK_DATABASE_URL and QUARTERDECK_REDIS_URL."
        )
    open_data_dir(settings.data_dir)
    uvloop.run(_work(settings, health_port))


async def _work(settings: Settings, health_port: int | None) -> None:
    leaving = asyncio.Event()

    def leave() -> None:
        if not leaving.is_set():
            stop_hard_after(HARD_STOP_S)
        leaving.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave)
    async with open_house(settings, "worker") as house, _answer_probes(house, health_port):
        print("Quarterdeck worker is ready", flush=True)  # noqa: T201  # for who starts it
        await leaving.wait()
        house.is_draining.set()


@contextlib.asynccontextmanager
async def _answer_probes(house: House, port: int | None) -> AsyncIterator[None]:
    """`/healthz`, `/readyz` and `/metrics`, on a port of their own."""
    if port is None:
        yield
        return
    app = FastAPI(openapi_url=None)
    app.include_router(health.router)
    app.include_router(metrics.router)
    install_problems(app)
    app.state.house = house
    server = _Probed(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving], timeout=1)


class _Probed(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The worker has its own."""
        yield
