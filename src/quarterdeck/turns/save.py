"""The end of a turn in the database: message, ideas and the turn itself, in one fenced transaction."""

from __future__ import annotations

from quarterdeck.domain.events import TurnEnded
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import IdeaPart
from quarterdeck.store.conversations import update_conversation
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.ideas import insert_ideas
from quarterdeck.store.messages import finish_message
from quarterdeck.store.turns import TurnRow, claim_turn, end_turn, next_queued
from quarterdeck.turns.record import Lease


class Saved:
    """`is_ours` is False when another worker has taken the turn over: nothing was changed then."""

    def __init__(self, *, is_ours: bool, next_turn: TurnRow | None = None) -> None:
        self.is_ours = is_ours
        self.next_turn = next_turn


def save_answer(
    connection: WriteConnection,
    turn: TurnRow,
    folded: FoldedTurn,
    ended: TurnEnded,
    first_token_ms: int | None,
    lease: Lease,
) -> Saved:
    """Also claims the conversation's next waiting turn for this worker."""
    if not end_turn(connection, turn.id, worker=lease.worker, status=ended.status, ended_at=ended.at):
        return Saved(is_ours=False)
    finish_message(
        connection,
        turn.message_id,
        status=ended.status,
        parts=folded.parts,
        model=turn.model,
        usage=folded.usage if folded.usage.input_tokens or folded.usage.output_tokens else None,
        continuations=folded.continuations,
        error=ended.error,
        first_token_ms=first_token_ms,
        ended_at=ended.at,
    )
    ideas = [part.text for part in folded.parts if isinstance(part, IdeaPart) and part.text.strip()]
    insert_ideas(
        connection, owner=turn.owner_id, conversation=turn.conversation_id, message=turn.message_id, texts=ideas
    )
    update_conversation(connection, turn.conversation_id, {"updated_at": now_ms()})
    waiting = next_queued(connection, turn.conversation_id)
    if waiting is None:
        return Saved(is_ours=True)
    claimed = claim_turn(connection, waiting, worker=lease.worker, lease_until=lease.until, others_are_dead=False)
    return Saved(is_ours=True, next_turn=claimed)
