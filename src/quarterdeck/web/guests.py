"""`POST /token` and `GET /refresh_token`: chatting without an account, where that is allowed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from quarterdeck.accounts.guests import GuestSession, receive_guest, welcome_back
from quarterdeck.web.dependencies import Address, TheHouse

router = APIRouter(tags=["guests"])


class GuestMessageDocument(BaseModel):
    """`chatId` is what the client calls its conversation; `created_at` is in milliseconds since 1970."""

    id: str
    chatId: str  # noqa: N815  # the wire's own spelling
    role: str
    text: str
    status: str
    created_at: int


class GuestDocument(BaseModel):
    token: str = Field(description="For `WS /chat?token=…`, or as a bearer token. It lasts an hour from its last use.")
    name: str
    messages: list[GuestMessageDocument] = Field(description="What was said so far, the oldest first.")


@router.post("/token")
async def come_as_guest(
    request: Request,
    house: TheHouse,
    address: Address,
    name: Annotated[str, Query(description="What to be called.")] = "",
) -> GuestDocument:
    """Come as a guest."""
    device = request.headers.get("user-agent", "")
    session = await house.database.write(
        lambda connection: receive_guest(
            connection, name, address=address, device=device, by_default=house.settings.guests
        )
    )
    return _document(session)


@router.get("/refresh_token")
async def come_back(
    house: TheHouse, token: Annotated[str, Query(description="From `POST /token`.")] = ""
) -> GuestDocument:
    """Go on as the same guest, for another hour."""
    session = await house.database.write(
        lambda connection: welcome_back(connection, token, by_default=house.settings.guests)
    )
    return _document(session)


def _document(session: GuestSession) -> GuestDocument:
    messages = [
        GuestMessageDocument(
            id=said.id, chatId=said.chat, role=said.role, text=said.text, status=said.status, created_at=said.created_at
        )
        for said in session.messages
    ]
    return GuestDocument(token=str(session.token), name=session.name, messages=messages)
