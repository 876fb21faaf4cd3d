"""Titles of conversations: one short line, wherever it comes from."""

from __future__ import annotations

import re
import unicodedata

MAX_TITLE_CHARS = 80

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_LABEL = re.compile(r"^(?:title|titel|titre|título|titolo|标题|標題|タイトル|제목)\s*[:：]\s*", re.IGNORECASE)
_AROUND = " \t\"'`*_#>“”„‟‘’‚«»‹›「」『』《》〈〉"


def shorten(text: str) -> str:
    """On one line, cut between words where that is possible."""
    line = " ".join(text.split())
    if len(line) <= MAX_TITLE_CHARS:
        return line
    cut = line[: MAX_TITLE_CHARS - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[MAX_TITLE_CHARS // 2 :] else cut).rstrip() + "…"


def clean_title(reply: str) -> str:
    """What a model that was asked for a title has named: without quotes, marks and whatever it said besides.

    Empty when there is none in it.
    """
    lines = (_bare(line) for line in _THOUGHT.sub("", reply).splitlines())
    return shorten(next((line for line in lines if any(character.isalnum() for character in line)), ""))


def _bare(line: str) -> str:
    shown = "".join(" " if character.isspace() else character for character in line if _is_shown(character))
    title = _LABEL.sub("", shown.strip(_AROUND)).strip(_AROUND)
    return title[:-1] if title.endswith((".", "。")) and not title.endswith("..") else title


def _is_shown(character: str) -> bool:
    """No control characters, and none that turn the direction of what follows."""
    return character == "\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
