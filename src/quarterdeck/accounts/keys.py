"""API keys: who may make which. A key is shown once; afterwards it is known by its id and its label."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from quarterdeck.accounts.authenticate import KEY_SCOPES, Principal
from quarterdeck.accounts.tokens import Token, hash_secret, new_token
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.keys import KeyRow, count_api_keys, insert_api_key, list_api_keys, revoke_api_key
from quarterdeck.store.users import UserRow, ensure_owner, find_user_by_name

MAX_KEYS = 100  # of one user
_FOR_ADMINS = frozenset({"admin", "scim"})
_ADMINS = ("owner", "admin")
_HINT_CHARS = 14  # of the id, which is no secret: enough to tell two keys apart


def create_api_key(
    connection: WriteConnection,
    *,
    user_name: str = "",
    label: str,
    scopes: Collection[str] = (),
    expires_at: int | None = None,
) -> Token:
    """A key for the user of that name (empty: the owner, made on first use), asked for on the command line.

    Without `scopes` it gets what its user may do. Raises: `InputError`, `ConflictError`.
    """
    owner = ensure_owner(connection)
    user = find_user_by_name(connection, user_name) if user_name else owner
    if user is None:
        raise InputError(f"There is no user named {user_name!r}.")
    wanted = frozenset(scopes) or _usual_scopes(user)
    if wanted & _FOR_ADMINS and user.role not in _ADMINS:
        raise InputError(f"{user.name} is no admin: a key of theirs can have the scopes chat and read.")
    actor = AuditEntry("key.created", actor_name="command line")
    return _make(connection, user, label, wanted, expires_at, actor)


class KeyWish(Struct, frozen=True):
    """`expires_at` is None for a key without an end; `address` is where the wish came from."""

    label: str
    scopes: frozenset[str]
    expires_at: int | None = None
    address: str = ""


def make_own_key(connection: WriteConnection, caller: Principal, wish: KeyWish) -> tuple[Token, KeyRow]:
    """A key of the caller's. One who came with a key must have that for administration, and gets no more than it has.

    Raises: `ForbiddenError`, `InputError`, `ConflictError`.
    """
    expires_at = wish.expires_at
    if caller.via == "key":
        expires_at = _bounded_by_own_key(connection, caller, wish)
    if caller.role == "guest":
        raise ForbiddenError("A guest cannot have API keys: they would outlive the visit.")
    if wish.scopes & _FOR_ADMINS and caller.role not in _ADMINS:
        raise ForbiddenError("Only the owner or an admin can have a key with the scope admin or scim.")
    actor = AuditEntry("key.created", actor_id=caller.user, actor_name=caller.name, address=wish.address)
    user = UserRow(caller.user, caller.name, caller.role, None)
    token = _make(connection, user, wish.label, wish.scopes, expires_at, actor)
    return token, next(row for row in list_api_keys(connection, caller.user) if row.id == token.id)


def revoke_own_key(connection: WriteConnection, caller: Principal, key: str, address: str = "") -> None:
    """A key may end itself; others only when it is for administration. Raises: `NotFoundError`, `ForbiddenError`."""
    row = revoke_api_key(connection, key, caller.user)
    if row is None:
        raise NotFoundError("There is no such key.")
    if caller.via == "key" and caller.credential != key and "admin" not in caller.scopes:
        raise ForbiddenError("This API key can revoke itself only. Sign in to revoke another one.")
    actor = AuditEntry("key.revoked", actor_id=caller.user, actor_name=caller.name, address=address)
    _note(connection, actor, row, caller.name)


def revoke_any_key(connection: WriteConnection, key: str) -> KeyRow:
    """On the command line, by its id. Raises: `InputError`."""
    row = revoke_api_key(connection, key)
    if row is None:
        raise InputError("There is no such key. `quarterdeck key list` shows them.")
    _note(connection, AuditEntry("key.revoked", actor_name="command line"), row, row.user_id)
    return row


def hint_of(key: KeyRow) -> str:
    """How the key begins."""
    return f"qd_k{key.id[:_HINT_CHARS]}…"


def _usual_scopes(user: UserRow) -> frozenset[str]:
    return frozenset({"chat", "read", "admin"} if user.role in _ADMINS else {"chat", "read"})


def _bounded_by_own_key(connection: AnyConnection, caller: Principal, wish: KeyWish) -> int | None:
    """When the new key ends: not after the one that makes it."""
    if "admin" not in caller.scopes:
        raise ForbiddenError("This API key may not make others: it lacks the scope `admin`. Sign in to make one.")
    if more := wish.scopes - caller.scopes:
        raise ForbiddenError(f"An API key cannot make one that may do more: this one lacks `{min(more)}`.")
    own = next((row for row in list_api_keys(connection, caller.user) if row.id == caller.credential), None)
    until = None if own is None else own.expires_at
    return wish.expires_at if until is None else min(until, wish.expires_at or until)


def _make(
    connection: WriteConnection, user: UserRow, label: str, scopes: frozenset[str], until: int | None, actor: AuditEntry
) -> Token:
    now = now_ms()
    if not scopes or scopes - KEY_SCOPES:
        raise InputError(f"A key's scopes are some of {', '.join(sorted(KEY_SCOPES))}.")
    if until is not None and until <= now:
        raise InputError("A key cannot have expired before it is made.")
    if count_api_keys(connection, user.id) >= MAX_KEYS:
        raise ConflictError(f"One user can have {MAX_KEYS} keys. Revoke one that is not used any more.")
    token = new_token("key")
    row = KeyRow(token.id, user.id, label[:200], sorted(scopes), now, None, until)
    insert_api_key(connection, row, hash_secret(token.secret))
    _note(connection, actor, row, user.name)
    return token


def _note(connection: WriteConnection, actor: AuditEntry, row: KeyRow, whose: str) -> None:
    entry = AuditEntry(
        actor.action, whose, actor.actor_id, actor.actor_name, actor.address,
        {"key": row.id, "label": row.name, "scopes": " ".join(row.scopes), "expires_at": row.expires_at},
    )  # fmt: skip
    insert_audit_entry(connection, entry)
