"""Signals become one order: each is brought to 0..1 among the candidates, and they are added up with fixed shares."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from quarterdeck.memory.candidates import Candidates

_SITTING_SHARE = 0.5
"""How much of the best of a talk lifts the rest of it, where nothing tells by meaning what belongs together."""
_PERIOD_SHARE = 0.7
_ASKING_SHARE = 0.8
"""Of what only asks: a question has the words of the query, too, and seldom what is looked for. With
five sets of other weights, drawn by lot, the recall among ten was better by 0.011 in the mean, by words alone 0.005."""
_TIMELESS_SHARE = 0.9
"""Of what names no time, where the query asks for one: what happened is told with "yesterday" or "last week"."""
_REPEAT_SHARE, _MOST_REPEATS = 0.01, 10
"""How much of the best score each further message of a talk loses, where talks are lifted: what a question asks for is
often told in several of them."""
_SECTION_SHARE = 0.2
"""Little, since a summary is of many messages: it decides between those that fit about as well."""


class Signal(Struct, frozen=True):
    """`factor`: how much more it counts in what the one whom the query means said."""

    name: str
    values: Sequence[float]
    factor: float
    share: float = 1.0


class Ranked(Struct, frozen=True):
    """`at`: which candidate; `signals`: what each gave of the score."""

    at: int
    score: float
    signals: dict[str, float]


class Priors(Struct, frozen=True, kw_only=True):
    """What is known of each candidate beside how well it fits, 0..1. `spoken`: by whom the query means. `timely`:
    within the time that it names. `sections`: how well the summary of its section fits. `asks`: whether it ends with a
    question. `timeless`: whether it names no time, where the query asks when."""

    spoken: Sequence[float]
    timely: Sequence[float]
    sections: Sequence[float]
    asks: Sequence[bool]
    timeless: Sequence[bool]

    def shares(self) -> list[float]:
        """Of what a candidate's signals give, how much counts."""
        return [
            (_ASKING_SHARE if asks else 1.0) * (_TIMELESS_SHARE if timeless else 1.0)
            for asks, timeless in zip(self.asks, self.timeless, strict=True)
        ]


def rank(candidates: Candidates, signals: Sequence[Signal], priors: Priors) -> list[Ranked]:
    """Best first."""
    parts: list[dict[str, float]] = [{} for _ in range(len(candidates))]
    for signal in signals:
        _add(parts, signal, priors.spoken)
    shares = priors.shares()
    for given, share in zip(parts, shares, strict=True):
        if share != 1.0:
            given.update({name: share * value for name, value in given.items()})
    totals = [sum(given.values()) for given in parts]  # from here on they are kept beside the parts
    lifts_talks = not any(signal.name == "meaning" for signal in signals)
    if lifts_talks:
        _add_sittings(candidates, parts, totals, shares)
    most = max(totals, default=0.0) or 1.0
    _add_to_some(parts, totals, "date", [_PERIOD_SHARE * value * most for value in priors.timely])
    _add_to_some(parts, totals, "summary", [_SECTION_SHARE * value for value in priors.sections])
    if lifts_talks:
        _take_turns(candidates, parts, totals)
    order = sorted(range(len(parts)), key=lambda at: (totals[at], at), reverse=True)
    return [Ranked(at, totals[at], parts[at]) for at in order if parts[at]]


def _add(parts: list[dict[str, float]], signal: Signal, spoken: Sequence[float]) -> None:
    lifted = [value * signal.factor * whose for value, whose in zip(signal.values, spoken, strict=True)]
    most = max((value + more for value, more in zip(signal.values, lifted, strict=True)), default=0.0)
    if most <= 0:
        return
    for given, value, more in zip(parts, signal.values, lifted, strict=True):
        if value > 0:
            given[signal.name] = signal.share * value / most
        if more > 0:
            given["speaker"] = given.get("speaker", 0.0) + signal.share * more / most


def _add_to_some(parts: list[dict[str, float]], totals: list[float], name: str, values: Sequence[float]) -> None:
    """To those that have any of it."""
    for at, value in enumerate(values if any(values) else ()):
        if value:
            parts[at][name] = value
            totals[at] += value


def _add_sittings(
    candidates: Candidates, parts: list[dict[str, float]], totals: list[float], shares: Sequence[float]
) -> None:
    """A talk in which something fits well lifts the rest of it."""
    for sitting in candidates.sittings:
        best = max([totals[at] for at in sitting])
        if best > 0:
            for at in sitting:
                lift = parts[at]["session"] = _SITTING_SHARE * best * shares[at]
                totals[at] += lift


def _take_turns(candidates: Candidates, parts: list[dict[str, float]], totals: list[float]) -> None:
    """The first of each talk keep what they have; the second loses a little, the third twice that, and so on."""
    most = max(totals, default=0.0)
    for talk in candidates.talks:
        found = sorted((at for at in talk if totals[at] > 0), key=lambda at: (-totals[at], -at))
        for number, at in enumerate(found[1:], 1):
            parts[at]["session"] = parts[at].get("session", 0.0) - _REPEAT_SHARE * most * min(number, _MOST_REPEATS)
            totals[at] = sum(parts[at].values())
