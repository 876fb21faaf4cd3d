"""Recall at ten: the share of a question's evidence among the first ten turns that were found, and its mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

_AT = 10
_APART = "adversarial"  # questions whose premise is false


def recall_at(found: Sequence[str], evidence: Sequence[str], at: int = _AT) -> float:
    wanted = set(evidence)
    return len(wanted & set(found[:at])) / len(wanted)


def report(data: Mapping[str, Any], found: Mapping[str, Sequence[str]]) -> str:
    """A line for each conversation and category; the last one is of all."""
    shares: dict[str, list[float]] = defaultdict(list)
    for conversation in data["conversations"]:
        for question in conversation["questions"]:
            share = recall_at(found.get(question["qid"], ()), question["evidence"])
            shares[f"category {question['category']}"].append(share)
            if question["category"] != _APART:
                shares[f"conversation {conversation['id']}"].append(share)
                shares["overall"].append(share)
    overall = shares.pop("overall", [])
    lines = [f"{name} R@{_AT} {_mean(values):.3f} (n={len(values)})" for name, values in sorted(shares.items())]
    return "\n".join([*lines, f"overall R@{_AT} {_mean(overall):.3f}"])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
