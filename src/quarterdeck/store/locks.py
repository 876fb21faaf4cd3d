"""Locks that hold until the transaction ends, for what two writers must not decide at the same time."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from quarterdeck.store.database import WriteConnection

_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))


def lock_conversation(connection: WriteConnection, conversation: str) -> None:
    """Other writers of this conversation wait until this transaction has ended. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"name": f"conversation {conversation}"})
