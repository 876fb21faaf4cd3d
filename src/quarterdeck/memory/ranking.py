"""Signals become one order: each is brought to 0..1 among the candidates, and they are added up with fixed shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from quarterdeck.memory.candidates import Candidates

_SPEAKER_FACTOR = 1.0
_SITTING_SHARE = 0.5


class Ranked(Struct, frozen=True):
    """`at`: which candidate; `signals`: what each gave of the score."""

    at: int
    score: float
    signals: dict[str, float]


def rank(candidates: Candidates, signals: Mapping[str, Sequence[float]], spoken: Sequence[float]) -> list[Ranked]:
    """Best first; `spoken`: 1.0 for whom the query names."""
    parts: list[dict[str, float]] = [{} for _ in range(len(candidates))]
    for name, values in signals.items():
        for at, value in enumerate(_normalised(values)):
            if value > 0:
                parts[at][name] = value
                if spoken[at]:
                    parts[at]["speaker"] = parts[at].get("speaker", 0.0) + value * _SPEAKER_FACTOR * spoken[at]
    _add_sittings(candidates, parts)
    ranked = [Ranked(at, sum(given.values()), given) for at, given in enumerate(parts) if given]
    return sorted(ranked, key=lambda one: (-one.score, -one.at))


def _add_sittings(candidates: Candidates, parts: list[dict[str, float]]) -> None:
    """A talk in which something fits well lifts the rest of it."""
    totals = [sum(given.values()) for given in parts]
    for sitting in candidates.sittings:
        best = max(totals[at] for at in sitting)
        for at in sitting:
            if best > 0:
                parts[at]["session"] = _SITTING_SHARE * best


def _normalised(values: Sequence[float]) -> list[float]:
    most = max(values, default=0.0)
    return [value / most for value in values] if most > 0 else [0.0] * len(values)
