"""What every vendor's export is turned into before anything is written: conversations with messages that name parents.

Ids and parents are the vendor's own; times are milliseconds since 1970, None where the export does not say.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.store.imports import Note


class FilePart(Struct, frozen=True):
    """Stands for a file of the archive until the message is written: a picture then, or its name in the text."""

    key: str  # what the export calls it; `opened.Opened.find_file` finds it
    name: str


class DraftMessage(Struct, kw_only=True):
    id: str
    parent: str | None
    role: str  # user | assistant; empty: only a link between others, it becomes no message
    parts: list[Part | FilePart]
    model: str = ""
    created_at: int | None = None
    active_child: str | None = None  # where the path goes on; None: the last child
    goes_on: bool = False  # a step of an answer (a thought, a tool): one message with the step that follows
    source: str = ""  # by what the message is known again; empty: its id
    columns: dict[str, Any] = field(default_factory=dict)  # further columns, from our own export
    versions: list[dict[str, Any]] = field(default_factory=list)
    ideas: list[dict[str, Any]] = field(default_factory=list)


class DraftConversation(Struct, kw_only=True):
    source: str  # `chatgpt:<id there>`
    title: str
    messages: list[DraftMessage]
    current: str | None = None  # the end of the path that was shown; None: the newest message
    created_at: int | None = None
    updated_at: int | None = None
    own_id: str = ""  # its id on the Quarterdeck that exported it, perhaps this one
    folder: str = ""
    is_archived: bool = False
    is_pinned: bool = False
    columns: dict[str, Any] = field(default_factory=dict)  # further columns, from our own export
    notes: list[Note] = field(default_factory=list)

    def skip(self, item: str, reason: str) -> None:
        self.notes.append(Note("skipped", self._name(item), reason))

    def change(self, item: str, reason: str) -> None:
        self.notes.append(Note("changed", self._name(item), reason))

    def _name(self, item: str) -> str:
        title = self.title or "a conversation without a title"
        return f"{item} in “{title}”" if item else f"“{title}”"


def has_content(parts: list[Part | FilePart]) -> bool:
    return any(not isinstance(part, TextPart) or part.text.strip() for part in parts)
