"""Turns: who works on one (a lease), what was asked, how it ended. The claim itself is the lease here."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, and_, bindparam, exists, func, insert, or_, select, text, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.clock import database_now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import turn_steps, turns

OPEN = ("queued", "running")


class TurnRow(Struct, frozen=True):
    id: str
    owner_id: str
    conversation_id: str
    request_id: str
    message_id: str
    status: str
    model: str
    assistant: str
    instructions: str
    temperature: float | None
    send_key: str
    send_hash: bytes
    lease_owner: str | None
    lease_until: int
    stop_requested_at: int | None
    created_at: int
    ended_at: int | None
    handovers: int = 0
    decisions: str | None = None
    asked: str | None = None

    @property
    def answer_at(self) -> int:
        """When its answer's message was made: after the question, so that an order by time is the order of the talk."""
        return self.created_at + 1


class Claimable(Struct, frozen=True):
    """A turn that nobody works on; `worker` had it until its lease ran out, None where it only waited.

    `is_begun`: somebody had it, and its answer may be half written.
    """

    id: str
    worker: str | None
    is_begun: bool = False


class EndedTurn(Struct, frozen=True):
    id: str
    ended_at: int


class StepRow(Struct, frozen=True):
    step: int
    attempt: int
    model: str
    manifest: str
    started_at: int
    usage: str | None = None  # JSON, as its provider reported it


_ROW = [turns.c[name] for name in TurnRow.__struct_fields__]

# Built once: building a statement costs more than running it.
_INSERT = Prepared(insert(turns))
_BY_KEY = Prepared(select(*_ROW).where(turns.c.owner_id == bindparam("owner"), turns.c.send_key == bindparam("key")))
_OPEN_ONES = select(turns.c.id).where(turns.c.conversation_id == bindparam("conversation"), turns.c.status.in_(OPEN))
_LATEST_ONE = select(turns).where(turns.c.conversation_id == bindparam("conversation")).order_by(turns.c.id.desc())
_HAS_OPEN = select(_OPEN_ONES.exists())
_LATEST = select(func.max(turns.c.id)).where(turns.c.conversation_id == bindparam("conversation"))
_PLACE = Prepared(select(_LATEST.scalar_subquery(), _OPEN_ONES.exists()))
_running = turns.alias("running")
_is_answering = exists().where(_running.c.conversation_id == bindparam("conversation"), _running.c.status == "running")
_NEXT = Prepared(
    select(turns.c.id)
    .where(turns.c.conversation_id == bindparam("conversation"), turns.c.status == "queued", ~_is_answering)
    .order_by(turns.c.id)
    .limit(1)
)
_ENDED_SINCE = Prepared(select(turns.c.id, turns.c.ended_at).where(turns.c.ended_at >= bindparam("since")))
_END = Prepared(
    update(turns)
    .where(turns.c.id == bindparam("turn"), turns.c.lease_owner == bindparam("worker"), turns.c.status == "running")
    .values(status=bindparam("ending"), ended_at=bindparam("at"), lease_owner=None, lease_until=0)
)
# Both databases understand this one.
_PUT_STEP = Prepared(
    text(
        "INSERT INTO turn_steps (turn_id, step, attempt, model, manifest, started_at, usage) "
        "VALUES (:turn, :step, :attempt, :model, :manifest, :started_at, :usage) "
        "ON CONFLICT (turn_id, step, attempt) DO UPDATE SET model = excluded.model, manifest = excluded.manifest, "
        "started_at = excluded.started_at, usage = excluded.usage"
    )
)
_NOTE_USAGE = Prepared(
    update(turn_steps)
    .where(
        turn_steps.c.turn_id == bindparam("of_turn"),
        turn_steps.c.step == bindparam("number"),
        turn_steps.c.attempt == bindparam("try"),
    )
    .values(usage=bindparam("counted"))
)


def insert_turn(connection: WriteConnection, row: TurnRow) -> None:
    _INSERT.run(connection, {name: getattr(row, name) for name in row.__struct_fields__})


def find_turn(connection: AnyConnection, owner: str, turn: str) -> TurnRow | None:
    row = connection.execute(select(turns).where(turns.c.id == turn, turns.c.owner_id == owner)).first()
    return None if row is None else TurnRow(**row._mapping)


