"""People's accounts, for admins: list, make, change, suspend, sign out, export, delete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.admin import (
    Actor,
    NewPerson,
    PersonChange,
    access_person,
    begin_removal,
    change_person,
    check_reach,
    create_person,
    hand_over,
    make_password_link,
    note_export,
    note_removal,
    sign_out_person,
)
from quarterdeck.accounts.own_account import require_signed_in
from quarterdeck.accounts.passwords import check_password
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.directory import PersonRow, list_people
from quarterdeck.turns.removal import remove_user, stop_all
from quarterdeck.web.dependencies import Address, Administrator, PublicBase, TheHouse
from quarterdeck.web.own_data import export_answer
from quarterdeck.web.streams import BoundedStream

router = APIRouter(prefix="/api/admin", tags=["administration"])

Name = Annotated[str, Field(max_length=200)]
Email = Annotated[str, Field(max_length=320)]
GivenRole = Literal["admin", "member"]


class PersonDocument(BaseModel):
    """`cost_month` is in millionths of a US dollar; times are milliseconds since 1970."""

    id: str
    name: str
    email: str
    role: str
    created_at: int
    suspended_at: int | None
    has_password: bool
    identities: list[str]
    seen_at: int | None
    conversations: int
    cost_month: int


class PersonMade(PersonDocument):
    """`link` lets them choose a password, once; null when they have one."""

    link: str | None
    expires_at: int | None


class PersonPage(BaseModel):
    items: list[PersonDocument]
    next_cursor: str | None


class PersonWish(BaseModel):
    name: Name
    role: GivenRole = "member"
    email: Email = ""
    password: Annotated[str, Field(max_length=1_000)] | None = None


class PersonPatch(BaseModel):
    """What is not named stays as it is."""

    name: Name | None = None
    role: GivenRole | None = None
    email: Email | None = None
    is_suspended: bool | None = None


class Confirmation(BaseModel):
    """Repeats the name of whom it is about."""

    name: Name


class PasswordLink(BaseModel):
    link: str
    expires_at: int


class Heir(BaseModel):
    user: Annotated[str, Field(max_length=100)]


@router.get("/users")
async def list_all(
    house: TheHouse,
    caller: Administrator,
    q: Annotated[str, Query(max_length=200, description="Part of a name or an address.")] = "",
    cursor: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PersonPage:
    """List users, the newest first."""
    rows = await house.database.read(
        lambda connection: list_people(connection, query=q.strip(), before=cursor, limit=limit + 1)
    )
    items = [PersonDocument(**_values(row)) for row in rows[:limit]]
    return PersonPage(items=items, next_cursor=items[-1].id if len(rows) > limit else None)


@router.post("/users", status_code=201)
async def create(
    house: TheHouse, caller: Administrator, address: Address, base: PublicBase, wanted: PersonWish
) -> PersonMade:
    """Make an account. Without a password there is a link by which it is chosen."""
    actor = Actor(caller, address)
    password_hash = None
    if wanted.password is not None:
        password_hash = await house.passwords.hash(check_password(wanted.password, wanted.name))
    person = NewPerson(wanted.name, wanted.role, wanted.email, password_hash)

    def make(connection: WriteConnection) -> tuple[PersonRow, tuple[str, int] | None]:
        made = create_person(connection, actor, person)
        return made, None if made.has_password else make_password_link(connection, actor, made.id)

    made, link = await house.database.write(make)
    shown = None if link is None else _link(base, *link)
    return PersonMade(
        **_values(made), link=shown.link if shown else None, expires_at=shown.expires_at if shown else None
    )


@router.patch("/users/{user}")
async def change(
    house: TheHouse, caller: Administrator, address: Address, user: str, wanted: PersonPatch
) -> PersonDocument:
    """Rename, give another role, suspend or let in again. What a suspended user has open ends within seconds."""
    changed = PersonChange(wanted.name, wanted.role, wanted.email, wanted.is_suspended)
    row = await house.database.write(
        lambda connection: change_person(connection, Actor(caller, address), user, changed)
    )
    if wanted.is_suspended:
        await stop_all(house.database, house.turns, user)
    return PersonDocument(**_values(row))


@router.delete("/users/{user}", status_code=204)
async def delete(house: TheHouse, caller: Administrator, address: Address, user: str, wanted: Confirmation) -> Response:
    """Delete an account with everything it owns. Export it first: this cannot be undone."""
    actor = Actor(caller, address)
    person = await house.database.write(lambda connection: begin_removal(connection, actor, user, wanted.name))
    await remove_user(
        house.database, house.turns, house.log, user, lambda connection: note_removal(connection, actor, person)
    )
    return Response(status_code=204)


@router.get("/users/{user}/export", response_class=BoundedStream)
async def export(house: TheHouse, caller: Administrator, address: Address, user: str) -> Response:
    """Everything an account owns, as a zip of JSON Lines. The owner's and admins' own are for the owner alone."""

    def note(connection: WriteConnection) -> PersonRow:
        person = access_person(connection, user)
        check_reach(Actor(caller, address), person)
        note_export(connection, Actor(caller, address), person)
        return person

    return export_answer(house, await house.database.write(note))


@router.post("/users/{user}/password-link")
async def password_link(
    house: TheHouse, caller: Administrator, address: Address, base: PublicBase, user: str
) -> PasswordLink:
    """A link by which they choose a new password, once, within a day."""
    secret, expires_at = await house.database.write(
        lambda connection: make_password_link(connection, Actor(caller, address), user)
    )
    return _link(base, secret, expires_at)


@router.post("/users/{user}/sign-out", status_code=204)
async def sign_out(
    house: TheHouse,
    caller: Administrator,
    address: Address,
    user: str,
    keys: Annotated[bool, Query(description="Revoke their API keys, too.")] = False,
) -> Response:
    """Sign them out everywhere."""
    await house.database.write(
        lambda connection: sign_out_person(connection, Actor(caller, address), user, keys_too=keys)
    )
    return Response(status_code=204)


@router.post("/owner")
async def change_owner(house: TheHouse, caller: Administrator, address: Address, wanted: Heir) -> PersonDocument:
    """Hand this server over: another user becomes its owner, and you an admin. Not with an API key."""
    require_signed_in(caller)
    row = await house.database.write(lambda connection: hand_over(connection, Actor(caller, address), wanted.user))
    return PersonDocument(**_values(row))


def _link(base: str, secret: str, expires_at: int) -> PasswordLink:
    return PasswordLink(link=f"{base}/reset/{secret}", expires_at=expires_at)


def _values(row: PersonRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in PersonDocument.model_fields}
