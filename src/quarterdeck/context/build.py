"""`build_context`: what one step sends, within the model's window, and the manifest of it.

In this order, so that the beginning stays the same from turn to turn and the provider's cache keeps it: instructions,
what the user wants known of them, what the times mean · summaries of old sections, pinned messages · the newest
messages · and last what changes: what was recalled from elsewhere, the time it is now. Behind that comes what this
answer has called so far and what came of it. The request of a turn begins with that of the turn before, but for its
end.
"""

from __future__ import annotations

from datetime import tzinfo

from msgspec import Struct

from quarterdeck.context.assistants import Assistant
from quarterdeck.context.budget import PINNED_SHARE, SUMMARY_SHARE, budget_of
from quarterdeck.context.kept import KEEPER, LEAST_ROWS, Manner, Written
from quarterdeck.context.manifest import Manifest
from quarterdeck.context.path import Read, cut, read_path_within
from quarterdeck.context.pins import find_pins
from quarterdeck.context.prompt import Prompt
from quarterdeck.context.recalled import RECALLED_SHARE, Found, Recollection
from quarterdeck.context.rendering import (
    Before,
    about_text,
    answer_pieces,
    continued_text,
    pinned_text,
    row_pieces,
    step_start,
    summary_text,
)
from quarterdeck.context.times import explain_times, now_line
from quarterdeck.domain.parts import Part, ToolResultPart, plain_text
from quarterdeck.domain.periods import zone_or_utc
from quarterdeck.domain.step import PromptMessage, ToolSpec
from quarterdeck.domain.taint import join_taints
from quarterdeck.domain.tokens import estimate_parts, estimate_text, estimate_tools
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.store.context_texts import digest_of
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.paths import PathRow, find_taints
from quarterdeck.store.summaries import SummaryRow

CONTINUE = (
    "Your answer was cut off by a restart after its last character above. Continue exactly there: do not repeat, "
    "do not greet, do not comment on the interruption."
)


class Context(Struct, frozen=True):
    """`texts` are those that stand nowhere else, by digest. `tail` counts the parts at the end that change each time.

    `unsummarised` is how long the messages are that are sent as they are, `summarised` how long the summaries, in
    estimated tokens; `texts_of` are the texts of the manifest's entries.
    """

    messages: list[PromptMessage]
    manifest: Manifest
    prefill: bool
    texts: dict[str, str] = {}
    tail: int = 0
    unsummarised: int = 0
    summarised: int = 0
    texts_of: list[str] = []
    question: str = ""  # as the user wrote it
    tools: list[ToolSpec] = []

    @property
    def taint(self) -> str:
        """What of the text that is sent is untrusted."""
        return self.manifest.taint


class ContextRequest(Struct, frozen=True):
    """`partial` holds the parts of an answer that is to be continued, empty for a fresh one; `answer` is its message.

    `open_part` is the index of the one that was still being written when the answer was cut off. `now` is 0 where it
    must not matter; `shrink` is below 1 after the provider has said that it was too long. `recalls`: room is kept for
    what is recalled. `has_summaries`, `has_pins`: False where the conversation is known to have none.
    """

    conversation: str
    request: str  # the user message that is to be answered
    instructions: str
    assistant: Assistant
    profile: ModelProfile
    partial: list[Part]
    open_part: int | None = None
    zone: str = ""
    about: str = ""
    ratio: float = 1.0
    now: int = 0
    shrink: float = 1.0
    no_summary: str = ""
    answer: str = ""
    tools: list[ToolSpec] = []
    recalls: bool = False
    has_summaries: bool = True
    has_pins: bool = True


def build_context(connection: AnyConnection, wanted: ContextRequest) -> Context:
    """What the model is sent for one step."""
    return read_context(connection, wanted).finish()


def read_context(connection: AnyConnection, wanted: ContextRequest) -> ContextDraft:
    """All that the database knows of it; `finish` adds what is recalled and what the answer has so far."""
    draft = ContextDraft(connection, wanted)
    draft.read()
    return draft


