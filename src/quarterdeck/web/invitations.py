"""Invitations, for admins."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.invitations import USUAL_S, invite, revoke_invitation
from quarterdeck.accounts.letters import write_invitation
from quarterdeck.accounts.mail import MailError
from quarterdeck.store.invitations import InvitationRow, list_invitations
from quarterdeck.store.settings import read_setting
from quarterdeck.web.dependencies import Address, Administrator, PublicBase, TheHouse

router = APIRouter(prefix="/api/admin/invitations", tags=["admin"])

_DAY_S = 24 * 3600


class InvitationDocument(BaseModel):
    """`used_by` is the name of who came."""

    id: str
    role: str
    email: str
    created_by: str
    created_at: int
    expires_at: int
    used_at: int | None
    used_by: str | None


class InvitationMade(InvitationDocument):
    link: str = Field(description="It is shown this once.")
    is_mailed: bool = Field(description="Whether it is on its way to `email`, too.")


class InvitationPage(BaseModel):
    items: list[InvitationDocument]
    next_cursor: str | None = None


class NewInvitation(BaseModel):
    role: Literal["admin", "member"] = "member"
    email: Annotated[str, Field(max_length=320)] = ""
    expires_in_s: int = USUAL_S


@router.get("")
async def list_all(
    house: TheHouse, caller: Administrator, cursor: str = "", limit: Annotated[int, Field(ge=1, le=200)] = 100
) -> InvitationPage:
    """List invitations, the newest first."""
    rows = await house.database.read(lambda connection: list_invitations(connection, before=cursor, limit=limit + 1))
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else None
    return InvitationPage(items=[InvitationDocument(**_values(row)) for row in shown], next_cursor=following)


@router.post("", status_code=201)
async def create(
    house: TheHouse, caller: Administrator, address: Address, base: PublicBase, wanted: NewInvitation
) -> InvitationMade:
    """Invite somebody: the link works once."""
    made = await house.database.write(
        lambda connection: invite(
            connection, caller, role=wanted.role, email=wanted.email, expires_in_s=wanted.expires_in_s, address=address
        )
    )
    link = f"{base}/invite/{made.secret}"
    is_mailed = house.mailer is not None and bool(made.row.email)
    if house.mailer is not None and is_mailed:
        name = await house.database.read(lambda connection: read_setting(connection, "server_name"))
        days = -(-wanted.expires_in_s // _DAY_S)
        letter = write_invitation(house.settings, name, made.row.email, caller.name, link, days)
        try:
            await house.mailer.send(letter)
        except MailError:  # nobody has its link
            await house.database.write(lambda connection: revoke_invitation(connection, caller, made.row.id, address))
            raise
    return InvitationMade(**_values(made.row), link=link, is_mailed=is_mailed)


@router.delete("/{invitation}", status_code=204)
async def revoke(house: TheHouse, caller: Administrator, address: Address, invitation: str) -> Response:
    """Take an invitation back."""
    await house.database.write(lambda connection: revoke_invitation(connection, caller, invitation, address))
    return Response(status_code=204)


def _values(row: InvitationRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in InvitationDocument.model_fields}
