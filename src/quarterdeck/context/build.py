"""`build_context`: the messages of one step, newest kept, within the model's window.

The path is read from the request upwards in pages and reading stops where the budget is full: the
work does not grow with the length of the conversation.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.context.assistants import Assistant
from quarterdeck.domain.parts import IdeaPart, Part, ReasoningPart, TextPart
from quarterdeck.domain.step import PromptMessage
from quarterdeck.domain.tagged import render
from quarterdeck.domain.tokens import estimate_parts, estimate_text
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.messages import MessageRow, read_path

_PAGE = 32
_DEFAULT_WINDOW = 32_000  # when nobody told us: small enough for most, and said in the manifest
_MAX_WINDOW = 1_000_000
_RESERVED_FOR_ANSWER = 0.25  # of the window
_CONTINUE = (
    "Your answer was cut off by a restart after its last character above. Continue exactly there: do not repeat, "
    "do not greet, do not comment on the interruption."
)


class ManifestEntry(Struct, frozen=True, omit_defaults=True):
    """One thing the model was sent; `message` is the id of the stored message it is."""

    kind: Literal["instructions", "message", "continuation"]
    tokens: int
    role: str = ""
    message: str = ""


class Manifest(Struct, frozen=True):
    """What one step sent: entries in order, tokens as estimated, the window they had to fit in."""

    model: str
    window: int
    window_is_known: bool
    tokens: int
    clipped: bool  # older messages were left out
    entries: list[ManifestEntry]


class Context(Struct, frozen=True):
    messages: list[PromptMessage]
    manifest: Manifest
    prefill: bool


class ContextRequest(Struct, frozen=True):
    """`partial` holds the parts of an answer that is to be continued, empty for a fresh one.

    `open_part` is the index of the one that was still being written when the answer was cut off.
    """

    conversation: str
    request: str  # the user message that is to be answered
    instructions: str
    assistant: Assistant
    profile: ModelProfile
    partial: list[Part]
    open_part: int | None = None


def build_context(connection: AnyConnection, wanted: ContextRequest) -> Context:
    """What the model is sent for one step."""
    window = min(wanted.profile.context_window or _DEFAULT_WINDOW, _MAX_WINDOW)
    instructions = "\n\n".join(filter(None, (wanted.assistant.instructions, wanted.instructions)))
    budget = int(window * (1 - _RESERVED_FOR_ANSWER)) - estimate_text(instructions) - estimate_parts(wanted.partial)
    rows, clipped = _newest_that_fit(connection, wanted, budget)
    messages, entries = [], []
    if instructions:
        messages.append(PromptMessage("system", [TextPart(instructions)]))
        entries.append(ManifestEntry("instructions", estimate_text(instructions), "system"))
    for row in rows:
        if parts := sent_parts(row.parts, wanted.assistant):
            messages.append(PromptMessage("user" if row.role == "user" else "assistant", parts))
            entries.append(ManifestEntry("message", estimate_parts(parts), row.role, row.id))
    prefill = _append_partial(wanted, messages, entries)
    total = sum(entry.tokens for entry in entries)
    is_known = wanted.profile.context_window is not None
    return Context(messages, Manifest(wanted.profile.id, window, is_known, total, clipped, entries), prefill)


def sent_parts(parts: list[Part], assistant: Assistant) -> list[Part]:
    """What a model is sent of a stored message: no reasoning; ideas in the tagged form where that is spoken.

    Empty when the message says nothing (stopped while it was reasoned about, failed before a word).
    """
    spoken: list[Part] = [part for part in parts if not isinstance(part, ReasoningPart)]
    if all(isinstance(part, TextPart | IdeaPart) and not part.text for part in spoken):
        return []
    if not any(isinstance(part, IdeaPart) for part in spoken):
        return spoken
    if assistant.format == "tagged":
        return [TextPart(render(tagged_entries(spoken)))]
    return [TextPart(f"{part.text}\n") if isinstance(part, IdeaPart) else part for part in spoken]


def tagged_entries(parts: list[Part]) -> list[tuple[Literal["idea", "message"], str]]:
    """Parts of an answer as entries of the tagged format."""
    entries: list[tuple[Literal["idea", "message"], str]] = []
    for part in parts:
        if isinstance(part, IdeaPart):
            entries.append(("idea", part.text))
        elif isinstance(part, TextPart):
            entries.append(("message", part.text))
    return entries


def continued_text(parts: list[Part], open_part: int | None, answer_format: Literal["plain", "tagged"]) -> str:
    """What of a cut-off answer the model is sent, and so what its continuation goes on from.

    In the tagged format the last entry is left open only if it was: an idea that had ended stays as it is.
    """
    if answer_format == "plain":
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    is_open = open_part is not None and isinstance(parts[open_part], TextPart | IdeaPart)
    return render(tagged_entries(parts), open_last=is_open)


def encode_manifest(manifest: Manifest) -> str:
    return msgspec.json.encode(manifest).decode()


def _newest_that_fit(connection: AnyConnection, wanted: ContextRequest, budget: int) -> tuple[list[MessageRow], bool]:
    """Oldest first; the request itself is always in, even when it alone is too long."""
    kept: list[MessageRow] = []
    cursor: str | None = wanted.request
    while cursor is not None:
        page = read_path(connection, wanted.conversation, cursor, _PAGE)
        for row in page:
            budget -= estimate_parts(row.parts)
            if budget < 0 and kept:
                return _from_first_question(kept), True
            if row.parts:
                kept.append(row)
        cursor = page[-1].parent_id if page else None
    return kept[::-1], False


def _from_first_question(kept: list[MessageRow]) -> list[MessageRow]:
    """Oldest first; an answer whose question was clipped goes with it (some vendors insist)."""
    while len(kept) > 1 and kept[-1].role != "user":
        kept.pop()
    return kept[::-1]


def _append_partial(wanted: ContextRequest, messages: list[PromptMessage], entries: list[ManifestEntry]) -> bool:
    """The cut-off answer, as a prefill where the model takes one, else with the wish to go on."""
    text = continued_text(wanted.partial, wanted.open_part, wanted.assistant.format)
    if not text:
        return False
    sent: list[Part] = [TextPart(text)]
    messages.append(PromptMessage("assistant", sent))
    entries.append(ManifestEntry("continuation", estimate_parts(sent), "assistant"))
    if wanted.profile.can_prefill:
        return True
    messages.append(PromptMessage("user", [TextPart(_CONTINUE)]))
    entries.append(ManifestEntry("continuation", estimate_text(_CONTINUE), "user"))
    return False
