"""Guests: a name, and a token that lasts an hour from its last use. They can chat, and nothing else."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from quarterdeck.accounts.attempts import count_guest
from quarterdeck.accounts.names import check_name
from quarterdeck.accounts.sessions import GUEST_MS, GUEST_NOTED_MS
from quarterdeck.accounts.tokens import Token, hash_secret, is_secret, new_token, parse_token
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import TextPart
from quarterdeck.errors import ForbiddenError, InputError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.guests import insert_guest, list_guest_messages
from quarterdeck.store.messages import MessageRow
from quarterdeck.store.settings import read_setting
from quarterdeck.store.users import CredentialRow, find_session, insert_session, is_stale, touch_credential

GUESTS_SETTING = "guests"  # `1` or `0`, set by an admin; empty: as the environment says
_MAX_MESSAGES = 500


class GuestError(InputError):
    """A guest's name or token cannot be used."""

    code: ClassVar[str] = "guest"
    status: ClassVar[int] = 400


class GuestMessage(Struct, frozen=True):
    """`chat` is what the client calls the conversation; `created_at` in milliseconds since 1970."""

    id: str
    chat: str
    role: str
    text: str
    status: str
    created_at: int


class GuestSession(Struct, frozen=True):
    token: Token
    name: str
    messages: list[GuestMessage] = []


def are_guests_allowed(connection: AnyConnection, by_default: bool) -> bool:
    return {"1": True, "0": False}.get(read_setting(connection, GUESTS_SETTING), by_default)


def receive_guest(
    connection: WriteConnection, name: str, *, address: str, device: str, by_default: bool
) -> GuestSession:
    """Raises: `ForbiddenError` where guests are not allowed, `GuestError`, `LimitError`."""
    if not are_guests_allowed(connection, by_default):
        raise ForbiddenError("This server takes no guests. Ask its owner for an invitation.")
    try:
        called = check_name(name)
    except InputError as error:
        raise GuestError(f"{error.message} Give one as ?name=…") from error
    count_guest(connection, address)
    user, token = insert_guest(connection, called), new_token("guest")
    insert_session(
        connection,
        session=token.id,
        user=user.id,
        secret_hash=hash_secret(token.secret),
        device=device,
        expires_at=now_ms() + GUEST_MS,
        via="guest",
        address=address,
    )
    return GuestSession(token, user.name)


def welcome_back(connection: WriteConnection, text: str, *, by_default: bool) -> GuestSession:
    """The guest's session, for another hour, with what was said in it. Raises: `GuestError`."""
    token = parse_token(text)
    row = _find_guest(connection, token) if are_guests_allowed(connection, by_default) else None
    if token is None or row is None:
        raise GuestError("This guest's token is unknown or has expired. Ask for a new one with POST /token?name=…")
    if is_stale(row, GUEST_NOTED_MS):
        touch_credential(connection, row.id, now_ms() + GUEST_MS)
    said = list_guest_messages(connection, row.user.id, _MAX_MESSAGES)
    return GuestSession(token, row.user.name, [_message(chat, message) for chat, message in said])


def _find_guest(connection: AnyConnection, token: Token | None) -> CredentialRow | None:
    if token is None or token.kind != "guest":
        return None
    row = find_session(connection, token.id)
    if row is None or row.user.role != "guest" or row.user.suspended_at is not None:
        return None
    return row if is_secret(token.secret, row.secret_hash) else None


def _message(chat: str, row: MessageRow) -> GuestMessage:
    text = "".join(part.text for part in row.parts if isinstance(part, TextPart))
    return GuestMessage(row.id, chat, row.role, text, row.status, row.created_at)