class ContextDraft:
    """`question` is what the user wrote, `before` the question before it, `in_context` all messages that are sent."""

    def __init__(self, connection: AnyConnection, wanted: ContextRequest) -> None:
        self._connection = connection
        self._wanted = wanted
        self._budget = budget_of(wanted.profile, wanted.ratio, wanted.shrink)
        self._zone: tzinfo = zone_or_utc(wanted.zone)
        self._prompt = Prompt()
        self._texts: dict[str, str] = {}
        self._kept: list[PathRow] = []
        self._lengths = (0, 0)
        self._left_out = 0
        self._found: Read = Read([], [], [], 0, None)
        self._summaries: list[SummaryRow] = []

    @property
    def question(self) -> str:
        return plain_text(self._kept[0].parts) if self._kept else ""

    @property
    def before(self) -> str:
        asked = [row for row in self._kept[1:] if row.role == "user" and row.is_sent]
        return plain_text(asked[0].parts) if asked else ""

    @property
    def in_context(self) -> frozenset[str]:
        return frozenset(entry.message for entry in self._prompt.entries if entry.message)

    def read(self) -> None:
        wanted = self._wanted
        self._add_stable()
        room = self._budget.estimated - self._prompt.tokens - estimate_parts(wanted.partial)
        room -= estimate_tools(wanted.tools) + self._room_for_recalled
        read = read_path_within(
            self._connection, wanted.conversation, wanted.request, room, has_summaries=wanted.has_summaries
        )
        summaries = _within(read.summaries, int(self._budget.estimated * SUMMARY_SHARE))
        room -= sum(estimate_text(summary_text(row)) for row in summaries)
        kept = cut(read.rows, read.costs, room, is_whole=read.above is None or bool(read.summaries))
        pins, left_out = self._find_pins(kept, summaries)
        if pins and not read.summaries:  # they take room from messages that are sent as they are
            room -= sum(self._cost_of_pin(pin) for pin in pins)
            kept = cut(read.rows, read.costs, room, is_whole=read.above is None)
        self._add_summaries(summaries, pins)
        self._add_rows(kept)
        self._kept, self._summaries, self._found, self._left_out = kept, summaries, read, left_out
        self._lengths = (sum(read.costs[: len(kept)]), sum(row.tokens for row in read.summaries))

    def finish(self, recollection: Recollection | None = None) -> Context:
        """Once. `recollection`: what was found elsewhere in the user's log, or why nothing was looked for."""
        wanted = self._wanted
        tail = self._add_recalled(recollection.found) if recollection is not None else 0
        is_cut_off = len(wanted.partial) > step_start(wanted.partial)
        if not is_cut_off:
            tail += self._add_now()
        has_called = self._add_calls()
        prefill = self._add_partial()
        manifest = self._describe("" if recollection is None else recollection.reason)
        unsummarised, summarised = self._lengths
        return Context(
            self._prompt.messages, manifest, prefill, self._texts, 0 if has_called or is_cut_off else tail,
            unsummarised, summarised, self._prompt.texts, self.question, wanted.tools,
        )  # fmt: skip

    @property
    def _room_for_recalled(self) -> int:
        return int(self._budget.estimated * RECALLED_SHARE) if self._wanted.recalls else 0

    def _add_stable(self) -> None:
        wanted = self._wanted
        instructions = "\n\n".join(filter(None, (wanted.assistant.instructions, wanted.instructions)))
        if instructions:
            self._prompt.add_text("instructions", "system", instructions, text=self._keep(instructions))
        if wanted.about:
            about = about_text(wanted.about)
            self._prompt.add_text("about", "system", about, text=self._keep(about))
        self._prompt.add_text("time", "system", explain_times(wanted.zone))

    def _find_pins(self, kept: list[PathRow], summaries: list[SummaryRow]) -> tuple[list[PathRow], int]:
        """Oldest first, within their share; and how many there was no room for."""
        if not self._wanted.has_pins:
            return [], 0
        found = find_pins(self._connection, self._wanted.conversation, kept, summaries)
        room = int(self._budget.estimated * PINNED_SHARE)
        pins: list[PathRow] = []
        for pin in found:
            room -= self._cost_of_pin(pin)
            if room < 0:
                break
            pins.append(pin)
        return pins[::-1], len(found) - len(pins)

    def _cost_of_pin(self, pin: PathRow) -> int:
        return estimate_text(self._pinned(pin)) + 4

    def _pinned(self, pin: PathRow) -> str:
        return pinned_text(pin, self._wanted.assistant.format, self._zone)

    def _add_summaries(self, summaries: list[SummaryRow], pins: list[PathRow]) -> None:
        taint = find_taints(self._connection, self._wanted.conversation) if summaries else ""  # it may rest on any
        for summary in reversed(summaries):
            self._prompt.add_text("summary", "user", summary_text(summary), summary=summary.id, taint=taint)
        for pin in pins:
            source = {"message": pin.id, "version": pin.version, "taint": pin.taint}
            self._prompt.add_text("pinned", "user", self._pinned(pin), **source)

    def _add_rows(self, kept: list[PathRow]) -> None:
        """The oldest first. What was written of the older ones the last time is taken from there."""
        wanted, conversation = self._wanted, KEEPER.find(self._wanted.conversation)
        rows = kept[::-1]
        manner = Manner(wanted.assistant.format, wanted.zone, bool(wanted.tools))
        prior, known = self._prompt.copy(), conversation.written
        if known is not None and known.fits(manner, prior, rows):
            self._prompt, above = known.prompt.copy(), known.above
            older = self._write(rows[len(known.rows) : -1], manner, above)
        else:
            older = self._write(rows[:-1], manner, None)
        if len(rows) > LEAST_ROWS:
            conversation.written = Written(manner, prior, rows[:-1], self._prompt.copy(), older)
        self._write(rows[-1:], manner, older)

    def _write(self, rows: list[PathRow], manner: Manner, above: Before | None) -> Before | None:
        """`above` is what stands above the first of them; what stands above the next one is returned."""
        add, zone, request = self._prompt.add_piece, self._zone, self._wanted.request
        spoken, with_calls = manner.answer_format, manner.with_calls
        for row in rows:
            if not row.is_sent and row.id != request:
                continue
            pieces = row_pieces(row, above, spoken, zone, with_calls=with_calls)
            for number, piece in enumerate(pieces):
                add(piece, row, number)
            if pieces:
                above = Before(row.role, row.at)
        return above

    def _add_recalled(self, found: list[Found]) -> int:
        """Together one part of the question's message, the last of all that the conversation says."""
        room = self._room_for_recalled
        kept = [item for item in found if (room := room - estimate_text(item.text)) >= 0]
        for item in kept if len(kept) > 1 else ():  # the first one only says what the others are
            self._prompt.add_text("recalled", "user", item.text, **item.source)
        return len(kept) if len(kept) > 1 else 0

    def _add_calls(self) -> bool:
        """What earlier steps of this answer said and called, and what came of it."""
        wanted = self._wanted
        done = wanted.partial[: step_start(wanted.partial)]
        taints = join_taints(part.taint for part in done if isinstance(part, ToolResultPart))
        for number, piece in enumerate(answer_pieces(done, wanted.assistant.format)):
            taint = taints if piece.role == "tool" else ""
            self._prompt.add("message", piece.role, piece.parts, message=wanted.answer, piece=number, taint=taint)
        return bool(done)

    def _add_partial(self) -> bool:
        """The cut-off answer, as a prefill where the model takes one, else with the wish to go on."""
        wanted = self._wanted
        text = continued_text(wanted.partial, wanted.open_part, wanted.assistant.format)
        if not text:
            return False
        self._prompt.add_text("continuation", "assistant", text, text=self._keep(text))
        if wanted.profile.can_prefill:
            return True
        self._prompt.add_text("continuation", "user", CONTINUE, said=CONTINUE)
        return False

    def _add_now(self) -> int:
        """Where the question was asked a while ago (it is answered anew): what time it is."""
        kept = self._kept
        line = now_line(self._wanted.now, kept[0].created_at, self._zone) if kept and self._wanted.now else ""
        if line:
            self._prompt.add_text("time", "user", line, said=line)
        return int(bool(line))

    def _describe(self, no_recall: str) -> Manifest:
        wanted, budget, prompt = self._wanted, self._budget, self._prompt
        read, kept, summaries = self._found, self._kept, self._summaries
        clipped_at = read.above or ""
        if len(kept) < len(read.rows):
            clipped_at = read.rows[len(kept)].id
        elif len(summaries) < len(read.summaries):
            clipped_at = read.summaries[len(summaries)].last_id
        return Manifest(
            model=wanted.profile.id, window=budget.window, window_is_known=budget.window_is_known,
            tokens=prompt.tokens, clipped=bool(clipped_at or read.stale), entries=prompt.entries, budget=budget.tokens,
            ratio=budget.ratio, zone=wanted.zone, format=wanted.assistant.format, digest=prompt.digest,
            clipped_at=clipped_at, stale_summaries=read.stale, pins_left_out=self._left_out,
            shortened=wanted.shrink < 1, no_summary=wanted.no_summary if clipped_at else "",
            tools=[tool.name for tool in wanted.tools], tool_tokens=estimate_tools(wanted.tools),
            no_calls=not wanted.tools, no_recall=no_recall,
        )  # fmt: skip

    def _keep(self, text: str) -> str:
        digest = digest_of(text)
        self._texts[digest] = text
        return digest


def _within(summaries: list[SummaryRow], room: int) -> list[SummaryRow]:
    """The newest that fit."""
    kept = []
    for summary in summaries:
        if not summary.text:
            continue
        room -= estimate_text(summary_text(summary))
        if room < 0:
            break
        kept.append(summary)
    return kept
