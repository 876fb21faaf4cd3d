"""Figures as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` (0 to 1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and the least and greatest when there are several."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def fill(page: Path, name: str, text: str) -> None:
    """`text` between the comments `figures: name` and `end`. Raises: `ValueError` when the page has no such place."""
    before, mark, rest = page.read_text().partition(f"<!-- figures: {name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not mark or not end:
        raise ValueError(f"{page} has no place for the figures of {name}")
    page.write_text(f"{before}{mark}{text}\n{end}{after}")
