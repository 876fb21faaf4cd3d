"""The context of a turn that an API client asked for: exactly what it sent, after what it sent before and was answered.

No times, no profile, no memories, and nothing is left out: whoever asks a model by an API decides what it reads.
"""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.context.budget import budget_of
from quarterdeck.context.build import CONTINUE, Context
from quarterdeck.context.manifest import Manifest
from quarterdeck.context.prompt import Prompt
from quarterdeck.context.rendering import continued_text, spoken_parts, text_of
from quarterdeck.domain.asked import ApiRequest, decode_asked
from quarterdeck.domain.parts import Part, TextPart
from quarterdeck.domain.step import PromptMessage
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.store.context_texts import digest_of
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.messages import find_message
from quarterdeck.store.turns import TurnRow, find_turn

_MOST_BEFORE = 1_000


class AloneRequest(Struct, frozen=True):
    """`partial` holds the parts of an answer that is to be continued; `open_part` is the one that was cut off."""

    owner: str
    asked: ApiRequest
    profile: ModelProfile
    partial: list[Part]
    open_part: int | None
    ratio: float


def build_alone(connection: AnyConnection, wanted: AloneRequest) -> Context:
    prompt = Prompt()
    texts: dict[str, str] = {}

    def add(message: PromptMessage) -> None:
        text = text_of(message.parts)
        digest = digest_of(text)
        texts[digest] = text
        prompt.add("instructions", message.role, message.parts, apart=True, text=digest)

    if wanted.asked.instructions:
        add(PromptMessage("system", [TextPart(wanted.asked.instructions)]))
    for message in _messages_before(connection, wanted.owner, wanted.asked.previous) + wanted.asked.step.messages:
        add(message)
    prefill = False
    if text := continued_text(wanted.partial, wanted.open_part, "plain"):
        digest = digest_of(text)
        texts[digest] = text
        prompt.add_text("continuation", "assistant", text, text=digest)
        prefill = wanted.profile.can_prefill
        if not prefill:
            prompt.add_text("continuation", "user", CONTINUE, said=CONTINUE)
    return Context(
        prompt.messages, _describe(wanted, prompt), prefill, texts, texts_of=prompt.texts, tools=wanted.asked.step.tools
    )


def _messages_before(connection: AnyConnection, owner: str, previous: str) -> list[PromptMessage]:
    """Oldest first: the input of each turn before, and its answer; without what was deleted."""
    found: list[list[PromptMessage]] = []
    while previous and len(found) < _MOST_BEFORE:
        turn = find_turn(connection, owner, previous)
        if turn is None or turn.asked is None:
            break
        asked = decode_asked(turn.asked)
        answer = find_message(connection, turn.conversation_id, turn.message_id)
        said = spoken_parts(answer.parts, "plain") if answer is not None and answer.deleted_at is None else []
        given = asked.step.messages if asked.is_alone else _question(connection, turn)
        found.append([*given, *([PromptMessage("assistant", said)] if said else [])])
        previous = asked.previous
    return [message for messages in reversed(found) for message in messages]


def _question(connection: AnyConnection, turn: TurnRow) -> list[PromptMessage]:
    """Of a response that was one of a conversation, which keeps what was asked."""
    row = find_message(connection, turn.conversation_id, turn.request_id)
    is_sent = row is not None and row.deleted_at is None and row.parts
    return [PromptMessage("user", row.parts)] if row is not None and is_sent else []


def _describe(wanted: AloneRequest, prompt: Prompt) -> Manifest:
    budget = budget_of(wanted.profile, wanted.ratio, 1.0)
    return Manifest(
        model=wanted.profile.id, window=budget.window, window_is_known=budget.window_is_known, tokens=prompt.tokens,
        clipped=False, entries=prompt.entries, budget=budget.tokens, ratio=budget.ratio, digest=prompt.digest,
        tools=[tool.name for tool in wanted.asked.step.tools],
    )  # fmt: skip
