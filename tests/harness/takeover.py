"""Many turns at five stages, a fault in the processes that run them, and what viewers see of it."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.script import Script, words
from tests.harness.checks import Transcript, find_differences, find_disorder, find_shrinking, texts_of
from tests.harness.full_client import FullClient, count_chars, has_ended
from tests.harness.upstream import Upstream
from tests.harness.waiting import wait_until_async

PATIENCE_S = 60.0
BEFORE_FIRST, FIRST, MIDDLE, UNSAVED, UNCLOSED = STAGES = (
    "before the first token",
    "at the first token",
    "in the middle",
    "at the end, before it is saved",
    "between its message and its last event",
)
_SHORT, _LONG = words(40), words(400)
_NEWS = ("turn.continued", "turn.restored", "turn.ended")


@dataclass
class WatchedTurn:
    """`holder` is the process that had it at the fault; `taken_s` when a viewer saw that somebody goes on."""

    stage: str
    model: str
    pieces: list[str]
    client: FullClient
    accepted: dict[str, Any]
    holder: int = 0
    shown: list[str] = field(default_factory=list)
    transcript: Transcript = field(default_factory=list)
    fault_s: float = 0.0
    taken_s: float | None = None

    @property
    def id(self) -> str:
        return str(self.accepted["turn"])


def script_before(stage: str) -> Script:
    """Until the fault: a turn of this stage stays in it, or can be held there."""
    match stage:
        case "before the first token":
            return Script(pieces=_SHORT, first_delay_s=3600)
        case "at the first token":
            return Script(pieces=_SHORT, fault="stall", fault_after=1)
        case "in the middle":
            return Script(pieces=_LONG, delay_s=0.1)
    return Script(pieces=_SHORT, first_delay_s=2.5)


async def begin_turn(stage: str, client: FullClient, upstream: Upstream) -> WatchedTurn:
    script = script_before(stage)
    model = upstream.model(script)
    return WatchedTurn(stage, model, script.pieces, client, await client.send(stage, model=model))


async def reach_stage(turn: WatchedTurn, upstream: Upstream, chance: random.Random) -> None:
    chars = 1 if turn.stage == FIRST else chance.randint(1, 250)

    def find() -> bool | None:
        if turn.stage in (UNSAVED, UNCLOSED):
            return any(event["type"] == "step.ended" for _, event in _seen(turn)) or None
        return count_chars(_seen(turn)) >= chars or None

    async def was_asked() -> bool:
        return bool(upstream.requests(turn.model))

    if turn.stage == BEFORE_FIRST:
        await wait_until_async(was_asked, "the request to the model", PATIENCE_S)
    else:
        await turn.client.until(find, turn.stage, PATIENCE_S)


def _seen(turn: WatchedTurn) -> Transcript:
    return turn.client.transcript(turn.id)


def note_fault(turns: list[WatchedTurn], upstream: Upstream) -> None:
    """What was shown until now; from now on the models answer quickly."""
    for turn in turns:
        turn.fault_s = time.monotonic()
        turn.transcript = list(_seen(turn))
        turn.shown = texts_of(turn.transcript)
        upstream.change(turn.model, Script(pieces=turn.pieces, delay_s=0.01))


async def watch_on(
    client: FullClient, turns: list[WatchedTurn], on_taken: Callable[[], None], patience_s: float = PATIENCE_S
) -> None:
    """From where each viewer was to all ends, as far as they come within `patience_s`.

    `on_taken` is called once all of them are somebody else's, or have ended.
    """
    for turn in turns:
        await wait_until_async(lambda turn=turn: _follow(client, turn), "a log that can be read", PATIENCE_S)  # type: ignore[misc]
    looked = dict.fromkeys((turn.id for turn in turns), 0)
    is_told = False

    def look() -> bool | None:
        nonlocal is_told
        for turn in turns:
            _note_news(turn, client.transcript(turn.id)[looked[turn.id] :])
            looked[turn.id] = len(client.transcript(turn.id))
        if not is_told and all(turn.taken_s is not None for turn in turns):
            is_told = True
            on_taken()
        return all(has_ended(client.transcript(turn.id)) for turn in turns) or None

    try:
        with contextlib.suppress(TimeoutError):
            await client.until(look, "the ends of all turns", patience_s)
    finally:
        for turn in turns:
            turn.transcript += client.transcript(turn.id)


async def _follow(client: FullClient, turn: WatchedTurn) -> bool:
    """A log that was held may be called away for a moment; nothing else may be said of a good cursor."""
    reply = await client.ask("follow", turn=turn.id, after=len(turn.transcript))
    assert reply["type"] == "following" or reply["code"] == "log_error", reply
    return bool(reply["type"] == "following")


def _note_news(turn: WatchedTurn, entries: Transcript) -> None:
    began_again = turn.stage == BEFORE_FIRST and any(event["type"] == "text.delta" for _, event in entries)
    if turn.taken_s is None and (began_again or any(event["type"] in _NEWS for _, event in entries)):
        turn.taken_s = time.monotonic() - turn.fault_s


def find_wrong(turn: WatchedTurn, stored: dict[str, Any], requests: int) -> list[str]:
    """Everything that must be true of a turn whose process was lost."""
    wrong = find_disorder(turn.transcript) + find_differences(turn.transcript, stored)
    wrong += find_shrinking(turn.shown, texts_of(turn.transcript))
    if texts_of(turn.transcript) != ["".join(turn.pieces)]:
        wrong.append(f"text {texts_of(turn.transcript)!r}")
    if stored["status"] != "complete":
        wrong.append(f"ended {stored['status']}: {stored['error']}")
    is_cut = turn.stage in (BEFORE_FIRST, FIRST, MIDDLE)
    if requests != (2 if is_cut else 1):
        wrong.append(f"{requests} requests")
    continued = len(stored["continuations"])
    if continued > 1 or (turn.stage in (FIRST, MIDDLE) and continued != 1):
        wrong.append(f"continued {continued} times")
    if turn.taken_s is None:
        wrong.append("was not taken over")
    return [f"{turn.stage}: {sentence}" for sentence in wrong]


def find_touched(turn: WatchedTurn, stored: dict[str, Any], requests: int) -> list[str]:
    """The same of a turn whose process lives: it went on there, until it was stopped."""
    wrong = find_disorder(turn.transcript) + find_differences(turn.transcript, stored)
    wrong += find_shrinking(turn.shown, texts_of(turn.transcript))
    if not "".join(turn.pieces).startswith("".join(texts_of(turn.transcript))):
        wrong.append(f"text {texts_of(turn.transcript)!r}")
    if requests != 1 or stored["continuations"]:
        wrong.append(f"{requests} requests, continued {len(stored['continuations'])} times")
    return [f"left alone, {turn.stage}: {sentence}" for sentence in wrong]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(-int(-share * len(ordered) // 1) - 1, 0)]
