"""What a turn is to know before it reads anything: what it may use, what its user wants known, what there is."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from sqlalchemy import text

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.people import Preferences
from quarterdeck.store.prepared import Prepared


class TurnRights(Struct, frozen=True):
    """`tools` is empty where the assistant names none: then all are meant."""

    role: str = "guest"
    uses_memory: bool = False
    tools: list[str] = []


class Circumstances(Struct, frozen=True):
    """`has_summaries`, `has_pins`: whether the conversation has any, on whatever branch."""

    rights: TurnRights = TurnRights()
    preferences: Preferences = Preferences()
    has_summaries: bool = False
    has_pins: bool = False


# Built once, and one statement for all: building one costs more than running it, and so does asking once more.
_WORDS = (
    "SELECT u.role, u.memory, u.time_zone, u.about, c.memory AS here, a.uses_memory, a.tools, "
    "EXISTS (SELECT 1 FROM summaries AS s WHERE s.conversation_id = c.id AND s.replaced_by IS NULL) AS has_summaries, "
    "EXISTS (SELECT 1 FROM messages WHERE conversation_id = c.id AND context_mark = 'pinned') AS has_pins "
    "FROM conversations AS c JOIN users AS u ON u.id = c.owner_id LEFT JOIN assistants AS a ON a.id = c.assistant "
    "WHERE c.id = :conversation"
)
# Left to choose, SQLite may walk through all messages of the conversation.
_WORDS_ON_SQLITE = _WORDS.replace("FROM messages", "FROM messages INDEXED BY ix_messages_pinned")
_FIND, _FIND_ON_SQLITE = Prepared(text(_WORDS)), Prepared(text(_WORDS_ON_SQLITE))


def find_circumstances(connection: AnyConnection, conversation: str) -> Circumstances:
    """Memory is used where the account has it on, and neither the conversation nor its assistant has it off."""
    statement = _FIND_ON_SQLITE if connection.dialect.name == "sqlite" else _FIND
    row = statement.first(connection, {"conversation": conversation})
    if row is None:
        return Circumstances()
    role, memory, zone, about, here, assistant_uses, tools, has_summaries, has_pins = row
    uses_memory = role != "guest" and memory == "on" and here == "" and assistant_uses != 0
    rights = TurnRights(role, uses_memory, msgspec.json.decode(tools or "[]", type=list[str]))
    return Circumstances(rights, Preferences(zone, about), bool(has_summaries), bool(has_pins))
