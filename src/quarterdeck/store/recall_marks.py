"""What there is for recall to look through, and marks that say whether it has changed since it was read.

A mark names each memory that holds, with its version, or each summary: what is read under one mark in one state of the
database is the same whenever the mark is. So nothing that was forgotten or changed is served from what was kept, by
whichever process that was done.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, BindParameter, Select, Text, bindparam, cast, func, select

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.memories import is_current
from quarterdeck.store.prepared import Prepared
from quarterdeck.store.recall_sections import section_ids
from quarterdeck.store.tables import memories, search_entries

MOST_MEMORIES = 2_000  # that are looked through; more than anybody could read
_FIRST_ENTRIES = 16
_OWNER: BindParameter[str] = bindparam("owner")


class Marks(Struct, frozen=True):
    """Empty: there is nothing. `first_messages`: all that can be found; None where these are more than a few."""

    memories: str
    sections: str
    first_messages: frozenset[str] | None


def _joined(rows: Select[Any]) -> Any:
    one = rows.subquery()
    return select(func.aggregate_strings(one.c[0], ",")).scalar_subquery()


def current_keys(*columns: Any) -> Select[Any]:
    """Of what holds at `now`, the newest of an `owner`."""
    is_own = memories.c.owner_id == _OWNER, is_current(bindparam("now", type_=BigInteger))
    return select(*columns).where(*is_own).order_by(memories.c.id.desc()).limit(MOST_MEMORIES)


# Built once: building a statement costs more than running it.
_MARKS = Prepared(
    select(
        _joined(current_keys((memories.c.id + ":" + cast(memories.c.version, Text)).label("mark"))),
        _joined(section_ids()),
        _joined(
            select(search_entries.c.message_id)
            .where(search_entries.c.owner_id == _OWNER)
            .order_by(search_entries.c.id)
            .limit(_FIRST_ENTRIES)
        ),
    )
)


def read_marks(connection: AnyConnection, owner: str, now: int) -> Marks:
    """`now`: milliseconds; memories hold at that time."""
    known, sections, said = _MARKS.one(connection, {"owner": owner, "now": now})
    first = (said or "").split(",") if said else []
    return Marks(known or "", sections or "", frozenset(first) if len(first) < _FIRST_ENTRIES else None)
