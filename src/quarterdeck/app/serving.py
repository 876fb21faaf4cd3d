"""The ASGI application around a house."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from quarterdeck import __version__
from quarterdeck.app.identity import Identity
from quarterdeck.app.opening import open_house, spare_the_collector
from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import SetupError
from quarterdeck.late import Late, make_aside
from quarterdeck.web.guard import Guard
from quarterdeck.web.house import House, Role
from quarterdeck.web.probes import PROBES
from quarterdeck.web.problems import install_problems

if TYPE_CHECKING:
    from quarterdeck.web import application
else:
    application = Late("quarterdeck.web.application")

logger = get_logger("quarterdeck")

_PAUSE_S = 0.1  # in which those are answered who wait for the server to be ready
_PROBE_PATHS = frozenset(probe.path for probe in PROBES)


class Entrance:
    """What a server answers with. Its lifespan opens and closes the house.

    FastAPI and the routes take a third of a start, and nobody asks for one before the server is known to be ready: they
    are loaded in a thread right after that. Until then probes are answered, and all else waits.
    """

    def __init__(
        self,
        settings: Settings,
        on_ready: Callable[[House], None] | None = None,
        role: Role = "all",
        identity: Identity | None = None,
    ) -> None:
        self.refusal: SetupError | None = None  # for the command line, which says it in one sentence
        self._settings = settings
        self._on_ready = on_ready
        self._role = role
        self._identity = identity
        self._routes: ASGIApp | None = None
        self._loading: asyncio.Task[ASGIApp] | None = None
        self._probes = Starlette(
            routes=PROBES, middleware=[Middleware(Guard, settings=settings)], lifespan=self._lifespan
        )
        install_problems(self._probes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._routes is not None:
            await self._routes(scope, receive, send)
        elif scope["type"] == "lifespan" or scope["path"] in _PROBE_PATHS:
            await self._probes(scope, receive, send)
        else:
            routes = await asyncio.shield(self._load())
            await routes(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, probes: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                house = await stack.enter_async_context(open_house(self._settings, self._role, identity=self._identity))
            except SetupError as error:
                self.refusal = error
                raise
            probes.state.house = house
            logger.info(
                "started", version=__version__, role=self._role, data_dir=str(self._settings.data_dir), pid=os.getpid()
            )
            if self._on_ready is not None:
                self._on_ready(house)
            soon = asyncio.get_running_loop().call_later(_PAUSE_S, self._load)
            yield
            soon.cancel()
            if self._loading is not None:
                self._loading.cancel()
            logger.info("stopping", pid=os.getpid())

    def _load(self) -> asyncio.Task[ASGIApp]:
        """Once, whoever asks first."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_routes(self._probes.state.house))
        return self._loading

    async def _load_routes(self, house: House) -> ASGIApp:
        """Without them nothing can be done here: the server is not ready any more when that fails."""
        gc.disable()  # as in the start before: all of it stays
        try:
            routes = await make_aside(lambda: application.create_application(self._settings))
        except Exception as error:
            logger.error("routes_not_loaded", exc_info=error)
            house.is_ready.clear()
            raise
        finally:
            spare_the_collector()
        routes.state.house = house
        self._routes = routes
        return routes
