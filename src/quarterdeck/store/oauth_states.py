"""Sign-ins on their way: begun here, to be finished once, by the browser that began them."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import delete, func, insert, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.tables import oauth_states


class OAuthStateRow(Struct, frozen=True):
    provider: str
    nonce: str
    verifier: str
    user_id: str | None
    invitation_hash: bytes | None


def insert_oauth_state(
    connection: WriteConnection, row: OAuthStateRow, *, state_hash: bytes, browser_hash: bytes, expires_at: int
) -> None:
    connection.execute(
        insert(oauth_states).values(
            state_hash=state_hash, browser_hash=browser_hash, provider=row.provider, nonce=row.nonce,
            verifier=row.verifier, user_id=row.user_id, invitation_hash=row.invitation_hash, expires_at=expires_at,
        )
    )  # fmt: skip


def take_oauth_state(
    connection: WriteConnection, *, state_hash: bytes, browser_hash: bytes, provider: str
) -> OAuthStateRow | None:
    """Once, and for the browser and the provider it was begun with; another one neither gets nor ends it."""
    row = connection.execute(
        delete(oauth_states)
        .where(
            oauth_states.c.state_hash == state_hash,
            oauth_states.c.browser_hash == browser_hash,
            oauth_states.c.provider == provider,
            oauth_states.c.expires_at > now_ms(),
        )
        .returning(oauth_states)
    ).first()
    if row is None:
        return None
    return OAuthStateRow(row.provider, row.nonce, row.verifier, row.user_id, row.invitation_hash)


def count_oauth_states(connection: WriteConnection) -> int:
    """Those still on their way; the others are removed."""
    connection.execute(delete(oauth_states).where(oauth_states.c.expires_at <= now_ms()))
    return int(connection.execute(select(func.count()).select_from(oauth_states)).scalar_one())
