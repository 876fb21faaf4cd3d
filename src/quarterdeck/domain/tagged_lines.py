"""Lines of the tagged format: what one begins with, and how those of a block scalar are joined."""

from __future__ import annotations

import re
from typing import Literal

Sight = Literal["idea", "message", "fence", "text", "more"]
"""What stands at the start of a line; "more": that depends on text that is not here yet."""

LONGEST_BLANK = 4096  # characters; of a longer run of blanks no more is held back

_TAG = re.compile(r"(idea|message)[ \t]{0,8}:(?=[ \t\r\n\"']|\Z)")
_PARTIAL_TAG = re.compile(r"(?:i(?:de?)?|idea[ \t]{0,8}|m(?:e(?:s(?:s(?:ag?)?)?)?)?|message[ \t]{0,8})\Z")
_FENCE = re.compile(r"```[ \t]*(?:\n|\Z)")
_PARTIAL_FENCE = re.compile(r"`{1,2}\Z|```[ \t]*\Z")
_FENCE_THEN_BLANK = re.compile(r"```[ \t]*\n[ \t\n]*\Z")
_HEADER = re.compile(r"([|>])(?:([-+])([1-9])?|([1-9])([-+])?)?[ \t]*(?:\n|\Z)")
_BLANK = re.compile(r"[ \t\n]*")


def end_of_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def see_tag(text: str, at: int, is_final: bool) -> Sight:
    match = _TAG.match(text, at)
    if match is None:
        return "more" if not is_final and _PARTIAL_TAG.match(text, at) else "text"
    if match.end() == len(text) and not is_final:
        return "more"
    return "idea" if match[1] == "idea" else "message"


def end_of_tag(text: str, at: int) -> int:
    """Behind the colon of the tag that `see_tag` has seen."""
    return text.index(":", at) + 1


def see_fence(text: str, at: int, is_final: bool, must_be_last: bool) -> Sight:
    """Whether the code fence ends here; with `must_be_last` only if nothing but blanks follows."""
    if not is_final and _PARTIAL_FENCE.match(text, at):
        return "more"
    if not _FENCE.match(text, at):
        return "text"
    if not must_be_last:
        return "fence"
    if is_final:
        return "text" if text[at + 3 :].strip(" \t\n") else "fence"
    may_be_last = len(text) - at < LONGEST_BLANK and _FENCE_THEN_BLANK.match(text, at)
    return "more" if may_be_last else "text"


def end_of_fence(text: str, at: int) -> int:
    match = _FENCE.match(text, at)
    return match.end() if match else at


def see_header(text: str, at: int, is_final: bool) -> re.Match[str] | Literal["more"] | None:
    """The header of a block scalar, None where `|` or `>` begins a text."""
    header = _HEADER.match(text, at)
    if header and header.end() == len(text) and text[-1] != "\n" and not is_final:
        return "more"
    return header


class BlockLines:
    """The lines of a `|` or `>` scalar, whose tag stands `base` blanks deep."""

    def __init__(self, header: re.Match[str], base: int) -> None:
        style, chomp, width, width_first, chomp_last = header.groups(default="")
        self._base = base
        self._is_folded = style == ">"
        self._keeps_end = (chomp or chomp_last) == "+"
        self._indent = base + int(width or width_first) if width or width_first else None
        self._is_first = True
        self._was_indented = False

    def is_left_by(self, indent: int) -> bool:
        """Whether a line `indent` blanks deep is outside."""
        return self._indent is not None and indent <= self._base < self._indent

    def join(self, breaks: int, blank: str) -> str:
        """What stands before the next line's text, which comes after `breaks` line breaks and `blank`."""
        spaces = len(blank) - len(blank.lstrip(" "))
        if self._indent is None:
            self._indent = spaces
        extra = blank[min(spaces, self._indent) :]
        is_folded_here = self._is_folded and not (extra or self._was_indented or self._is_first)
        self._is_first, self._was_indented = False, bool(extra)
        if is_folded_here:
            return " " if breaks == 1 else "\n" * (breaks - 1)
        return "\n" * breaks + extra

    def end(self, breaks: int) -> str:
        """What the line breaks at the end add to the text."""
        return "\n" * breaks if self._keeps_end else ""
