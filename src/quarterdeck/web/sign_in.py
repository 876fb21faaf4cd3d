"""Getting in: with a password, by an invitation, by a link for a new password. Nobody is signed in here yet."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.invitations import Arrival, open_invitation, sign_up
from quarterdeck.accounts.own_account import look_at_password_link, reset_password
from quarterdeck.accounts.sign_in import SignedIn, Visitor, sign_in
from quarterdeck.store.people import owner_has_way_in
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.house import visitor_of
from quarterdeck.web.session_cookie import set_session

router = APIRouter(prefix="/api", tags=["sign-in"])

Name = Annotated[str, Field(min_length=1, max_length=320)]
Secret = Annotated[str, Field(max_length=1_000)]
TheVisitor = Annotated[Visitor, Depends(visitor_of)]


class Ways(BaseModel):
    password: bool
    guests: bool
    ldap: bool
    access: bool


class WayOut(BaseModel):
    """A provider to sign in with."""

    name: str
    label: str
    kind: str


class SignInPage(BaseModel):
    """`needs_owner`: only the one-time link that the server prints leads in."""

    ways: Ways
    providers: list[WayOut]
    needs_owner: bool
    sign_up: bool
    server_name: str


class SignIn(BaseModel):
    """`name` may be the address of the account."""

    name: Name
    password: Secret


class SignUp(BaseModel):
    invitation: Secret
    name: Annotated[str, Field(max_length=200)]
    password: Secret
    email: Annotated[str, Field(max_length=320)] = ""


class PasswordOnly(BaseModel):
    password: Secret


class UserDocument(BaseModel):
    id: str
    name: str
    role: str


class SignedInDocument(BaseModel):
    user: UserDocument


@router.get("/sign-in")
async def ways_in(house: TheHouse) -> SignInPage:
    """How one gets in here."""
    has_way = await house.database.read(owner_has_way_in)
    ways = Ways(
        password=True, guests=house.settings.guests, ldap=house.ldap is not None, access=house.access is not None
    )
    return SignInPage(ways=ways, providers=[], needs_owner=not has_way, sign_up=False, server_name="Quarterdeck")


@router.post("/sign-in")
async def enter(house: TheHouse, visitor: TheVisitor, request: Request, given: SignIn) -> Response:
    """Sign in with name and password."""
    entered = await sign_in(house.database, house.passwords, given.name, given.password, visitor, house.ldap)
    return _welcome(request, entered)


@router.get("/invitations/{secret}")
async def look_at_invitation(house: TheHouse, secret: str) -> dict[str, Any]:
    """What an invitation is for."""
    row = await open_invitation(house.database, secret)
    return {"role": row.role, "email": row.email, "expires_at": row.expires_at, "providers": []}


@router.post("/sign-up", status_code=201)
async def join(house: TheHouse, visitor: TheVisitor, request: Request, given: SignUp) -> Response:
    """Make an account by an invitation, and sign in."""
    arrival = Arrival(given.invitation, given.name, given.password, given.email)
    return _welcome(request, await sign_up(house.database, house.passwords, arrival, visitor), 201)


@router.get("/password-reset/{secret}")
async def look_at_reset(house: TheHouse, secret: str) -> dict[str, str]:
    """Whose password a link sets."""
    return {"name": (await look_at_password_link(house.database, secret)).name}


@router.post("/password-reset/{secret}")
async def reset(house: TheHouse, visitor: TheVisitor, request: Request, secret: str, given: PasswordOnly) -> Response:
    """Choose a new password, and sign in. All other sessions end."""
    entered = await reset_password(house.database, house.passwords, secret, given.password, visitor)
    return _welcome(request, entered)


def _welcome(request: Request, entered: SignedIn, status: int = 200) -> Response:
    user = UserDocument(id=entered.user.id, name=entered.user.name, role=entered.user.role)
    body = SignedInDocument(user=user).model_dump_json()
    response = Response(body, status, media_type="application/json")
    set_session(response, request, entered.token)
    return response
