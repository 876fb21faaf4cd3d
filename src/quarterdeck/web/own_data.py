"""One's own account as a whole: take everything along, or be gone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.admin import Actor, access_person, begin_own_removal, note_export, note_removal
from quarterdeck.accounts.confirming import confirm_identity
from quarterdeck.accounts.own_account import require_signed_in
from quarterdeck.exchange.account import export_name, export_user
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.directory import PersonRow
from quarterdeck.turns.removal import remove_user
from quarterdeck.web.dependencies import Address, Caller, TheHouse
from quarterdeck.web.house import SESSION_COOKIE, House
from quarterdeck.web.streams import BoundedStream

router = APIRouter(prefix="/api/me", tags=["account"])


class Farewell(BaseModel):
    """The password; where there is none, one's name."""

    password: Annotated[str, Field(max_length=1_000)] = ""
    name: Annotated[str, Field(max_length=200)] = ""


@router.get("/export", response_class=BoundedStream)
async def export_me(house: TheHouse, caller: Caller, address: Address) -> Response:
    """Everything you own, as a zip of JSON Lines."""

    def note(connection: WriteConnection) -> PersonRow:
        person = access_person(connection, caller.user)
        note_export(connection, Actor(caller, address), person)
        return person

    return export_answer(house, await house.database.write(note))


@router.delete("", status_code=204)
async def delete_me(house: TheHouse, caller: Caller, address: Address, wanted: Farewell) -> Response:
    """Delete your account with everything it owns. Export it first: this cannot be undone."""
    require_signed_in(caller)
    await confirm_identity(house.database, house.passwords, caller, (wanted.password, wanted.name), address)
    person = await house.database.write(lambda connection: begin_own_removal(connection, caller))
    await remove_user(
        house.database,
        house.turns,
        house.log,
        caller.user,
        lambda connection: note_removal(connection, Actor(caller, address), person),
    )
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE)
    return response


def export_answer(house: House, person: PersonRow) -> BoundedStream:
    headers = {
        "content-disposition": f'attachment; filename="{export_name(person.name)}"',
        "cache-control": "no-store",
    }
    return BoundedStream(export_user(house.database, person.id), media_type="application/zip", headers=headers)
