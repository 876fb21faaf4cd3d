"""What was used: an entry for each request to a model, and the totals of each user, day and model.

An entry without `settled_at` is a reservation: its figures are the most that the request can be. The totals count it
like what was used, so whoever compares them with a budget sees both.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, case, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.domain.ids import now_ms
from quarterdeck.errors import NotFoundError
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.tables import turns, usage_entries, usage_totals

_SOME = 200


class UsageEntry(Struct, frozen=True, kw_only=True):
    """One request. `cost` is in millionths of a US dollar, 0 without a price; `turn_id` empty: none of a turn."""

    id: str
    user_id: str
    turn_id: str
    step: int
    attempt: int
    purpose: str
    model: str
    day: str
    created_at: int
    settled_at: int | None = None
    cost: int = 0
    has_price: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    first_token_ms: int | None = None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class Spent(Struct, frozen=True):
    """What a request used, and what was reserved for it before (None: nothing was)."""

    used: UsageEntry
    reserved: UsageEntry | None = None


class ModelUse(Struct, frozen=True):
    """Of one model: all of the days asked for, and the last of them alone."""

    model: str
    cost: int
    tokens: int
    cost_today: int
    tokens_today: int


# Built once: building a statement costs more than running it. Both databases understand this one.
_ADD = Prepared(
    text(
        "INSERT INTO usage_totals (user_id, day, model, cost, tokens) VALUES (:user, :day, :model, :cost, :tokens) "
        "ON CONFLICT (user_id, day, model) DO UPDATE SET cost = usage_totals.cost + excluded.cost, "
        "tokens = usage_totals.tokens + excluded.tokens"
    )
)
_INSERT = Prepared(insert(usage_entries))
_SETTLE = Prepared(
    update(usage_entries).where(usage_entries.c.id == bindparam("reservation"), usage_entries.c.settled_at.is_(None))
)
_is_today = usage_totals.c.day == bindparam("today")
_USED = Prepared(
    select(
        usage_totals.c.model,
        func.sum(usage_totals.c.cost).label("cost"),
        func.sum(usage_totals.c.tokens).label("tokens"),
        func.sum(case((_is_today, usage_totals.c.cost), else_=0)).label("cost_today"),
        func.sum(case((_is_today, usage_totals.c.tokens), else_=0)).label("tokens_today"),
    )
    .where(
        usage_totals.c.user_id == bindparam("user"),
        usage_totals.c.day >= bindparam("first"),
        usage_totals.c.day <= bindparam("today"),
    )
    .group_by(usage_totals.c.model)
)
_OF_TURN = select(usage_entries).where(usage_entries.c.turn_id == bindparam("turn")).order_by(usage_entries.c.id)


def reserve_usage(connection: WriteConnection, entry: UsageEntry) -> None:
    _INSERT.run(connection, msgspec.structs.asdict(entry))
    _add(connection, entry, entry.cost, entry.tokens)


def record_spent(connection: WriteConnection, spent: list[Spent]) -> None:
    """Settles what was reserved and writes down the rest. What has been settled already stays as it is."""
    new = [one.used for one in spent if one.reserved is None]
    _INSERT.run_for_each(connection, [msgspec.structs.asdict(entry) for entry in new])
    for entry in sorted(new, key=lambda entry: (entry.day, entry.model)):  # in one order everywhere: no deadlock
        _add(connection, entry, entry.cost, entry.tokens)
    for one in spent:
        if one.reserved is not None and _settle(connection, one.reserved.id, one.used):
            _add(connection, one.used, one.used.cost - one.reserved.cost, one.used.tokens - one.reserved.tokens)


def record_spent_alone(connection: WriteConnection, spent: list[Spent]) -> None:
    """`record_spent` where nothing else is in the transaction.

    Raises: `NotFoundError`: the account was deleted meanwhile, and its usage with it.
    """
    try:
        record_spent(connection, spent)
    except IntegrityError as error:
        raise NotFoundError("This account is not there any more.", detail=str(error.orig)) from error


def read_used(connection: AnyConnection, user: str, first: str, today: str) -> list[ModelUse]:
    """What `user` has used and reserved from day `first` to `today`."""
    rows = _USED.all(connection, {"user": user, "first": first, "today": today})
    return [_read_use(row) for row in rows]


def find_entry(connection: AnyConnection, entry: str) -> UsageEntry | None:
    row = connection.execute(select(usage_entries).where(usage_entries.c.id == entry)).first()
    return None if row is None else UsageEntry(**row._mapping)


def list_entries_of_turn(connection: AnyConnection, turn: str) -> list[UsageEntry]:
    """Oldest first."""
    return [UsageEntry(**row._mapping) for row in connection.execute(_OF_TURN, {"turn": turn})]


def read_reserved(connection: AnyConnection, user: str, first: str, today: str) -> list[ModelUse]:
    """Of what `read_used` gives, that which is only reserved."""
    is_today = usage_entries.c.day == today
    tokens = usage_entries.c.input_tokens + usage_entries.c.output_tokens
    rows = connection.execute(
        select(
            usage_entries.c.model,
            func.sum(usage_entries.c.cost).label("cost"),
            func.sum(tokens).label("tokens"),
            func.sum(case((is_today, usage_entries.c.cost), else_=0)).label("cost_today"),
            func.sum(case((is_today, tokens), else_=0)).label("tokens_today"),
        )
        .where(
            usage_entries.c.user_id == user,
            usage_entries.c.day >= first,
            usage_entries.c.day <= today,
            usage_entries.c.settled_at.is_(None),
        )
        .group_by(usage_entries.c.model)
    )
    return [_read_use(row) for row in rows]


def settle_abandoned(connection: WriteConnection, *, turns_before: int, calls_before: int) -> int:
    """Settles reservations that nobody else will; how many they were.

    Of a turn that has ended: its end has settled whatever was asked, so this was never asked. Of a call without a
    turn whose process died: nobody knows how far it came, and all that was reserved counts.
    """
    settled = 0
    for entry in _list_unsettled(connection, max(turns_before, calls_before)):
        if entry.turn_id and entry.created_at < turns_before and not _is_open(connection, entry.turn_id):
            nothing = {"cost": 0, "input_tokens": 0, "output_tokens": 0}
            used = msgspec.structs.replace(entry, **nothing)
        elif not entry.turn_id and entry.created_at < calls_before:
            used = entry
        else:
            continue
        record_spent(connection, [Spent(msgspec.structs.replace(used, settled_at=now_ms()), entry)])
        settled += 1
    return settled


def _read_use(row: Any) -> ModelUse:
    """PostgreSQL's sums are decimals."""
    model, *sums = row
    return ModelUse(model, *map(int, sums))


