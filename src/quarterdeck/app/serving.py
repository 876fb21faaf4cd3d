"""The ASGI application around a house."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI

from quarterdeck import __version__
from quarterdeck.app.identity import Identity
from quarterdeck.app.opening import open_house
from quarterdeck.config import Settings
from quarterdeck.diagnostics import get_logger
from quarterdeck.errors import QuarterdeckError
from quarterdeck.web.application import create_application
from quarterdeck.web.house import House, Role

logger = get_logger("quarterdeck")


def create_app(
    settings: Settings,
    on_ready: Callable[[House], None] | None = None,
    role: Role = "all",
    identity: Identity | None = None,
) -> FastAPI:
    """The ASGI application; its lifespan opens and closes the house."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                house = await stack.enter_async_context(open_house(settings, role, identity=identity))
            except QuarterdeckError as error:
                app.state.refusal = error  # for the command line, which says it in one sentence
                raise
            app.state.house = house
            logger.info("started", version=__version__, role=role, data_dir=str(settings.data_dir), pid=os.getpid())
            if on_ready is not None:
                on_ready(house)
            yield
            logger.info("stopping", pid=os.getpid())

    return create_application(settings, lifespan)
