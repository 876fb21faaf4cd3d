"""`fold(events) -> FoldedTurn`: the message a log adds up to.

The law: the fold of a finished log equals the stored message. The page has the same fold in
TypeScript, and both run the fixtures in `tests/fixtures/folds/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck.domain.events import (
    ApprovalRequested,
    ApprovalSettled,
    ContextShortened,
    Event,
    PartEnded,
    PartKind,
    PartStarted,
    StepEnded,
    StepRetrying,
    StepStarted,
    TextDelta,
    ToolCalled,
    ToolReturned,
    TurnContinued,
    TurnEnded,
    TurnFault,
    TurnRestored,
    TurnStarted,
    UsageReported,
)
from quarterdeck.domain.parts import (
    Approval,
    Continuation,
    IdeaPart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from quarterdeck.domain.taint import join_taints
from quarterdeck.domain.usage import Usage


class FoldedTurn(Struct, frozen=True):
    """`parts` in order; `open` is the index of the part still being written, else None.

    `attempts` counts the model calls of the last step, `step_ended` says that it came to its own end, `attempt_usage`
    is of the last call alone. `called` are the tool calls that were begun and have not returned; `taint` is of all
    that was read.
    """

    status: Literal["running", "complete", "stopped", "failed"]
    parts: list[Part]
    open: int | None
    usage: Usage
    steps: int
    attempts: int
    step_ended: bool
    continuations: list[Continuation]
    error: TurnFault | None
    started_at: int | None
    ended_at: int | None
    finish: str
    attempt_usage: Usage = Usage()
    called: list[str] = []
    approvals: list[Approval] = []
    taint: str = ""


class _Draft:
    __slots__ = ("call", "ended", "kind", "name", "result", "texts")

    def __init__(self, kind: PartKind, call: str, name: str) -> None:
        self.kind: PartKind = kind
        self.call, self.name = call, name
        self.texts: list[str] = []
        self.ended = False
        self.result: ToolResultPart | None = None  # it comes in one piece

    @classmethod
    def of(cls, part: Part, *, ended: bool) -> _Draft:
        """The draft that `part` was made of."""
        match part:
            case IdeaPart(text=text):
                draft = cls("idea", "", "")
            case ReasoningPart(text=text):
                draft = cls("reasoning", "", "")
            case ToolCallPart(call=call, name=name, arguments=text):
                draft = cls("tool_call", call, name)
            case TextPart(text=text):
                draft = cls("text", "", "")
            case ToolResultPart(text=text):
                draft = cls("text", "", "")
                draft.result = part
            case _:
                raise TypeError(f"An answer has no {type(part).__name__}.")
        draft.texts, draft.ended = [text], ended
        return draft

    def part(self) -> Part:
        if self.result is not None:
            return self.result
        text = "".join(self.texts)
        match self.kind:
            case "text":
                return TextPart(text)
            case "reasoning":
                return ReasoningPart(text)
            case "idea":
                return IdeaPart(text)
            case "tool_call":
                return ToolCallPart(self.call, self.name, text)


class Fold:
    """The fold, one event at a time; `turn()` may be asked at any moment."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._status: Literal["running", "complete", "stopped", "failed"] = "running"
        self._usage = self._attempt_usage = Usage()
        self._called: list[str] = []
        self._approvals: list[Approval] = []
        self._taint = ""
        self._steps = self._attempts = self._ended_step = 0
        self._continuations: list[Continuation] = []
        self._error: TurnFault | None = None
        self._started_at: int | None = None
        self._ended_at: int | None = None
        self._finish = ""

    def apply(self, event: Event) -> None:
        match event:
            case TextDelta(part=part, text=text):
                self._drafts[part].texts.append(text)
            case PartStarted(kind=kind, call=call, name=name):
                self._drafts.append(_Draft(kind, call, name))
            case PartEnded(part=part):
                self._drafts[part].ended = True
            case UsageReported(usage=usage):
                self._usage = self._usage.plus(usage)
                self._attempt_usage = self._attempt_usage.plus(usage)
            case TurnStarted(at=at):
                self._started_at = at
            case StepStarted(step=step, taint=taint):
                self._attempts = self._attempts + 1 if step == self._steps else 1
                self._steps, self._attempt_usage = step, Usage()
                self._read(taint)
            case StepEnded(step=step, finish=finish):
                self._ended_step, self._finish = step, finish
            case StepRetrying() | ContextShortened():
                pass
            case ApprovalRequested() | ApprovalSettled() | ToolCalled() | ToolReturned():
                self._apply_to_call(event)
            case TurnContinued(at=at):
                self._continuations.append(self._place(at))
            case TurnRestored():
                self._restore(event)
            case TurnEnded(status=status, error=error, at=at):
                self._status, self._error, self._ended_at = status, error, at

    def _apply_to_call(self, event: ApprovalRequested | ApprovalSettled | ToolCalled | ToolReturned) -> None:
        match event:
            case ToolCalled(call=call):
                self._called.append(call)
            case ToolReturned(call=call):
                self._called = [other for other in self._called if other != call]
                self._drafts.append(
                    _Draft.of(ToolResultPart(call, event.text, event.is_error, event.taint), ended=True)
                )
                self._read(event.taint)
            case ApprovalRequested(call=call):
                self._approvals.append(Approval(call, event.name, event.digest, event.taint, at=event.at))
            case ApprovalSettled(call=call, decision=decision):
                self._approvals = [
                    msgspec.structs.replace(asked, decision=decision) if asked.call == call else asked
                    for asked in self._approvals
                ]

    def _read(self, taint: str) -> None:
        if taint:
            self._taint = join_taints((self._taint, taint))

    def _restore(self, event: TurnRestored) -> None:
        self._drafts = [_Draft.of(part, ended=index != event.open) for index, part in enumerate(event.parts)]
        self._status, self._error, self._ended_at = "running", None, None
        self._usage, self._started_at = event.usage, event.at
        self._steps, self._attempts, self._finish = event.steps, event.attempts, event.finish
        self._ended_step = event.steps if event.step_ended else 0
        self._continuations = list(event.continuations)
        self._attempt_usage, self._taint = event.attempt_usage, event.taint
        self._called, self._approvals = list(event.called), list(event.approvals)

    def _place(self, at: int) -> Continuation:
        if not self._drafts:
            return Continuation(0, 0, at)
        last = len(self._drafts) - 1
        return Continuation(last, sum(map(len, self._drafts[last].texts)), at)

    def turn(self) -> FoldedTurn:
        open_parts = [index for index, draft in enumerate(self._drafts) if not draft.ended]
        return FoldedTurn(
            status=self._status,
            parts=[draft.part() for draft in self._drafts],
            open=open_parts[-1] if open_parts and self._status == "running" else None,
            usage=self._usage,
            steps=self._steps,
            attempts=self._attempts,
            step_ended=self._steps > 0 and self._ended_step == self._steps,
            continuations=list(self._continuations),
            error=self._error,
            started_at=self._started_at,
            ended_at=self._ended_at,
            finish=self._finish,
            attempt_usage=self._attempt_usage,
            called=list(self._called),
            approvals=list(self._approvals),
            taint=self._taint,
        )


def fold(events: Iterable[Event]) -> FoldedTurn:
    """The state of a turn after `events`, which begin at seq 1 and have no holes."""
    state = Fold()
    for event in events:
        state.apply(event)
    return state.turn()