def find_turn_by_key(connection: AnyConnection, owner: str, send_key: str) -> TurnRow | None:
    row = _BY_KEY.first(connection, {"owner": owner, "key": send_key})
    return None if row is None else TurnRow(*row)


def find_latest_turn(connection: AnyConnection, conversation: str) -> TurnRow | None:
    row = connection.execute(_LATEST_ONE.limit(1), {"conversation": conversation}).first()
    return None if row is None else TurnRow(**row._mapping)


def has_open_turn(connection: AnyConnection, conversation: str) -> bool:
    return bool(connection.execute(_HAS_OPEN, {"conversation": conversation}).scalar())


def find_place(connection: AnyConnection, conversation: str) -> tuple[str | None, bool]:
    """The conversation's latest turn, and whether any of its turns is open."""
    latest, is_busy = _PLACE.one(connection, {"conversation": conversation})
    return latest, bool(is_busy)


def has_only_open_of(connection: AnyConnection, conversation: str, request: str) -> bool:
    """Whether nothing waits or runs in this conversation but answers to this question, all of which run."""
    others = select(turns.c.id).where(
        turns.c.conversation_id == conversation,
        turns.c.status.in_(OPEN),
        or_(turns.c.request_id != request, turns.c.status == "queued"),
    )
    return connection.execute(others.limit(1)).first() is None


def claim_turn(
    connection: WriteConnection,
    turn: str,
    *,
    worker: str,
    lease_until: int,
    others_are_dead: bool,
    dead: str | None = None,
) -> TurnRow | None:
    """Take the turn if it waits or its worker's lease has run out; None when somebody has it.

    `others_are_dead`: this process is alone on the database, so any other worker's lease is void; `dead` names one
    whose lease is. `lease_until` is in `database_now_ms`.
    """
    free = _is_free(connection, worker, others_are_dead=others_are_dead, dead=dead)
    rows = _lease(connection, and_(turns.c.id == turn, turns.c.status.in_(OPEN), free), worker, lease_until)
    return rows[0] if rows else None


def claim_turns(
    connection: WriteConnection,
    wanted: Sequence[str],
    *,
    worker: str,
    lease_until: int,
    others_are_dead: bool,
    dead: str | None = None,
) -> list[TurnRow]:
    """Those of `wanted` that were to be had, as by `claim_turn`; what another worker is just about to take is left."""
    free = _is_free(connection, worker, others_are_dead=others_are_dead, dead=dead)
    # two workers with the same list would else wait for each other's rows
    untouched = select(turns.c.id).where(turns.c.id.in_(wanted), turns.c.status.in_(OPEN), free)
    chosen = turns.c.id.in_(untouched.with_for_update(skip_locked=True))
    return _lease(connection, chosen, worker, lease_until)


def _lease(connection: WriteConnection, chosen: ColumnElement[bool], worker: str, until: int) -> list[TurnRow]:
    taken = update(turns).where(chosen).values(status="running", lease_owner=worker, lease_until=until)
    return [TurnRow(**row._mapping) for row in connection.execute(taken.returning(turns)).all()]


def _is_free(connection: AnyConnection, worker: str, *, others_are_dead: bool, dead: str | None) -> ColumnElement[bool]:
    free = or_(turns.c.lease_owner.is_(None), turns.c.lease_until < database_now_ms(connection))
    if others_are_dead:
        return or_(free, turns.c.lease_owner != worker)
    return free if dead is None else or_(free, turns.c.lease_owner == dead)


def renew_leases(connection: WriteConnection, worker: str, running: list[str], lease_until: int) -> set[str]:
    """Those of `running` that are still this worker's."""
    rows = connection.execute(
        update(turns)
        .where(turns.c.id.in_(running), turns.c.lease_owner == worker, turns.c.status == "running")
        .values(lease_until=lease_until)
        .returning(turns.c.id)
    )
    return {row.id for row in rows}


def release_turn(connection: WriteConnection, turn: str, worker: str, *, counts: bool = True) -> bool:
    """Hand the turn over: anybody may claim it now. False when it was not this worker's.

    `counts`: the next worker's request to the model is due to this hand-over.
    """
    statement = update(turns).where(turns.c.id == turn, turns.c.lease_owner == worker)
    values = {"lease_owner": None, "lease_until": 0, "handovers": turns.c.handovers + int(counts)}
    return bool(connection.execute(statement.values(values)).rowcount)


