"""The one `authenticate()`: every transport brings its headers here, on every request and every socket."""

from __future__ import annotations

import contextlib
from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.identities.admission import admit
from quarterdeck.accounts.identities.cloudflare import CloudflareAccess
from quarterdeck.accounts.sessions import SESSION_MS
from quarterdeck.accounts.tokens import Token, is_secret, parse_token
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import AccessError
from quarterdeck.store.database import Database, StorageError
from quarterdeck.store.users import (
    CredentialRow,
    find_api_key,
    find_session,
    identity_credential,
    is_stale,
    touch_credential,
)

Scope = Literal["chat", "read", "admin", "scim"]
SCOPES: frozenset[str] = frozenset({"chat", "read", "admin"})
KEY_SCOPES: frozenset[str] = SCOPES | {"scim"}  # a directory's: it keeps accounts, and nothing else


class Principal(Struct, frozen=True):
    """Who is asking. `via` is how they proved it; `credential` names the session or key (no secret).

    `scopes`: what a key is for; whoever signed in themselves has all of them.
    """

    user: str
    name: str
    role: str
    via: Literal["session", "key", "access"]
    credential: str
    scopes: frozenset[str] = SCOPES
    expires_at: int | None = None  # in milliseconds, where the proof itself ends: sockets end with it


class Credentials(Struct, frozen=True):
    """What a request carries: the `Authorization` header, the session cookie, and what Cloudflare Access asserts.

    Empty when absent. `access` verifies the assertion; without it that header means nothing.
    """

    authorization: str = ""
    cookie: str = ""
    assertion: str = ""
    access: CloudflareAccess | None = None

    def __repr__(self) -> str:
        return "Credentials(…)"


async def authenticate(database: Database, given: Credentials) -> Principal:
    """Raises: `AccessError` with one sentence; it never says whether an id exists."""
    if given.assertion and given.access is not None and not given.authorization:
        return await _authenticate_by_access(database, given.access, given.assertion)
    token = _token_from(given)
    find = find_api_key if token.kind == "key" else find_session
    row = await database.read(lambda connection: find(connection, token.id))
    if row is None or not is_secret(token.secret, row.secret_hash):
        raise AccessError(_refusal(given))
    if row.user.suspended_at is not None:
        raise AccessError("This account is suspended. Ask the owner of this server.")
    await _note_use(database, row)
    scopes = frozenset(row.scopes.split()) if token.kind == "key" else SCOPES
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
    token = parse_token(given.cookie)
    if token is None or token.kind != "session":
        raise AccessError(_refusal(given))
    return token


def _refusal(given: Credentials) -> str:
    if given.authorization:
        return "This API key is not valid. Make one with `quarterdeck key create`."
    if given.cookie:
        return "You are signed out. Open the link that `quarterdeck open` prints."
    return "Sign in first: open the link that Quarterdeck printed at its start, or send an API key as a bearer token."


async def _note_use(database: Database, row: CredentialRow) -> None:
    if is_stale(row):
        with contextlib.suppress(StorageError):  # a full disk signs nobody out
            await database.write(lambda connection: touch_credential(connection, row.id, now_ms() + SESSION_MS))
