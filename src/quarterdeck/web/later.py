"""Routes that few ask for are loaded when one of them is first asked for: making them takes a sixth of a start."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from quarterdeck.web.api_examples import complete


class LaterRoutes:
    """Asked when no route is found; `modules` are those of this room, each with its `router`."""

    def __init__(self, app: FastAPI, modules: Sequence[str]) -> None:
        self._app = app
        self._modules = modules
        self._not_found = app.router.default
        self._describe = app.openapi
        self._lock = asyncio.Lock()
        app.router.default = self
        app.openapi = self.openapi  # type: ignore[method-assign]  # as FastAPI's documentation extends it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._lock:
            routers = await asyncio.to_thread(self.import_routers)
            self._include(routers)
        self._app.router.default = self._not_found
        await self._app.router(scope, receive, send)

    def load(self) -> None:
        """All of them, now."""
        self._include(self.import_routers())

    def openapi(self) -> dict[str, Any]:
        """The description of all routes."""
        self.load()
        return complete(self._describe())

    def import_routers(self) -> list[APIRouter]:
        return [import_module(f"quarterdeck.web.{module}").router for module in self._modules]

    def _include(self, routers: list[APIRouter]) -> None:
        if not self._modules:
            return
        self._modules = ()
        for router in routers:
            include(self._app, router)


def include(app: FastAPI, router: APIRouter) -> None:
    """A route's title in Swagger UI is the first sentence of its docstring.

    The routes themselves are taken: `include_router` would make each a second time, once a request looks at its router.
    """
    for route in router.routes:
        if isinstance(route, APIRoute) and route.endpoint.__doc__:
            route.summary = route.endpoint.__doc__.strip().split("\n")[0].split(". ")[0].rstrip(".")
    app.router.routes.extend(router.routes)
