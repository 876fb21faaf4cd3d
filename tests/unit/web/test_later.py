"""Routes that are loaded when they are first asked for: none is hidden by one that was there before."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match, Route

from quarterdeck.config import Settings
from quarterdeck.web.application import LATER, ROUTERS, create_application
from quarterdeck.web.later import LaterRoutes


def make_app() -> FastAPI:
    return create_application(Settings())


def plain_routes(app: FastAPI) -> list[Route]:
    return [route for route in app.routes if isinstance(route, Route)]


def test_a_route_is_made_once() -> None:
    """FastAPI's `include_router` would make another of each, at the first request that comes by it."""
    app = make_app()
    made = {id(route) for router in ROUTERS for route in router.routes}
    assert len(made) > len(ROUTERS)
    assert made <= {id(route) for route in app.routes}


def test_no_route_that_is_there_at_the_start_answers_for_a_later_one() -> None:
    app = make_app()
    early = plain_routes(app)
    later = app.router.default
    assert isinstance(later, LaterRoutes)
    routes = [route for router in later.import_routers() for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > len(LATER)
    for route in routes:
        path = route.path_format.replace("{", "").replace("}", "").replace(":path", "")
        scope = {"type": "http", "path": path, "method": min(route.methods or {"GET"})}
        shadows = [other.path for other in early if other.matches(scope)[0] is not Match.NONE]
        assert not shadows, f"{path} is answered by {shadows}"


async def test_a_later_route_is_found_when_it_is_asked_for() -> None:
    app = make_app()
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/api/nothing/of/that/name")).status_code == 404
        assert not isinstance(app.router.default, LaterRoutes)
        assert "/api/admin/rules" in app.openapi()["paths"]


@pytest.mark.parametrize("path", ["/api/admin/users", "/api/shares", "/scim/v2/Users"])
def test_the_description_has_the_later_routes(path: str) -> None:
    assert path in make_app().openapi()["paths"] or path.startswith("/scim")
