"""The calls that a step asked for, as an async generator of events: made together, told as they return.

What a call returned is in the log before the next step begins, so a call that has returned is never made again. One
that was begun by a process that is no more is made again only where that changes nothing. Side effects that untrusted
text may have asked for wait for the user, also over the death of the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Literal

from msgspec import Struct

from quarterdeck.domain.events import (
    ApprovalRequested,
    ApprovalSettled,
    Event,
    PartEnded,
    ToolCalled,
    ToolReturned,
)
from quarterdeck.domain.fold import FoldedTurn
from quarterdeck.domain.ids import now_ms
from quarterdeck.domain.parts import ToolCallPart
from quarterdeck.tools.approving import digest_of, needs_approval
from quarterdeck.tools.base import ToolCaller, ToolResult
from quarterdeck.tools.calling import MAX_CALLS, ReadyCall, prepare, run_call
from quarterdeck.tools.toolbox import Offer
from quarterdeck.turns.engine import MAX_STEPS, pending_calls

Verdict = Literal["approved", "declined"]
APPROVAL_MS = 24 * 3600 * 1000  # for so long the user may think about it, over all restarts
_DECLINED = ToolResult("The user did not allow this call. It was not made.", is_error=True)
_CUT_OFF = ToolResult("The call was cut off before it was complete. Nothing was done.", is_error=True)
_TOO_MANY = ToolResult(f"At most {MAX_CALLS} calls are made at once. This one was not made.", is_error=True)
_TOO_LATE = ToolResult("This answer has called tools often enough. This call was not made.", is_error=True)
_UNKNOWN = ToolResult(
    "The server stopped while this was being done, so it is not known whether it was done. It was not tried again: "
    "tell the user.",
    is_error=True,
)


class Question(Struct, frozen=True):
    """What waits for the user: `digest` is of exactly what would be done, `asked_at` in milliseconds."""

    digest: str
    asked_at: int


class CallPlan(Struct, frozen=True):
    """`commit` returns when all that was said before is certainly in the log.

    `decided` waits until the user has decided about some of these calls (by id: its digest, and when it was asked), and
    says what.
    """

    so_far: FoldedTurn
    offer: Offer
    caller: ToolCaller
    commit: Callable[[], Awaitable[None]]
    decided: Callable[[dict[str, Question]], Awaitable[dict[str, Verdict]]]


def settle_cut_off(so_far: FoldedTurn) -> list[Event]:
    """For a step that is to be asked for again: what it had begun to call is not made, and the model is told so."""
    pending = pending_calls(so_far)
    if not pending:
        return []
    ended: list[Event] = [] if so_far.open is None else [PartEnded(so_far.open)]
    return ended + [_returned(len(so_far.parts) + at, part, _CUT_OFF) for at, part in enumerate(pending)]


async def run_calls(plan: CallPlan) -> AsyncGenerator[list[Event], None]:
    """Closing it ends the calls that are being made."""
    part = len(plan.so_far.parts)
    ready: list[ReadyCall] = []
    for number, pending in enumerate(pending_calls(plan.so_far)):
        found = _prepare(plan, number, pending)
        if isinstance(found, ReadyCall):
            ready.append(found)
            continue
        yield [_returned(part, pending, found)]
        part += 1
    asking = [call for call in ready if needs_approval(call.tool, plan.so_far.taint)]
    async with aclosing(_make(plan, [call for call in ready if call not in asking], part)) as made:
        async for events in made:
            yield events
            part += sum(type(event) is ToolReturned for event in events)
    async with aclosing(_ask_and_make(plan, asking, part)) as made:
        async for events in made:
            yield events


async def _make(plan: CallPlan, ready: list[ReadyCall], part: int) -> AsyncGenerator[list[Event], None]:
    """Together."""
    called: list[Event] = [ToolCalled(call.part.call, now_ms()) for call in ready if not _was_called(plan, call.part)]
    if called:
        yield called
    if any(call.tool.effect == "side_effect" for call in ready):
        await plan.commit()
    async with aclosing(_run_together(ready, plan.caller)) as returns:
        async for call, result in returns:
            yield [_returned(part, call.part, result)]
            part += 1


async def _ask_and_make(plan: CallPlan, asking: list[ReadyCall], part: int) -> AsyncGenerator[list[Event], None]:
    """One after the other, in the order in which the user allows them."""
    if not asking:
        return
    taint = plan.so_far.taint
    known = {asked.call: asked.decision for asked in plan.so_far.approvals}
    now = now_ms()
    asked_at = {asked.call: asked.at or now for asked in plan.so_far.approvals}
    asked: list[Event] = [
        ApprovalRequested(call.part.call, call.part.name, digest_of(call.part), now, taint)
        for call in asking
        if call.part.call not in known
    ]
    if asked:
        yield asked
    waiting = {call.part.call: call for call in asking}
    while waiting:
        verdicts = {call: known[call] for call in waiting if known.get(call)}
        if not verdicts:
            questions = {
                call: Question(digest_of(ready.part), asked_at.get(call, now)) for call, ready in waiting.items()
            }
            decided = await plan.decided(questions)
            yield [ApprovalSettled(call, verdict, now_ms()) for call, verdict in decided.items()]
            verdicts = dict(decided)
        for call, verdict in verdicts.items():
            ready = waiting.pop(call)
            if verdict == "approved":
                async with aclosing(_make(plan, [ready], part)) as made:
                    async for events in made:
                        yield events
            else:
                yield [_returned(part, ready.part, _DECLINED)]
            part += 1


def _prepare(plan: CallPlan, number: int, pending: ToolCallPart) -> ReadyCall | ToolResult:
    if plan.so_far.steps >= MAX_STEPS:
        return _TOO_LATE
    if number >= MAX_CALLS:
        return _TOO_MANY
    found = prepare(pending, plan.offer)
    if isinstance(found, ReadyCall) and found.tool.effect == "side_effect" and _was_called(plan, pending):
        return _UNKNOWN
    return found


def _was_called(plan: CallPlan, pending: ToolCallPart) -> bool:
    return pending.call in plan.so_far.called


async def _run_together(
    ready: list[ReadyCall], caller: ToolCaller
) -> AsyncGenerator[tuple[ReadyCall, ToolResult], None]:
    """As they return."""
    tasks = {asyncio.create_task(run_call(call, caller)): call for call in ready}
    try:
        running = set(tasks)
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield tasks[task], task.result()
    finally:
        for task in tasks:
            task.cancel()


def _returned(part: int, call: ToolCallPart, result: ToolResult) -> ToolReturned:
    return ToolReturned(part, call.call, result.text, result.is_error, result.taint)
