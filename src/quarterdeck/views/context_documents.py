"""What the model saw, as HTTP tells it: a manifest with what can be checked and read of each entry."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, Field

from quarterdeck.context.manifest import Manifest, decode_manifest
from quarterdeck.context.texts import Rebuilt
from quarterdeck.domain.usage import Usage
from quarterdeck.store.context_texts import digest_of
from quarterdeck.store.summaries import SummaryRow
from quarterdeck.store.turns import StepRow


class RecalledDocument(BaseModel):
    """What was found elsewhere in the user's log. `signals` say what each gave of the score."""

    kind: str = Field(description="message, memory or summary.")
    id: str
    messages: list[str] = Field(description="The messages that it resolves to.")
    conversation: str = Field(description="Where the first of them is.")
    title: str = Field(description="Of that conversation, as it was then.")
    at: int
    score: float
    signals: dict[str, float]


class EntryDocument(BaseModel):
    """One thing that was sent. Texts of entries with the same `at`, one after the other, are one message's text."""

    kind: str = Field(description="instructions, about, time, summary, pinned, message, recalled or continuation.")
    role: str
    at: int = Field(description="Which message of the request it is, or is part of; from 0.")
    tokens: int = Field(description="As estimated.")
    message: str | None = Field(description="The stored message that it is, in this version.")
    version: int | None
    summary: str | None
    chars: int | None = Field(description="Of its text; null when that is not to be had any more.")
    sha256: str | None = Field(description="Of its text in UTF-8.")
    text: str | None = Field(None, description="With `texts=1`.")
    recalled: RecalledDocument | None = Field(None, description="Where it was found, and why.")
    taint: str = Field("", description="What of it is untrusted: tool, web, file, import; empty: nothing.")


class StepDocument(BaseModel):
    """One request to a model. Tokens in `usage` are the provider's, `cost` is in US dollars."""

    step: int
    attempt: int
    started_at: int
    model: str
    window: int
    window_is_known: bool
    budget: int
    tokens: int = Field(description="The sum of the entries' tokens, as estimated.")
    counted: int = Field(description="The same as this model is known to count.")
    tools: list[str] = Field(description="That the model was offered.")
    tool_tokens: int = Field(description="Of their descriptions, as estimated; not among `tokens`.")
    no_recall: str = Field(description="Why nothing was looked for elsewhere in the log; empty: it was.")
    taint: str = Field(description="What of all this is untrusted; empty: nothing.")
    clipped: bool
    clipped_at: str | None = Field(description="The newest message that was left out.")
    stale_summaries: int
    pins_left_out: int
    shortened: bool = Field(description="It was sent with more at first, and the provider said that it was too long.")
    no_summary: str = Field(description="Why older messages are clipped and not summarised.")
    is_exact: bool = Field(description="All texts are certainly what was sent, byte for byte.")
    usage: dict[str, Any] | None
    cost: float | None
    entries: list[EntryDocument]


class ContextDocument(BaseModel):
    turn: str
    conversation: str
    steps: list[StepDocument]


class SummaryDocument(BaseModel):
    """A summary and what it covers: the messages from `first` to `last` of a path, both within."""

    id: str
    level: int
    first: str
    last: str
    messages: int
    text: str
    tokens: int
    model: str
    created_at: int
    is_stale: bool = Field(description="Something that it covers was changed: it is not sent, and made anew.")


class SummaryPage(BaseModel):
    items: list[SummaryDocument] = Field(description="The newest first.")
    next_cursor: None = None


class SourcesDocument(SummaryDocument):
    sources: list[str] = Field(description="The messages, or the summaries of the level below, that it was made of.")


class WindowDocument(BaseModel):
    """What the next message would be sent with, for the gauge of the window."""

    model: str
    window: int
    window_is_known: bool
    budget: int
    counted: int
    by_kind: dict[str, int] = Field(description="Tokens as this model is known to count.")
    summaries: int
    clipped: bool


def step_document(step: StepRow, rebuilt: Rebuilt, *, with_texts: bool) -> StepDocument:
    manifest = decode_manifest(step.manifest)
    usage = None if step.usage is None else msgspec.json.decode(step.usage, type=Usage)
    return StepDocument(
        step=step.step, attempt=step.attempt, started_at=step.started_at, model=manifest.model, window=manifest.window,
        window_is_known=manifest.window_is_known, budget=manifest.budget, tokens=manifest.tokens,
        counted=manifest.counted, clipped=manifest.clipped, clipped_at=manifest.clipped_at or None,
        stale_summaries=manifest.stale_summaries, pins_left_out=manifest.pins_left_out, shortened=manifest.shortened,
        no_summary=manifest.no_summary, is_exact=rebuilt.is_exact, tools=manifest.tools,
        tool_tokens=manifest.tool_tokens, no_recall=manifest.no_recall, taint=manifest.taint,
        usage=None if usage is None else msgspec.structs.asdict(usage), cost=None if usage is None else usage.cost,
        entries=_entries(manifest, rebuilt, with_texts=with_texts),
    )  # fmt: skip


def window_document(manifest: Manifest) -> WindowDocument:
    by_kind: dict[str, int] = {}
    for entry in manifest.entries:
        by_kind[entry.kind] = by_kind.get(entry.kind, 0) + round(entry.tokens * manifest.ratio)
    return WindowDocument(
        model=manifest.model, window=manifest.window, window_is_known=manifest.window_is_known, budget=manifest.budget,
        counted=manifest.counted, by_kind=by_kind, clipped=manifest.clipped,
        summaries=sum(entry.kind == "summary" for entry in manifest.entries),
    )  # fmt: skip


def summary_document(row: SummaryRow) -> SummaryDocument:
    return SummaryDocument(**_summary_fields(row))


def sources_document(row: SummaryRow, sources: list[str]) -> SourcesDocument:
    return SourcesDocument(**_summary_fields(row), sources=sources)


def _summary_fields(row: SummaryRow) -> dict[str, Any]:
    return {
        "id": row.id, "level": row.level, "first": row.first_id, "last": row.last_id, "messages": row.message_count,
        "text": row.text, "tokens": row.tokens, "model": row.model, "created_at": row.created_at,
        "is_stale": row.stale_at is not None or row.replaced_by is not None,
    }  # fmt: skip


def _entries(manifest: Manifest, rebuilt: Rebuilt, *, with_texts: bool) -> list[EntryDocument]:
    return [
        EntryDocument(
            kind=entry.kind, role=entry.role, at=entry.at, tokens=entry.tokens, message=entry.message or None,
            version=entry.version if entry.message else None, summary=entry.summary or None,
            chars=None if text is None else len(text), sha256=None if text is None else digest_of(text),
            text=text if with_texts else None, taint=entry.taint,
            recalled=None if entry.recalled is None else RecalledDocument(**msgspec.structs.asdict(entry.recalled)),
        )
        for entry, text in zip(manifest.entries, rebuilt.texts, strict=True)
    ]  # fmt: skip
