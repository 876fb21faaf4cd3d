"""What a turn may use: who its user is, whether memory is on, and which tools its assistant names."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, select

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.tables import assistants, conversations, users


class TurnRights(Struct, frozen=True):
    """`tools` is empty where the assistant names none: then all are meant."""

    role: str = "guest"
    uses_memory: bool = False
    tools: list[str] = []


# Built once: building a statement costs more than running it.
_FIND = (
    select(
        users.c.role, users.c.memory, conversations.c.memory.label("here"), assistants.c.uses_memory, assistants.c.tools
    )
    .select_from(
        conversations.join(users, users.c.id == conversations.c.owner_id).outerjoin(
            assistants, assistants.c.id == conversations.c.assistant
        )
    )
    .where(conversations.c.id == bindparam("conversation"))
)


def find_rights(connection: AnyConnection, conversation: str) -> TurnRights:
    """Memory is used where the account has it on, and neither the conversation nor its assistant has it off."""
    row = connection.execute(_FIND, {"conversation": conversation}).first()
    if row is None:
        return TurnRights()
    uses_memory = row.role != "guest" and row.memory == "on" and row.here == "" and row.uses_memory != 0
    return TurnRights(row.role, uses_memory, msgspec.json.decode(row.tools or "[]", type=list[str]))
