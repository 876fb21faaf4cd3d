"""The two things nearly every route asks for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.web.house import SESSION_COOKIE, House, current_principal, house_of

# These two only tell Swagger UI how to sign in; `authenticate` reads the headers itself.
_bearer = HTTPBearer(auto_error=False, description="An API key from `quarterdeck key create`.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False)


def _house(request: Request) -> House:
    return house_of(request)


async def _principal(
    request: Request, _key: Annotated[object, Depends(_bearer)], _session: Annotated[object, Depends(_cookie)]
) -> Principal:
    return await current_principal(request)


TheHouse = Annotated[House, Depends(_house)]
Caller = Annotated[Principal, Depends(_principal)]
