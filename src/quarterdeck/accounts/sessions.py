"""Sessions, and the one-time link that makes the first session of a fresh installation."""

from __future__ import annotations

import secrets

from quarterdeck.accounts.tokens import Token, hash_secret, new_token
from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import AccessError
from quarterdeck.store.audit import AuditEntry, insert_audit_entry
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.users import (
    UserRow,
    delete_session,
    ensure_owner,
    insert_open_link,
    insert_session,
    use_open_link,
)

SESSION_MS = 30 * 24 * 3600 * 1000  # from its last use
GUEST_MS = 3600 * 1000  # from a guest's last use
GUEST_NOTED_MS = 1000  # so exactly is that kept
_LINK_MS = 24 * 3600 * 1000
_FRESH_MS = 15 * 60 * 1000


def is_fresh(opened_at: int) -> bool:
    """Whether a session is so new that its person is certainly there: for what one left open must not do."""
    return now_ms() - opened_at <= _FRESH_MS


def create_open_link(connection: WriteConnection) -> str:
    """A secret that opens one session for the owner, once, within a day. Makes the owner on first use."""
    owner = ensure_owner(connection)
    secret = secrets.token_urlsafe(24)
    insert_open_link(connection, secret_hash=hash_secret(secret), user=owner.id, expires_at=now_ms() + _LINK_MS)
    return secret


def open_session_by_link(connection: WriteConnection, secret: str, device: str, address: str = "") -> Token:
    """Raises: `AccessError` when the link was used or is too old."""
    user = use_open_link(connection, hash_secret(secret))
    if user is None:
        raise AccessError("This link was used already or is too old. `quarterdeck open` prints a new one.")
    insert_audit_entry(
        connection, AuditEntry("session.opened", user.name, user.id, user.name, address, {"via": "link"})
    )
    return open_session(connection, user, device, address=address)


def open_session(
    connection: WriteConnection, user: UserRow, device: str, *, via: str = "link", address: str = ""
) -> Token:
    """`via`: link, password, oauth, ldap or guest; `address`: where it was opened from."""
    token = new_token("session")
    insert_session(
        connection,
        session=token.id,
        user=user.id,
        secret_hash=hash_secret(token.secret),
        device=device,
        expires_at=now_ms() + SESSION_MS,
        via=via,
        address=address,
    )
    return token


def close_session(connection: WriteConnection, session: str) -> None:
    delete_session(connection, session)
