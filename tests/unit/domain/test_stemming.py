"""Stems are right whoever else looks for one at the same time: the index and those who search are in many threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from quarterdeck.domain.stemming import stem_word

ROOTS = ["".join(letters) for letters in product("bdlmnrst", "aeiou", "bdlmnrst", "aeiou", "lmnrst")]
ENDINGS = {"porter": ("izations", "fulness", "ational"), "german": ("ungen", "heiten", "lichkeit")}


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("algorithm", ENDINGS)
@pytest.mark.usefixtures("impatient_threads")
def test_threads_that_stem_at_once_do_not_mix_their_words(algorithm: str) -> None:
    words = [root + ending for root in ROOTS[:400] for ending in ENDINGS[algorithm]]

    def stem_all(_: int) -> list[str]:
        return [stem_word(algorithm, word) for word in words]

    expected = stem_all(0)
    with ThreadPoolExecutor(4) as threads:
        assert all(found == expected for found in threads.map(stem_all, range(4)))
