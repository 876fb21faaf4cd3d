"""Getting in: with a password, by an invitation, by a link for a new password. Nobody is signed in here yet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.guests import are_guests_allowed
from quarterdeck.accounts.identities.providers import Provider
from quarterdeck.accounts.invitations import Arrival, open_invitation, sign_up
from quarterdeck.accounts.letters import ask_for_password_mail
from quarterdeck.accounts.open_sign_up import sign_up_openly
from quarterdeck.accounts.own_account import look_at_password_link, reset_password
from quarterdeck.accounts.server_settings import ServerSettings, read_server_settings
from quarterdeck.accounts.sign_in import SignedIn, sign_in
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.people import owner_has_way_in
from quarterdeck.web.dependencies import Address, TheHouse, TheVisitor
from quarterdeck.web.session_cookie import set_session

router = APIRouter(prefix="/api", tags=["sign-in"])

Name = Annotated[str, Field(min_length=1, max_length=320)]
Secret = Annotated[str, Field(max_length=1_000)]


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
    """Without an invitation where the server lets anybody make an account."""

    invitation: Secret = ""
    name: Annotated[str, Field(max_length=200)]
    password: Secret
    email: Annotated[str, Field(max_length=320)] = ""


class InvitationLook(BaseModel):
    """`expires_at` is in milliseconds since 1970; `providers` are other ways to join."""

    role: str
    email: str
    expires_at: int
    providers: list[WayOut]


class Forgotten(BaseModel):
    name_or_email: Name


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

    def read(connection: AnyConnection) -> tuple[bool, bool, ServerSettings]:
        return (
            owner_has_way_in(connection),
            are_guests_allowed(connection, house.settings.guests),
            read_server_settings(connection, house.settings),
        )

    has_way, guests, server = await house.database.read(read)
    providers = await house.identity_flow.providers()
    return SignInPage(
        ways=Ways(password=True, guests=guests, ldap=house.ldap is not None, access=house.access is not None),
        providers=[_way(provider) for provider in providers],
        needs_owner=not has_way and not providers and house.access is None and house.ldap is None,
        sign_up=server.sign_up or any(provider.sign_up in ("domain", "anybody") for provider in providers),
        server_name=server.server_name,
    )


@router.post("/sign-in")
async def enter(house: TheHouse, visitor: TheVisitor, request: Request, given: SignIn) -> Response:
    """Sign in with name and password."""
    entered = await sign_in(house.database, house.passwords, given.name, given.password, visitor, house.ldap)
    return _welcome(request, entered)


@router.get("/invitations/{secret}")
async def look_at_invitation(house: TheHouse, secret: str) -> InvitationLook:
    """What an invitation is for."""
    row = await open_invitation(house.database, secret)
    providers = [_way(provider) for provider in await house.identity_flow.providers() if provider.sign_up != "nobody"]
    return InvitationLook(role=row.role, email=row.email, expires_at=row.expires_at, providers=providers)


@router.post("/password-reset", status_code=204)
async def ask_for_reset(house: TheHouse, address: Address, given: Forgotten) -> Response:
    """Have a link for a new password sent to the account's address, where this server sends mail.

    The answer is the same whether there is such an account or not.
    """
    await ask_for_password_mail(house.database, house.mailer, house.settings, given.name_or_email, address)
    return Response(status_code=204)


@router.post("/sign-up", status_code=201)
async def join(house: TheHouse, visitor: TheVisitor, request: Request, given: SignUp) -> Response:
    """Make an account by an invitation, and sign in."""
    arrival = Arrival(given.invitation, given.name, given.password, given.email)
    if not given.invitation:
        entered = await sign_up_openly(house.database, house.settings, house.passwords, arrival, visitor)
        return _welcome(request, entered, 201)
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


def _way(provider: Provider) -> WayOut:
    return WayOut(name=provider.name, label=provider.label, kind=provider.kind)


def _welcome(request: Request, entered: SignedIn, status: int = 200) -> Response:
    user = UserDocument(id=entered.user.id, name=entered.user.name, role=entered.user.role)
    body = SignedInDocument(user=user).model_dump_json()
    response = Response(body, status, media_type="application/json")
    set_session(response, request, entered.token)
    return response
