"""Delete one message, or it and everything after it, or the whole conversation; and undo that.

One in the middle stays a link of its path and is passed by when it is read. Where nothing is left to read below, the
path goes to what stands beside, or ends above.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.accounts.access import access_conversation, access_message
from quarterdeck.conversations.branches import has_more, list_alternatives
from quarterdeck.conversations.derived import follow_change
from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.errors import InputError, NotFoundError, StillRunningError
from quarterdeck.memory.staleness import follow_conversations
from quarterdeck.store.conversations import ConversationRow, delete_conversation, update_conversation
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.deletions import DeletionRow, find_deletion, insert_deletion, undo_deletion
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.messages import MessageRow
from quarterdeck.store.tree import Node, find_end, find_next, lead, list_children, list_descendants
from quarterdeck.store.turns import OPEN, list_open_of_conversation

What = Literal["one", "from", "after"]
"""The message alone; it and everything below it; everything below it and not it."""


class _Turn(Struct, frozen=True):
    """Where the path is to go: below `parent` from `old` to `new` (None: it ends with the parent)."""

    parent: str | None
    old: str | None
    new: str | None

    @property
    def changes(self) -> bool:
        return self.old != self.new


def delete_whole(connection: WriteConnection, row: ConversationRow) -> list[str]:
    """The conversation with all that was said in it, with a way back; the turns that are to be stopped."""
    delete_conversation(connection, row.id)
    follow_conversations(connection, row.owner_id, [row.id])
    return list_open_of_conversation(connection, row.id)


def delete_messages(connection: WriteConnection, user: str, message: str, what: What) -> DeletionRow:
    """Raises: `InputError`, `NotFoundError`, `StillRunningError`."""
    lock_conversation(connection, access_message(connection, user, message).conversation_id)
    row = access_message(connection, user, message)
    conversation = access_conversation(connection, user, row.conversation_id)
    below = [] if what == "one" else list_descendants(connection, conversation.id, row.id)
    _refuse_running(connection, row, below)
    gone = [node.id for node in below if not node.is_deleted]
    if what != "after":
        gone.insert(0, row.id)
    if not gone:
        raise InputError("There is nothing after this message.")
    turn = _turn_above(connection, row) if what == "after" else _turn_beside(connection, conversation, row, what)
    deletion = DeletionRow(
        id=new_id(),
        owner_id=user,
        conversation_id=conversation.id,
        first_id=turn.old or gone[0],
        parent_id=turn.parent,
        child_id=turn.new if turn.changes else turn.old or gone[0],
        message_count=len(gone),
        created_at=now_ms(),
    )
    is_active = _is_active(connection, conversation, turn)
    if not turn.changes and _next(connection, conversation, turn.parent) == turn.new:
        lead(connection, conversation.id, turn.parent, turn.new)  # an older version may not have written that down
    insert_deletion(connection, deletion, gone)
    follow_change(connection, user, gone)
    _take(connection, conversation.id, turn, is_active=is_active)
    return deletion


def undo(connection: WriteConnection, user: str, deletion: str) -> DeletionRow:
    """The messages are there again, and the path goes through them if it has not gone on elsewhere meanwhile.

    Raises: `NotFoundError`, also when it was undone already.
    """
    known = find_deletion(connection, user, deletion)
    if known is None:
        raise NotFoundError("There is no such deletion any more.")
    lock_conversation(connection, known.conversation_id)
    conversation = access_conversation(connection, user, known.conversation_id)
    now = _next(connection, conversation, known.parent_id)
    turn = _Turn(known.parent_id, now, known.first_id)
    is_active = _is_active(connection, conversation, turn)
    follow_change(connection, user, undo_deletion(connection, deletion))
    if now is None or now == known.child_id:
        _take(connection, conversation.id, turn, is_active=is_active)
    return known


def _refuse_running(connection: AnyConnection, row: MessageRow, below: list[Node]) -> None:
    answers = below or list_children(connection, row.conversation_id, [row.id])
    if row.status in OPEN or any(node.status in OPEN for node in answers):
        raise StillRunningError("An answer among these messages is still being written. Stop it first.")


def _turn_above(connection: AnyConnection, row: MessageRow) -> _Turn:
    """Everything below `row` goes: the path ends with it."""
    return _Turn(row.id, find_next(connection, row.conversation_id, row.id), None)


def _turn_beside(connection: AnyConnection, conversation: ConversationRow, row: MessageRow, what: What) -> _Turn:
    """`row` goes, alone or with all below: where its place is left empty, the nearest one beside it takes it."""
    stays = _Turn(row.parent_id, row.id, row.id)
    if what == "one" and has_more(connection, conversation.id, row.id):
        return stays  # the path goes on through it
    if _next(connection, conversation, row.parent_id) != row.id:
        return stays
    beside = [
        node for node in list_alternatives(connection, conversation.id, [row]).get(row.id, []) if node.id != row.id
    ]
    if beside:
        earlier = [node for node in beside if node.id < row.id]
        nearest = earlier[-1] if earlier else beside[0]
        return _Turn(nearest.parent_id, _next(connection, conversation, nearest.parent_id), nearest.id)
    return stays if what == "one" else _Turn(row.parent_id, row.id, None)


def _next(connection: AnyConnection, conversation: ConversationRow, parent: str | None) -> str | None:
    return conversation.root_id if parent is None else find_next(connection, conversation.id, parent)


def _is_active(connection: AnyConnection, conversation: ConversationRow, turn: _Turn) -> bool:
    """Whether the active path goes the old way."""
    start = turn.old or turn.parent
    return turn.changes and (start is None or find_end(connection, conversation.id, start) == conversation.tip_id)


def _take(connection: WriteConnection, conversation: str, turn: _Turn, *, is_active: bool) -> None:
    if not turn.changes:
        return
    lead(connection, conversation, turn.parent, turn.new)
    if is_active:
        start = turn.new or turn.parent
        tip = None if start is None else find_end(connection, conversation, start)
        update_conversation(connection, conversation, {"tip_id": tip})
