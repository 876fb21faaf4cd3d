"""What FastAPI would hand to a thread: a hop there and back, for each request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from tests.unit.web.test_later import make_app

from quarterdeck.web.application import ROUTERS
from quarterdeck.web.later import LaterRoutes


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for other in dependant.dependencies:
        yield from calls_of(other)


def find_threaded(routers: list[APIRouter]) -> list[str]:
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    calls = {call for route in routes for call in calls_of(route.dependant)}
    assert calls
    return sorted(
        getattr(call, "__qualname__", repr(call))
        for call in calls
        if not inspect.iscoroutinefunction(call if inspect.isroutine(call) else type(call).__call__)
    )


def test_no_route_and_nothing_it_depends_on_runs_in_a_thread() -> None:
    later = make_app().router.default
    assert isinstance(later, LaterRoutes)
    assert find_threaded([*ROUTERS, *later.import_routers()]) == []


@pytest.mark.parametrize("depends", [True, False])
def test_one_that_does_would_be_found(depends: bool) -> None:
    router = APIRouter()

    def plain() -> None: ...

    async def quick(_: object = Depends(plain)) -> None: ...

    router.get("/")(quick if depends else plain)
    assert [name.rpartition(".")[2] for name in find_threaded([router])] == ["plain"]
