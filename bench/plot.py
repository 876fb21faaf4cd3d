"""Figures as one SVG picture: a panel of bars for each chart, the least and the greatest value as a line across."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from bench.tables import median

_WIDTH = 720
_NAMES = 270  # where the bars begin
_LONGEST = 300
_ROW = 26
_BAR = 16
_HEAD = 34
_GAP = 18
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}"
    ".title{font-weight:600}"
    ".bar{fill:#8c959f}.ours{fill:#0969da}"
    ".range{stroke:#d1242f;stroke-width:2}"
)  # greys and colours that can be read on white and on black


class Chart(Struct, frozen=True):
    """`bars`: values of each by its name, one or several runs; the first one is ours. Less is better."""

    title: str
    unit: str
    bars: dict[str, list[float]]
    digits: int = 0


class Figures(Struct, frozen=True):
    """What a section has measured, to read and to look at."""

    text: str
    charts: tuple[Chart, ...] = ()


def draw(charts: Sequence[Chart], caption: str) -> str:
    """`caption` says when and where, under the last panel."""
    parts, top = list[str](), 0
    for chart in charts:
        parts.append(_text(0, top + 20, chart.title, "title"))
        top += _HEAD
        longest = max(max(values) for values in chart.bars.values()) or 1.0
        for number, (name, values) in enumerate(chart.bars.items()):
            parts.append(_bar(top, name, values, _LONGEST / longest, chart, is_ours=number == 0))
            top += _ROW
        top += _GAP
    parts.append(_text(0, top + 10, caption, ""))
    height = top + 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
    )
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _bar(top: int, name: str, values: list[float], scale: float, chart: Chart, *, is_ours: bool) -> str:
    middle, least, most = median(values), min(values), max(values)
    y = top + _BAR // 2
    parts = [
        _text(0, top + 13, name, ""),
        f'<rect class="bar{" ours" if is_ours else ""}" x="{_NAMES}" y="{top}"'
        f' width="{middle * scale:.1f}" height="{_BAR}"/>',
        _text(_NAMES + most * scale + 8, top + 13, f"{middle:.{chart.digits}f} {chart.unit}", ""),
    ]
    if most > least:
        x = [_NAMES + value * scale for value in (least, most)]
        parts.append(f'<line class="range" x1="{x[0]:.1f}" x2="{x[1]:.1f}" y1="{y}" y2="{y}"/>')
    return "\n".join(parts)


def _text(x: float, y: int, words: str, kind: str) -> str:
    given = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y}"{given}>{escape(words)}</text>'
