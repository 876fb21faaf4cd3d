"""Snowball's stemmers. Each thread has its own: a stemmer keeps the word that it is at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module


class _Own(threading.local):
    def __init__(self) -> None:
        self.stemmers: dict[str, Callable[[str], str]] = {}


_own = _Own()


def stem_word(algorithm: str, word: str) -> str:
    """What the forms of a word in small letters have in common, by the rules that Snowball has under that name."""
    stem = _own.stemmers.get(algorithm)
    if stem is None:
        # Loaded when the first word is indexed: it costs a start 13 ms.
        stem = _own.stemmers[algorithm] = import_module("snowballstemmer").stemmer(algorithm).stemWord
    return stem(word)
