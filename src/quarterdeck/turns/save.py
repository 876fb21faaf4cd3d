"""The end of a turn in the database: message, ideas, usage and the turn itself, in one fenced transaction."""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.domain.asked import decode_asked
from quarterdeck.domain.events import TurnEnded
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import IdeaPart
from quarterdeck.store.conversations import update_conversation
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.ideas import insert_ideas
from quarterdeck.store.locks import lock_conversation
from quarterdeck.store.messages import finish_message
from quarterdeck.store.search import NewEntry
from quarterdeck.store.turns import TurnRow, claim_turn, end_turn, find_turn, next_queued
from quarterdeck.store.usage import Spent, record_spent
from quarterdeck.turns.briefing import Counted
from quarterdeck.turns.claim import Lease
from quarterdeck.turns.notes import Note, keep_notes


class Saved(Struct, frozen=True):
    """`is_ours` is False when another worker has taken the turn over: nothing was changed then.

    `next_turn` is the conversation's next one, claimed; `waiting` is its id when it was not to be claimed.
    """

    is_ours: bool
    next_turn: TurnRow | None = None
    waiting: str | None = None


class Ending(Struct, frozen=True):
    """How a turn ended, what its answer is, what its requests have used and what was not noted of them yet."""

    turn: TurnRow
    folded: FoldedTurn
    ended: TurnEnded
    first_token_ms: int | None
    spent: list[Spent] = []
    counted: Counted | None = None
    notes: list[Note] = []


def save_answer(connection: WriteConnection, ending: Ending, lease: Lease, *, claims_next: bool = True) -> Saved:
    """Saving again what was saved (its commit was not confirmed) changes nothing, and says so as the first time."""
    turn, ended = ending.turn, ending.ended
    lock_conversation(connection, turn.conversation_id)
    if not end_turn(connection, turn.id, worker=lease.worker, status=ended.status, ended_at=ended.at):
        known = find_turn(connection, turn.owner_id, turn.id)
        if known is None or (known.status, known.ended_at) != (ended.status, ended.at):
            return Saved(is_ours=False)
    else:
        _write_message(connection, ending)
        keep_notes(connection, turn, ending.notes, ending.counted)
        record_spent(connection, ending.spent)
    waiting = next_queued(connection, turn.conversation_id)
    if waiting is None or not claims_next:
        return Saved(is_ours=True, waiting=waiting)
    until = lease.until(connection)
    claimed = claim_turn(connection, waiting, worker=lease.worker, lease_until=until, others_are_dead=False)
    return Saved(is_ours=True, next_turn=claimed)


def _write_message(connection: WriteConnection, ending: Ending) -> None:
    turn, folded, ended = ending.turn, ending.folded, ending.ended
    finish_message(
        connection,
        turn.message_id,
        status=ended.status,
        parts=folded.parts,
        model=turn.model,
        usage=folded.usage if folded.usage.input_tokens or folded.usage.output_tokens else None,
        continuations=folded.continuations,
        error=ended.error,
        first_token_ms=ending.first_token_ms,
        ended_at=ended.at,
        taint=folded.taint,
    )
    ideas = [part.text for part in folded.parts if isinstance(part, IdeaPart) and part.text.strip()]
    insert_ideas(
        connection, owner=turn.owner_id, conversation=turn.conversation_id, message=turn.message_id, texts=ideas
    )
    update_conversation(connection, turn.conversation_id, {"updated_at": now_ms()})


def said_in(ending: Ending) -> NewEntry | None:
    """What the search is to find of it, once it is saved."""
    turn = ending.turn
    if turn.asked is not None and decode_asked(turn.asked).is_alone:
        return None
    return NewEntry(
        turn.message_id, turn.owner_id, turn.conversation_id, "assistant", turn.model, turn.answer_at,
        ending.folded.parts,
    )  # fmt: skip
