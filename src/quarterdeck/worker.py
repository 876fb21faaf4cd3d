"""`quarterdeck worker`: runs turns and jobs, answers nobody but probes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from importlib import import_module

import uvicorn
from starlette.applications import Starlette

from quarterdeck.app.data import open_data_dir
from quarterdeck.app.opening import open_house
from quarterdeck.config import Settings
from quarterdeck.errors import SetupError
from quarterdeck.serve import HARD_STOP_S, bind, signals_to_leave, stop_hard_after, take_files
from quarterdeck.web.house import House
from quarterdeck.web.probes import PROBES
from quarterdeck.web.problems import install_problems


def work(settings: Settings, *, health_port: int | None = None) -> None:
    """Runs until a signal. Raises: `SetupError` with one sentence when it cannot start."""
    take_files()
    if not (settings.database_url and settings.redis_url):
        raise SetupError(
            "quarterdeck worker needs PostgreSQL and Redis: set QUARTERDECK_DATABASE_URL and QUARTERDECK_REDIS_URL."
        )
    probes = None if health_port is None else bind(settings.host, health_port, "--health-port")
    open_data_dir(settings.data_dir)
    run = asyncio.run if sys.platform == "win32" else import_module("uvloop").run  # it is not to be had there
    run(_work(settings, probes))


async def _work(settings: Settings, probes: socket.socket | None) -> None:
    leaving = asyncio.Event()

    def leave() -> None:
        if not leaving.is_set():
            stop_hard_after(HARD_STOP_S)
        leaving.set()

    for number in signals_to_leave():
        asyncio.get_running_loop().add_signal_handler(number, leave)
    async with contextlib.AsyncExitStack() as longer, open_house(settings, "worker") as house:
        await longer.enter_async_context(_answer_probes(house, probes))  # they are answered as long as it drains
        print("Quarterdeck worker is ready", flush=True)  # noqa: T201  # for who starts it
        await leaving.wait()
        house.is_draining.set()


@contextlib.asynccontextmanager
async def _answer_probes(house: House, listener: socket.socket | None) -> AsyncIterator[None]:
    """`/healthz`, `/readyz` and `/metrics`, on an address of their own. Nothing there needs an owner who signs in."""
    if listener is None:
        yield
        return
    app = Starlette(routes=PROBES)
    install_problems(app)
    app.state.house = house
    server = _Probed(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
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
