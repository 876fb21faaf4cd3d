"""What the server answers with, as far as a client uses it. Times are milliseconds since 1970.

Fields that a later server adds are left out; those that an earlier one does not have get their defaults.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct, field

from quarterdeck.domain.events import TurnFault
from quarterdeck.domain.parts import Part, plain_text
from quarterdeck.domain.usage import ModelProfile, Usage

T = TypeVar("T")


class Page(Struct, Generic[T]):
    """Pass `next_cursor` as `cursor` for the next ones; None at the end."""

    items: list[T]
    next_cursor: str | None = None


class Accepted(Struct):
    """The turn that was begun. `message` is the question's id, `answer` the answer's."""

    conversation: str
    turn: str
    message: str
    answer: str
    model: str
    created_at: int = 0


class Me(Struct):
    id: str
    name: str
    role: str = ""


class Conversation(Struct):
    """`chat_id` is the id that its client made up; `running_turn` is being answered now."""

    id: str
    title: str = ""
    model: str = ""
    chat_id: str = ""
    assistant: str = ""
    instructions: str = ""
    temperature: float | None = None
    created_at: int = 0
    updated_at: int = 0
    running_turn: str | None = None
    pinned_at: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    folder: str | None = None


class Siblings(Struct):
    """The messages among which the path chooses here; `position` is this one's, from 1."""

    position: int
    count: int
    ids: list[str]


class Message(Struct):
    id: str
    conversation: str
    role: Literal["user", "assistant", "system"]
    status: str
    parts: list[Part]
    parent: str | None = None
    model: str = ""
    turn: str = ""
    created_at: int = 0
    ended_at: int | None = None
    usage: Usage | None = None
    error: TurnFault | None = None
    version: int = 1
    siblings: Siblings | None = None

    @property
    def text(self) -> str:
        return plain_text(self.parts)


class MessagePage(Struct):
    """Oldest first. `next_cursor` is the `before` of older ones, `newer_cursor` the `after` of newer ones."""

    items: list[Message]
    next_cursor: str | None = None
    newer_cursor: str | None = None


class Deletion(Struct):
    """What was deleted in one go; `undo_deletion` brings it back."""

    id: str
    conversation: str
    count: int = 0


class SearchHit(Struct):
    """`marks` are places in `passage`: [start, end) in code points."""

    message: str
    conversation: str
    title: str
    role: str
    passage: str
    model: str = ""
    created_at: int = 0
    marks: list[list[int]] = []


class Idea(Struct):
    id: str
    text: str
    conversation: str
    title: str = ""
    message: str = ""
    created_at: int = 0


class Models(Struct):
    """`labels` by provider; `errors` are providers that did not answer."""

    items: list[ModelProfile]
    default: str = ""
    labels: dict[str, str] = {}
    errors: Any = None


class Assistant(Struct):
    id: str
    name: str
    kind: str = ""
    description: str = ""
    model: str = ""
    temperature: float | None = None
    format: str = "plain"


class Report(Struct):
    """What was used, and one's budgets. Costs are in millionths of a US dollar."""

    items: list[dict[str, Any]]
    budgets: list[dict[str, Any]] = []


class Context(Struct):
    """What the model was sent for an answer, step by step."""

    turn: str
    conversation: str
    steps: list[dict[str, Any]]


class Memory(Struct):
    """Something remembered across conversations, and where it was said."""

    id: str
    text: str
    kind: str = ""
    state: str = "current"
    origin: str = ""
    pinned: bool = False
    version: int = 1
    valid_from: int | None = None
    valid_to: int | None = None
    sources: list[dict[str, Any]] = []


class MemoryPage(Struct):
    memories: list[Memory]
    next: str | None = None


class Recalled(Struct):
    """What a search in the memory found; `messages` are those it comes from, best first."""

    kind: str
    id: str
    text: str
    messages: list[str] = []
    at: int = 0
    conversation: str = ""
    title: str = ""
    score: float = 0.0


class Recollection(Struct):
    hits: list[Recalled]


class Import(Struct):
    """`status`: waiting, running, complete, failed or stopped."""

    id: str
    status: str
    name: str = ""
    format: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    counts: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class NewKey(Struct):
    """An API key that was made; `secret` is it, shown this once."""

    id: str
    secret: str