def _list_unsettled(connection: AnyConnection, before: int) -> list[UsageEntry]:
    rows = connection.execute(
        select(usage_entries)
        .where(usage_entries.c.settled_at.is_(None), usage_entries.c.created_at < before)
        .order_by(usage_entries.c.created_at)
        .limit(_SOME)
    )
    return [UsageEntry(**row._mapping) for row in rows]


def _is_open(connection: AnyConnection, turn: str) -> bool:
    found = select(turns.c.id).where(turns.c.id == turn, turns.c.ended_at.is_(None))
    return connection.execute(found).first() is not None


def _settle(connection: WriteConnection, reservation: str, used: UsageEntry) -> bool:
    """False when it was settled before, by whoever took the turn over."""
    values = msgspec.structs.asdict(used)
    del values["id"], values["created_at"], values["day"]
    return bool(_SETTLE.run(connection, {"reservation": reservation, **values}))


def _add(connection: WriteConnection, entry: UsageEntry, cost: int, tokens: int) -> None:
    given = {"user": entry.user_id, "day": entry.day, "model": entry.model, "cost": cost, "tokens": tokens}
    _ADD.run(connection, given)


def count_entries(connection: AnyConnection, user: str, day: str, purpose: str) -> int:
    """Requests of the user on that day for that purpose, those under way included."""
    is_one = usage_entries.c.user_id == user, usage_entries.c.day == day, usage_entries.c.purpose == purpose
    return int(connection.execute(select(func.count()).select_from(usage_entries).where(*is_one)).scalar_one())
