"""Assistants that people made: instructions with a format, one's own or shared with everybody.

A deleted one stays for a while: it can be restored, and conversations that use it go on as they were.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from quarterdeck.domain.ids import new_id, now_ms
from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.tables import assistants

Format = Literal["plain", "tagged"]


class AssistantDraft(Struct, frozen=True, kw_only=True):
    """What its author decides. `model` and `temperature` are defaults for conversations that choose none."""

    name: str
    description: str = ""
    instructions: str = ""
    model: str = ""  # empty: whatever is chosen
    temperature: float | None = None
    format: Format = "plain"
    tools: list[str] = []
    starters: list[str] = []
    uses_memory: bool = True


class AssistantRow(AssistantDraft, frozen=True, kw_only=True):
    id: str
    owner_id: str
    is_shared: bool
    created_at: int
    updated_at: int
    deleted_at: int | None


# Built once: building a statement costs more than running it.
_FIND = select(assistants).where(assistants.c.id == bindparam("assistant"))
_OWN = and_(assistants.c.owner_id == bindparam("owner"), assistants.c.deleted_at.is_(None))
_SHARED = and_(assistants.c.is_shared == 1, assistants.c.deleted_at.is_(None))
_VISIBLE = (
    select(*(column for column in assistants.c if column.name != "instructions"))
    .where(or_(_OWN, _SHARED))
    .order_by(assistants.c.id)
)
_COUNT = select(func.count()).select_from(assistants).where(_OWN)
_CHANGE = update(assistants).where(assistants.c.id == bindparam("assistant"))


def find_assistant_row(connection: AnyConnection, assistant: str) -> AssistantRow | None:
    """Whosever it is, deleted ones included: the caller decides who may."""
    row = connection.execute(_FIND, {"assistant": assistant}).first()
    return None if row is None else _read(dict(row._mapping))


def list_visible_assistants(connection: AnyConnection, owner: str) -> list[AssistantRow]:
    """One's own and the shared ones, oldest first, without their instructions."""
    rows = connection.execute(_VISIBLE, {"owner": owner})
    return [_read(dict(row._mapping) | {"instructions": ""}) for row in rows]


def count_assistants(connection: AnyConnection, owner: str) -> int:
    return int(connection.execute(_COUNT, {"owner": owner}).scalar_one())


def insert_assistant(connection: WriteConnection, owner: str, draft: AssistantDraft) -> AssistantRow:
    now = now_ms()
    row = AssistantRow(
        id=new_id(),
        owner_id=owner,
        is_shared=False,
        created_at=now,
        updated_at=now,
        deleted_at=None,
        **msgspec.structs.asdict(draft),
    )
    connection.execute(insert(assistants), _cells(msgspec.structs.asdict(row)))
    return row


def update_assistant(connection: WriteConnection, assistant: str, values: dict[str, Any]) -> None:
    """`values` by column name; the caller has checked whose it is."""
    connection.execute(_CHANGE, {**_cells(values), "assistant": assistant})


def purge_assistants(connection: WriteConnection, before_ms: int) -> None:
    """Those deleted before that; what they said stays in the turns that used them."""
    connection.execute(delete(assistants).where(assistants.c.deleted_at < before_ms))


def _cells(values: dict[str, Any]) -> dict[str, Any]:
    cells = dict(values)
    for name in ("tools", "starters"):
        if name in cells:
            cells[name] = msgspec.json.encode(cells[name]).decode()
    for name in ("is_shared", "uses_memory"):
        if name in cells:
            cells[name] = int(cells[name])
    return cells


def _read(values: dict[str, Any]) -> AssistantRow:
    for name in ("tools", "starters"):
        values[name] = msgspec.json.decode(values[name], type=list[str])
    flags = {name: bool(values[name]) for name in ("is_shared", "uses_memory")}
    return AssistantRow(**values | flags)
