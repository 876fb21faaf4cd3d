"""What must be true of what a viewer saw. Each check lists what is wrong; an empty list is good."""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.events import Event
from quarterdeck.domain.fold import FoldedTurn, fold

Transcript = list[tuple[int, dict[str, Any]]]
"""(seq, event) in the order in which a viewer was shown them."""


def fold_transcript(transcript: Transcript) -> FoldedTurn:
    return fold(msgspec.convert(event, Event) for _, event in transcript)


def texts_of(transcript: Transcript) -> list[str]:
    """The text of each part so far."""
    return [getattr(part, "text", "") for part in fold_transcript(transcript).parts]


def find_disorder(transcript: Transcript, after: int = 0) -> list[str]:
    """Gaps, repeats and reorders in what came after the cursor `after`; and it must end once, at the end."""
    wrong = []
    expected = after + 1
    for seq, _ in transcript:
        if seq != expected:
            wrong.append(f"seq {seq} came where {expected} was due")
        expected = seq + 1
    kinds = [event["type"] for _, event in transcript]
    if kinds.count("turn.ended") != 1 or kinds[-1] != "turn.ended":
        wrong.append(f"turn.ended came {kinds.count('turn.ended')} times, the last event is {kinds[-1:]}")
    if after == 0 and kinds[:1] != ["turn.started"]:
        wrong.append(f"the first event is {kinds[:1]}")
    return wrong


def find_differences(transcript: Transcript, stored: dict[str, Any]) -> list[str]:
    """Where the fold of the events differs from the stored message."""
    folded = fold_transcript(transcript)
    usage = folded.usage if folded.usage.input_tokens or folded.usage.output_tokens else None
    seen = {
        "status": folded.status,
        "parts": msgspec.to_builtins(folded.parts),
        "error": msgspec.to_builtins(folded.error),
        "continuations": msgspec.to_builtins(folded.continuations),
        "usage": msgspec.to_builtins(usage),
        "ended_at": folded.ended_at,
    }
    return [f"{name}: seen {seen[name]!r}, stored {stored[name]!r}" for name in seen if seen[name] != stored[name]]


def find_shrinking(before: list[str], after: list[str]) -> list[str]:
    """Parts whose text was shown once and is not the beginning of what is there now."""
    gone = [f"part {number} is gone" for number in range(len(after), len(before))]
    shrunk = [
        f"part {number} was {old!r} and is {new!r}"
        for number, (old, new) in enumerate(zip(before, after, strict=False))
        if not new.startswith(old)
    ]
    return gone + shrunk
