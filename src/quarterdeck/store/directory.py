"""All users, as an admin lists them: who they are, how they come in, when they were here, what they cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Select, func, or_, select, union_all, update

from quarterdeck.domain.ids import now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.letters import has_text
from quarterdeck.store.tables import api_keys, conversations, identities, sessions, usage_totals, users


class PersonRow(Struct, frozen=True):
    """`seen_at`: the last use of a session, a key or an identity elsewhere; `cost_month` in millionths of a dollar."""

    id: str
    name: str
    email: str
    role: str
    created_at: int
    suspended_at: int | None
    has_password: bool
    identities: list[str] = []
    seen_at: int | None = None
    conversations: int = 0
    cost_month: int = 0


def list_people(connection: AnyConnection, *, query: str = "", before: str = "", limit: int = 50) -> list[PersonRow]:
    """The newest first; `query` looks in names and addresses, `before` is a user's id."""
    wanted = select(users).order_by(users.c.id.desc()).limit(limit)
    if query:
        found = (has_text(connection, column, query) for column in (users.c.name, users.c.email))
        wanted = wanted.where(or_(*found))
    if before:
        wanted = wanted.where(users.c.id < before)
    return _read(connection, wanted)


def find_person(connection: AnyConnection, user: str) -> PersonRow | None:
    return next(iter(_read(connection, select(users).where(users.c.id == user))), None)


def set_role(connection: WriteConnection, user: str, role: str) -> None:
    connection.execute(update(users).where(users.c.id == user).values(role=role))


def set_suspended(connection: WriteConnection, user: str, *, is_suspended: bool) -> bool:
    """False when it was so already."""
    is_other = users.c.suspended_at.is_(None) if is_suspended else users.c.suspended_at.is_not(None)
    change = update(users).where(users.c.id == user, is_other)
    return bool(connection.execute(change.values(suspended_at=now_ms() if is_suspended else None)).rowcount)


def _read(connection: AnyConnection, wanted: Select[Any]) -> list[PersonRow]:
    rows = {row.id: _person(row) for row in connection.execute(wanted)}
    ids = list(rows)
    if not ids:
        return []
    labels: dict[str, list[str]] = {}
    for row in connection.execute(
        select(identities.c.user_id, identities.c.label).where(identities.c.user_id.in_(ids))
    ):
        labels.setdefault(row.user_id, []).append(row.label)
    seen = _by_user(connection, _last_uses(ids))
    counts = _by_user(
        connection,
        select(conversations.c.owner_id, func.count())
        .where(conversations.c.owner_id.in_(ids), conversations.c.deleted_at.is_(None))
        .group_by(conversations.c.owner_id),
    )
    costs = _by_user(
        connection,
        select(usage_totals.c.user_id, func.sum(usage_totals.c.cost))
        .where(usage_totals.c.user_id.in_(ids), usage_totals.c.day >= f"{datetime.now(UTC):%Y-%m}-01")
        .group_by(usage_totals.c.user_id),
    )
    return [
        structs.replace(
            row, identities=sorted(labels.get(user, [])), seen_at=seen.get(user), conversations=counts.get(user, 0),
            cost_month=costs.get(user, 0),
        )
        for user, row in rows.items()
    ]  # fmt: skip


def _last_uses(ids: list[str]) -> Select[Any]:
    uses = union_all(
        select(sessions.c.user_id, sessions.c.seen_at.label("at")).where(sessions.c.user_id.in_(ids)),
        select(api_keys.c.user_id, api_keys.c.used_at.label("at")).where(api_keys.c.user_id.in_(ids)),
        # who comes through Cloudflare Access has neither; one that was made for somebody was not used yet
        select(identities.c.user_id, identities.c.seen_at.label("at")).where(
            identities.c.user_id.in_(ids), identities.c.seen_at > identities.c.created_at
        ),
    ).subquery()
    return select(uses.c.user_id, func.max(uses.c.at)).where(uses.c.at.is_not(None)).group_by(uses.c.user_id)


def _by_user(connection: AnyConnection, statement: Select[Any]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in connection.execute(statement)}


def _person(row: object) -> PersonRow:
    found = row._mapping  # type: ignore[attr-defined]
    return PersonRow(
        found["id"], found["name"], found["email"], found["role"], found["created_at"], found["suspended_at"],
        found["password_hash"] is not None,
    )  # fmt: skip
