"""Words as they are searched for: one way of cutting text and one spelling of each word, on every database.

A word is folded: compatibility forms, case and diacritics are gone (`Straße`, `STRASSE` and `strasse` are one), and so
is what is not seen (a hyphen that a line may be broken at). Where a script puts no spaces between words (Chinese,
Japanese, Korean particles, Thai, …) each pair of neighbouring characters is a word, however they were typed
(`composing`), and the last character of a run once more by itself, so that any part of it can be found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from operator import add

from msgspec import Struct

from quarterdeck.domain.composing import JAMO, UNSEEN, VOICING, compose
from quarterdeck.domain.stemming import stem_word

MAX_WORD_CHARS = 64  # of a longer one (base64, a hash) only the beginning is kept
STEM_MARK = "≈"
"""Stands before a stem in the index: no word begins with it."""

_UNSPACED = (
    "⺀-⿕々-〇ぁ-ゖゝ-ゟァ-ヺー-ヿㄅ-ㄯㄱ-ㆎㆠ-ㆿㇰ-ㇿ㐀-䶿一-鿿가-힣豈-﫿ｦ-ﾟ"
    "\U00020000-\U000323af"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
    f"{JAMO}"
)
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
    "\u0f35\u0f37\u0f39\u0f71-\u0f84\u0f86\u0f87\u0f8d-\u0fbc"  # Tibetan
)
_KILLERS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"  # no vowel; what joins follows, or does not
_APOSTROPHES = "\u02bb\u02bc"  # letters in the standard, but many keyboards have another sign, which is none
_LETTER = rf"(?![{_UNSPACED}{_APOSTROPHES}])[^\W_]|[{_MARKS}]"
_RUN = re.compile(
    rf"([{_UNSPACED}][{_UNSPACED}{VOICING}{UNSEEN}]*)"
    rf"|((?:{_LETTER})(?:{_LETTER}|[\u00ad\u2060]|(?<=[{_KILLERS}])[\u200c\u200d])*)"
)
_ASCII_RUN = re.compile("[a-z0-9]+")  # what `_RUN` finds in text of this kind, once it is in small letters
_OPTIONAL = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0640\u064b-\u065f\u0670]"
)  # diacritics, vowel points, and the stroke that makes an Arabic word longer
_ASIDE = re.compile(rf"[^\w{_MARKS}]|_")
_VOWELLESS = str.maketrans(
    {"ৎ": "ত্", "ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്"}
)  # of Bengali and Malayalam: were typed as two before they had a sign of their own
_LATIN = re.compile(r"[a-z]{3,}")


class Word(Struct, frozen=True):
    """`term` is the folded word; `start` and `end` are where it stands in the text, in characters.

    `is_tail`: the last character of a run without spaces, once more. `middle`: where the first one of a pair ends.
    """

    term: str
    start: int
    end: int
    is_tail: bool = False
    middle: int = 0


def split_words(text: str) -> Iterator[Word]:
    """In the order of the text."""
    for run in _RUN.finditer(text):
        if run.group(1) is None:
            if term := fold(run.group(2)):
                yield Word(term, run.start(), run.end())
        else:
            yield from _pairs(run.group(1), run.start())


def count_words(text: str) -> int:
    """As people count them, or two characters a word where a script puts no spaces between words."""
    return sum(1 if run.group(1) is None else -(-len(compose(run.group(1))[0]) // 2) for run in _RUN.finditer(text))


def _pairs(run: str, start: int) -> Iterator[Word]:
    spelled, starts, ends = compose(run)
    *pairs, tail = _pair_terms(spelled)
    for at, term in enumerate(pairs):
        yield Word(term, start + starts[at], start + ends[at + 1], False, start + ends[at])
    yield Word(tail, start + starts[-1], start + ends[-1], True)


def _pair_terms(spelled: str) -> list[str]:
    """Of each two neighbours, and of the last character; half-width and compatibility forms as the usual ones."""
    terms = [*map(add, spelled, spelled[1:]), spelled[-1]]
    if unicodedata.is_normalized("NFKC", spelled):
        return terms
    return [unicodedata.normalize("NFKC", term) for term in terms]


@lru_cache(65_536)
def fold(word: str) -> str:
    """A word's one spelling; empty when nothing of it can be searched for."""
    if word.isascii():
        return word[:MAX_WORD_CHARS].lower()
    bare = _OPTIONAL.sub("", unicodedata.normalize("NFKD", word)).casefold()
    return _ASIDE.sub("", unicodedata.normalize("NFC", bare)).translate(_VOWELLESS)[:MAX_WORD_CHARS]


@lru_cache(65_536)
def stem(term: str) -> str:
    """What the forms of an English word have in common (Porter); any other word is its own stem."""
    return stem_word("porter", term) if _LATIN.fullmatch(term) else term


def cut_words(text: str) -> list[str]:
    """Terms of `split_words`. Most of what is written is ASCII, or but for some words of it, and then this is quick."""
    terms: list[str] = []
    for line in text.splitlines():
        for piece in (line,) if line.isascii() else line.split():
            if piece.isascii():
                terms += [term[:MAX_WORD_CHARS] for term in _ASCII_RUN.findall(piece.lower())]
            else:
                terms += _terms_of(piece)
    return terms


def _terms_of(piece: str) -> Iterator[str]:
    for run in _RUN.finditer(piece):
        if run.group(1) is not None:
            yield from _pair_terms(compose(run.group(1))[0])
        elif term := fold(run.group(2)):
            yield term