def list_stopping(connection: AnyConnection, running: list[str]) -> list[str]:
    """Those of `running` that somebody wants to stop."""
    rows = connection.execute(
        select(turns.c.id).where(
            turns.c.id.in_(running), turns.c.status.in_(OPEN), turns.c.stop_requested_at.is_not(None)
        )
    )
    return [row.id for row in rows]


def list_claimable(
    connection: AnyConnection, *, worker: str, others_are_dead: bool, limit: int, dead: str | None = None
) -> list[Claimable]:
    """Open turns nobody works on; of those that wait in a conversation's line only the first.

    Those that somebody has begun come first, since their answers are being read, then the oldest.
    """
    earlier = turns.alias("earlier")
    free = _is_free(connection, worker, others_are_dead=others_are_dead, dead=dead)
    rows = connection.execute(
        select(turns.c.id, turns.c.lease_owner, turns.c.status)
        .where(
            turns.c.status.in_(OPEN),
            free,
            or_(
                turns.c.status == "running",
                ~exists().where(
                    earlier.c.conversation_id == turns.c.conversation_id,
                    earlier.c.status.in_(OPEN),
                    earlier.c.id < turns.c.id,
                ),
            ),
        )
        .order_by(turns.c.status == "queued", turns.c.id)
        .limit(limit)
    )
    return [Claimable(row.id, row.lease_owner, row.status == "running") for row in rows]


def next_queued(connection: AnyConnection, conversation: str) -> str | None:
    """The one whose time has come; None also while another answer of this conversation is being written."""
    found = _NEXT.scalar(connection, {"conversation": conversation})
    return None if found is None else str(found)


def list_open_of_conversation(connection: AnyConnection, conversation: str) -> list[str]:
    return [row.id for row in connection.execute(_OPEN_ONES, {"conversation": conversation})]


def request_stop(connection: WriteConnection, turn: str) -> bool:
    """Leave the wish in the turn's mailbox; False when the turn has ended already."""
    statement = update(turns).where(turns.c.id == turn, turns.c.status.in_(OPEN))
    return bool(connection.execute(statement.values(stop_requested_at=now_ms())).rowcount)


def end_turn(connection: WriteConnection, turn: str, *, worker: str, status: str, ended_at: int) -> bool:
    """Close the turn if it is still this worker's; False when another one has taken it over."""
    ending = {"turn": turn, "worker": worker, "ending": status, "at": ended_at}
    return bool(_END.run(connection, ending))


def forget_asked(connection: WriteConnection, turn: str) -> None:
    """What an API client asked for: from then on the turn is nobody's response."""
    connection.execute(update(turns).where(turns.c.id == turn).values(asked=None))


def list_ended_since(connection: AnyConnection, since_ms: int) -> list[EndedTurn]:
    """Of all users: a busy server has thousands of them in some seconds."""
    return [EndedTurn(*row) for row in _ENDED_SINCE.all(connection, {"since": since_ms})]


def find_ended(connection: AnyConnection, turn: str) -> TurnRow | None:
    """Whosever it is."""
    row = connection.execute(select(turns).where(turns.c.id == turn, turns.c.ended_at.is_not(None))).first()
    return None if row is None else TurnRow(**row._mapping)


def insert_step(connection: WriteConnection, turn: str, row: StepRow) -> None:
    """Or replace the note of the same attempt, after a crash between the note and its event."""
    _PUT_STEP.run(connection, {"turn": turn, **msgspec.structs.asdict(row)})


def note_usage(connection: WriteConnection, turn: str, *, step: int, attempt: int, usage: str) -> None:
    """What the provider has counted for this step, when it has ended."""
    _NOTE_USAGE.run(connection, {"of_turn": turn, "number": step, "try": attempt, "counted": usage})


def list_steps(connection: AnyConnection, turn: str) -> list[StepRow]:
    statement = select(turn_steps).where(turn_steps.c.turn_id == turn).order_by(turn_steps.c.step, turn_steps.c.attempt)
    return [
        StepRow(row.step, row.attempt, row.model, row.manifest, row.started_at, row.usage)
        for row in connection.execute(statement)
    ]
