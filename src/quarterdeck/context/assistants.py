"""Assistants: instructions with a format. `ideas` is built in, others are made by people; `""` is none at all.

A turn keeps what its assistant says as a snapshot (`speaking_in`): the built-in whose format is spoken, and the text of
the instructions. So an assistant that is edited or deleted changes nothing in turns that wait, run or are taken over,
and whoever runs a turn need not look for one.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.errors import InputError
from quarterdeck.store.assistants import AssistantRow, find_assistant_row
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.turns import find_latest_turn

_IDEAS = """\
You help the user to think. Answer in this exact form and nothing else: single-level YAML, one entry after the other,
each value a double-quoted string on one line (write \\n for a line break and \\" for a quotation mark):

idea: "..."
message: "..."

An `idea` entry is something worth keeping, in a few words: write one for each idea that the user wants to save or asks
you to note, and none when there is nothing to save. All ideas come first. Then comes exactly one `message`: what you
say to the user (Markdown is fine inside it).
"""


class Assistant(Struct, frozen=True):
    """`format` tells the engine how to read the answer: as it is, or as tagged entries."""

    id: str
    name: str
    description: str
    instructions: str
    format: Literal["plain", "tagged"]
    model: str = ""
    temperature: float | None = None


class Speaking(Struct, frozen=True):
    """What the next turn of a conversation keeps. `is_gone`: from the turn before, for its assistant is no more."""

    assistant: str  # a built-in one
    instructions: str
    is_gone: bool = False


_PLAIN = Assistant("", "None", "The model as it is.", "", "plain")
_TAGGED = Assistant("ideas", "Ideas", "Saves ideas as cards while it answers.", _IDEAS, "tagged")
BUILT_IN = (_TAGGED,)
_BY_ID = {found.id: found for found in (_PLAIN, *BUILT_IN)}


def built_in(assistant: str) -> Assistant:
    """Raises: `InputError` naming what there is."""
    found = _BY_ID.get(assistant)
    if found is None:
        raise _unknown(assistant)
    return found


def find_assistant(connection: AnyConnection, owner: str, assistant: str) -> Assistant:
    """A built-in one (nothing is read then), one's own, or one shared with everybody. Raises: `InputError`."""
    if (found := _BY_ID.get(assistant)) is not None:
        return found
    row = find_assistant_row(connection, assistant)
    if row is None or row.deleted_at is not None or not _is_for(row, owner):
        raise _unknown(assistant)
    return _of_row(row)


def choose_assistant(
    connection: AnyConnection, conversation: ConversationRow, wanted: dict[str, object]
) -> dict[str, object]:
    """`wanted` (values of the conversation) with what a newly chosen assistant brings along.

    That is its model and its temperature, where `wanted` names none. What the assistant before it had brought goes
    with it; what somebody chose stays. Raises: `InputError`.
    """
    identifier = str(wanted.get("assistant", conversation.assistant))
    if identifier == conversation.assistant:
        return wanted
    chosen = find_assistant(connection, conversation.owner_id, identifier)
    before = _as_it_was(connection, conversation) or _PLAIN
    brought: dict[str, object] = {}
    if chosen.model or (before.model and before.model == conversation.model):
        brought["model"] = chosen.model
    if chosen.temperature is not None or (
        before.temperature is not None and before.temperature == conversation.temperature
    ):
        brought["temperature"] = chosen.temperature
    return brought | wanted


def speaking_in(connection: AnyConnection, conversation: ConversationRow) -> Speaking:
    """What its next turn says to the model before anything else.

    A deleted assistant goes on in the conversations that have it. One that is gone for good, or is not shared any
    more, goes on as it spoke in the latest turn. With none, or a built-in one, nothing is read.
    """
    own = conversation.instructions
    if conversation.assistant in _BY_ID:
        return Speaking(conversation.assistant, own)
    if (found := _as_it_was(connection, conversation)) is not None:
        return Speaking(_TAGGED.id if found.format == "tagged" else "", _join(found.instructions, own))
    latest = find_latest_turn(connection, conversation.id)
    if latest is None:
        return Speaking("", own, is_gone=True)
    said = latest.instructions if latest.instructions.endswith(own) else _join(latest.instructions, own)
    return Speaking(latest.assistant if latest.assistant in _BY_ID else "", said, is_gone=True)


def _as_it_was(connection: AnyConnection, conversation: ConversationRow) -> Assistant | None:
    """The conversation's assistant, deleted or not; None when it is nobody's any more, or somebody else's."""
    if (found := _BY_ID.get(conversation.assistant)) is not None:
        return found
    row = find_assistant_row(connection, conversation.assistant)
    return _of_row(row) if row is not None and _is_for(row, conversation.owner_id) else None


def _is_for(row: AssistantRow, owner: str) -> bool:
    return row.owner_id == owner or row.is_shared


def _of_row(row: AssistantRow) -> Assistant:
    return Assistant(
        row.id, row.name, row.description, row.instructions, row.format, row.model, row.temperature
    )  # fmt: skip


def _join(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _unknown(assistant: str) -> InputError:
    known = ", ".join(found.id for found in BUILT_IN)
    return InputError(
        f"There is no assistant {assistant[:60]!r}. There are: {known}, and those that GET /api/assistants lists."
    )
