"""The characters of text without spaces between its words, spelled in one way however they were typed.

Keyboards, file names and old machines write one character as several: a Korean syllable as its letters, a Japanese
one and its voicing mark, half as wide or not; a Thai vowel in its two halves; marks in any order. And they put in what
is not seen: where a line may be broken, which form of a character is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

VOICING = "\u3099\u309a"
"""Stand behind a Japanese syllable, as letters do, but are none."""
UNSEEN = "\u200b\u2060\ufe00-\ufe0d\U000e0100-\U000e01ef"
"""Where a line may be broken or not, and variants of Chinese characters."""

_FIRST, _MIDDLE_AND_LAST = "\u1100-\u115f\ua960-\ua97c", "\u1160-\u11ff\ud7b0-\ud7fb"
JAMO = _FIRST + _MIDDLE_AND_LAST
"""Letters of Korean syllables."""
_SYLLABLE = f"[{_FIRST}]*[가-힣{_MIDDLE_AND_LAST}][{_MIDDLE_AND_LAST}]*"

_THAI_TONE, _LAO_TONE = "[\u0e48-\u0e4b]", "[\u0ec8-\u0ecb]"
_AM = f"\u0e4d{_THAI_TONE}?\u0e32|\u0ecd{_LAO_TONE}?\u0eb2"  # one vowel in two halves, a tone between them or before
_HALVES = re.compile(f"[\u0e4d\u0ecd]({_THAI_TONE}|{_LAO_TONE})?([\u0e32\u0eb2])")
# Behind a character: what is composed with it, or has another place behind it.
_MARKS = f"{VOICING}ﾞﾟ\u0e38-\u0e3a\u0e48-\u0e4b\u0eb8-\u0eba\u0ec8-\u0ecb\u102e\u1037\u1039\u103a\u17d2{UNSEEN}"
_TOGETHER = re.compile(f"{_SYLLABLE}|{_AM}|.[{_MARKS}]*", re.DOTALL)
_UNSEEN = re.compile(f"[{UNSEEN}]")
_SPELLED_OTHERWISE = re.compile(f"[ﾞﾟ\u0e4d\u0ecdໜໝゟヿ{UNSEEN}]")


def compose(run: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """Its characters, and where in `run` each of them begins and ends."""
    if unicodedata.is_normalized("NFC", run) and _SPELLED_OTHERWISE.search(run) is None:
        return run, range(len(run)), range(1, len(run) + 1)
    spelled: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for typed in _TOGETHER.finditer(run):
        start, end = typed.span()
        characters = _spell(typed.group())
        is_same = characters == typed.group()
        spelled.append(characters)
        starts += range(start, end) if is_same else [start] * len(characters)
        ends += range(start + 1, end + 1) if is_same else [end] * len(characters)
    return "".join(spelled), starts, ends


def _spell(typed: str) -> str:
    spelled = unicodedata.normalize("NFKC", _UNSEEN.sub("", typed))
    # The halves of this vowel have no composed form there, and count as the one character that is on the keyboard.
    return _HALVES.sub(lambda halves: (halves[1] or "") + chr(ord(halves[2]) + 1), spelled)
