"""Texts that were sent to a model and stand nowhere else, each once for its owner: by the digest of what they say."""

from __future__ import annotations

import hashlib

from sqlalchemy import exists, insert, select

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import context_texts


def digest_of(text: str) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def keep_text(connection: WriteConnection, owner: str, digest: str, text: str) -> None:
    """Two at once: the loser's whole function is run again, and finds it there."""
    is_known = select(exists().where(context_texts.c.owner_id == owner, context_texts.c.digest == digest))
    if not connection.execute(is_known).scalar():
        connection.execute(insert(context_texts).values(owner_id=owner, digest=digest, text=text, created_at=now_ms()))


def read_texts(connection: AnyConnection, owner: str, digests: set[str]) -> dict[str, str]:
    if not digests:
        return {}
    rows = connection.execute(
        select(context_texts).where(context_texts.c.owner_id == owner, context_texts.c.digest.in_(digests))
    )
    return {row.digest: row.text for row in rows}
