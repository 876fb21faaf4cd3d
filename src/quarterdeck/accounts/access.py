"""The only way to a thing: by its owner. What is somebody else's is not there (404)."""

from __future__ import annotations

from quarterdeck.accounts.authenticate import Principal, Scope
from quarterdeck.errors import ForbiddenError, NotFoundError
from quarterdeck.store.conversations import ConversationRow, find_conversation
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.messages import MessageRow, find_owned_message
from quarterdeck.store.turns import TurnRow, find_turn


def access_conversation(connection: AnyConnection, user: str, conversation: str) -> ConversationRow:
    """By our id or the client's own name for it. Raises: `NotFoundError`."""
    row = find_conversation(connection, user, conversation)
    if row is None:
        raise NotFoundError("There is no such conversation.")
    return row


def access_turn(connection: AnyConnection, user: str, turn: str) -> TurnRow:
    """Raises: `NotFoundError`."""
    row = find_turn(connection, user, turn)
    if row is None:
        raise NotFoundError("There is no such turn.")
    return row


def access_message(connection: AnyConnection, user: str, message: str) -> MessageRow:
    """Raises: `NotFoundError`."""
    row = find_owned_message(connection, user, message)
    if row is None or row.deleted_at is not None:
        raise NotFoundError("There is no such message.")
    return row


def require_scope(principal: Principal, scope: Scope) -> None:
    """Raises: `ForbiddenError` for an API key that was not made for this."""
    if scope not in principal.scopes:
        raise ForbiddenError(f"This API key may not do that: it lacks the scope `{scope}`.")


def require_account(principal: Principal) -> None:
    """Raises: `ForbiddenError` for a guest, who may chat and nothing else."""
    if principal.role == "guest":
        raise ForbiddenError("Guests can chat here, and nothing else. Sign in for the rest.")


def require_admin(principal: Principal) -> None:
    """Raises: `ForbiddenError` unless the caller is the owner or an admin, and their key, if it is one, is for that."""
    require_scope(principal, "admin")
    if principal.role not in ("owner", "admin"):
        raise ForbiddenError("Only the owner or an admin of this server may do that.")
