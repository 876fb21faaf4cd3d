"""The one `authenticate()`: every transport brings its headers here, on every request and every socket."""

from __future__ import annotations

import contextlib
from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.guests import are_guests_allowed
from quarterdeck.accounts.identities.admission import admit
from quarterdeck.accounts.identities.cloudflare import CloudflareAccess
from quarterdeck.accounts.sessions import GUEST_MS, GUEST_NOTED_MS, SESSION_MS
from quarterdeck.accounts.tokens import Token, is_secret, parse_token
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import AccessError, SuspendedError
from quarterdeck.store.database import Database, ReadConnection, StorageError
from quarterdeck.store.users import (
    SEEN_EVERY_MS,
    CredentialRow,
    find_api_key,
    find_session,
    identity_credential,
    is_stale,
    touch_credential,
)

Scope = Literal["chat", "read", "admin", "scim"]
SCOPES: frozenset[str] = frozenset({"chat", "read", "admin"})
GUEST_SCOPES: frozenset[str] = frozenset({"chat", "read"})
KEY_SCOPES: frozenset[str] = SCOPES | {"scim"}  # a directory's: it keeps accounts, and nothing else


class Principal(Struct, frozen=True):
    """Who is asking. `via` is how they proved it; `credential` names the session or key (no secret).

    `scopes`: what a key is for; whoever signed in themselves has all of them.
    """

    user: str
    name: str
    role: str
    via: Literal["session", "key", "guest", "access"]
    credential: str
    scopes: frozenset[str] = SCOPES
    expires_at: int | None = None  # in milliseconds, where the proof itself ends: sockets end with it


class Credentials(Struct, frozen=True):
    """What a request carries: the `Authorization` header, the session cookie, and what Cloudflare Access asserts.

    Empty when absent. `access` verifies the assertion; without it that header means nothing. `guest` is what a socket's
    address carries: a guest's token, and nothing else is taken from there. `guests`: whether the settings allow them.
    """

    authorization: str = ""
    cookie: str = ""
    guest: str = ""
    assertion: str = ""
    access: CloudflareAccess | None = None
    guests: bool = False

    def __repr__(self) -> str:
        return "Credentials(…)"


async def authenticate(database: Database, given: Credentials) -> Principal:
    """Raises: `AccessError` with one sentence; it never says whether an id exists."""
    if given.assertion and given.access is not None and not given.authorization:
        return await _authenticate_by_access(database, given.access, given.assertion)
    token = _token_from(given)
    row = await database.glance(lambda connection: _find(connection, token, given), "authenticate")
    if row is None or not is_secret(token.secret, row.secret_hash) or not _fits(token, row):
        raise AccessError(_refusal(given))
    if row.user.suspended_at is not None:
        raise SuspendedError
    await _note_use(database, row)
    scopes = frozenset(row.scopes.split()) if token.kind == "key" else SCOPES
    if token.kind == "guest":
        scopes = GUEST_SCOPES
    return Principal(row.user.id, row.user.name, row.user.role, token.kind, row.id, scopes)


async def _authenticate_by_access(database: Database, access: CloudflareAccess, assertion: str) -> Principal:
    """A session cookie beside the assertion says nothing: it may be somebody else's, left in the same browser."""
    proven = await access.verify(assertion)
    user = await admit(database, proven.person)
    credential = identity_credential(proven.person.issuer, proven.person.subject)
    return Principal(user.id, user.name, user.role, "access", credential, SCOPES, proven.expires_at)


def _token_from(given: Credentials) -> Token:
    if given.authorization:
        scheme, _, text = given.authorization.partition(" ")
        token = parse_token(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise AccessError(_refusal(given))
        return token
    token, kind = (parse_token(given.guest), "guest") if given.guest else (parse_token(given.cookie), "session")
    if token is None or token.kind != kind:
        raise AccessError(_refusal(given))
    return token


def _find(connection: ReadConnection, token: Token, given: Credentials) -> CredentialRow | None:
    if token.kind == "key":
        return find_api_key(connection, token.id)
    if token.kind == "guest" and not are_guests_allowed(connection, given.guests):
        return None
    return find_session(connection, token.id)


def _fits(token: Token, row: CredentialRow) -> bool:
    """A guest's token opens a guest's session, and no other opens one."""
    return (token.kind == "guest") == (row.user.role == "guest")


def _refusal(given: Credentials) -> str:
    if given.guest or given.authorization.removeprefix("Bearer ").startswith("qd_g"):
        return "This guest's token is unknown or has expired. Ask for a new one."
    if given.authorization:
        return "This API key is not valid. Make one with `quarterdeck key create`."
    if given.cookie:
        return "You are signed out. Open the link that `quarterdeck open` prints."
    return "Sign in first: open the link that Quarterdeck printed at its start, or send an API key as a bearer token."


async def _note_use(database: Database, row: CredentialRow) -> None:
    is_guest = row.user.role == "guest"
    if is_stale(row, GUEST_NOTED_MS if is_guest else SEEN_EVERY_MS):
        until = now_ms() + (GUEST_MS if is_guest else SESSION_MS)
        with contextlib.suppress(StorageError):  # a full disk signs nobody out
            await database.write(lambda connection: touch_credential(connection, row.id, until))
