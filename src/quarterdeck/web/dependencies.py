"""What nearly every route asks for: the house, who calls, and whether they administer it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from quarterdeck.accounts.access import require_account, require_admin
from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.sign_in import Visitor
from quarterdeck.web.house import (
    SESSION_COOKIE,
    House,
    address_of,
    current_principal,
    house_of,
    identify,
    public_base,
    visitor_of,
)

# These two only tell Swagger UI how to sign in; `authenticate` reads the headers itself.
_bearer = HTTPBearer(auto_error=False, description="An API key from `quarterdeck key create`.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False)


# All of these are coroutines: FastAPI would hand a plain function to a thread, for each request.
async def _house(request: Request) -> House:
    return house_of(request)


async def _address(request: Request) -> str:
    return address_of(request)


async def _public_base(request: Request) -> str:
    return public_base(request, house_of(request))


async def _visitor(request: Request) -> Visitor:
    return visitor_of(request)


BearerKey = Annotated[object, Depends(_bearer)]
SessionCookie = Annotated[object, Depends(_cookie)]


async def _principal(request: Request, _key: BearerKey, _session: SessionCookie) -> Principal:
    principal = await current_principal(request)
    require_account(principal)
    return principal


async def _principal_or_guest(request: Request, _key: BearerKey, _session: SessionCookie) -> Principal:
    return await current_principal(request)


async def _administrator(request: Request, _key: BearerKey, _session: SessionCookie) -> Principal:
    principal = await identify(request)
    require_admin(principal)
    return principal


TheHouse = Annotated[House, Depends(_house)]
Caller = Annotated[Principal, Depends(_principal)]
CallerOrGuest = Annotated[Principal, Depends(_principal_or_guest)]
"""For what belongs to chatting, and nothing else."""
Administrator = Annotated[Principal, Depends(_administrator)]
"""The owner or an admin; their key, if they came with one, has the scope `admin` and needs no other."""
Address = Annotated[str, Depends(_address)]
"""Where the request comes from, for the audit log."""
PublicBase = Annotated[str, Depends(_public_base)]
"""What links that are given to people begin with."""
TheVisitor = Annotated[Visitor, Depends(_visitor)]
