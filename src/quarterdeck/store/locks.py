"""Locks that hold until the transaction ends, for what two writers must not decide at the same time."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, func, select

from quarterdeck.store.database import WriteConnection
from quarterdeck.store.statements import Statement

_LOCK_ALL = Statement(
    "", "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name"
)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))


def lock_conversation(connection: WriteConnection, conversation: str) -> bool:
    """Other writers of this conversation wait until this transaction has ended. SQLite has one writer anyway.

    True if there may have been one to wait for: what was read before may be another by now.
    """
    return _lock(connection, f"conversation {conversation}")


def lock_conversations(connection: WriteConnection, conversations: Iterable[str]) -> None:
    """The same for several at once; no other lock is taken before it."""
    if connection.dialect.name == "postgresql":  # one after the other, and for everybody in the same order
        _LOCK_ALL.rows(connection, {"names": sorted({f"conversation {one}" for one in conversations})})


def lock_send(connection: WriteConnection, owner: str, key: str) -> None:
    """One message sent twice at once is recorded by one after the other. To be taken before the conversation's."""
    _lock(connection, f"send {owner} {key}")


def lock_secrets(connection: WriteConnection) -> None:
    """Whoever seals a secret waits until the key that it is to be sealed with is settled."""
    _lock(connection, "secrets")


def lock_usage(connection: WriteConnection, user: str) -> None:
    """What two requests of one user are to cost is decided one after the other. No other lock is taken after it."""
    _lock(connection, f"usage {user}")


def lock_attempts(connection: WriteConnection, key: str) -> None:
    """Attempts of one name or address are counted one after the other."""
    _lock(connection, f"attempts {key}")


def lock_belongings(connection: WriteConnection, owner: str) -> None:
    """What somebody changes of their own is compared with what they had read, and changed, one after the other."""
    _lock(connection, f"belongings {owner}")


def lock_names(connection: WriteConnection) -> None:
    """Who is to have a name that is still free is decided one after the other."""
    _lock(connection, "names")


def _lock(connection: WriteConnection, name: str) -> bool:
    if connection.dialect.name != "postgresql":
        return False
    connection.execute(_LOCK, {"name": name})
    return True
