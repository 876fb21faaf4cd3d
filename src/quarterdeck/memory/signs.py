"""Very many vectors, looked through by their signs: a bit for each dimension, on which side of their middle it is.

Vectors of sentences all point somewhat the same way; seen from where they are on average, their signs tell them apart.
"""

from __future__ import annotations

import numpy as np

_WORD_BITS = 64


class Signs:
    """Of vectors by their places, from 0. The middle stays what it was when this was made."""

    def __init__(self, middle: np.ndarray, capacity: int) -> None:
        """`middle`: the mean of the unit vectors, `float32[dimensions]`."""
        self._middle = middle
        self._words = np.zeros((-(-len(middle) // _WORD_BITS), capacity), dtype=np.uint64)

    @property
    def nbytes(self) -> int:
        return int(self._words.nbytes)

    def put(self, places: np.ndarray | slice, some: np.ndarray, norms: np.ndarray) -> None:
        """`some`: `int8[count, dimensions]`, whose lengths are `norms`."""
        self._words[:, places] = self._pack(some > self._middle * norms[:, None])

    def nearest(self, wanted: np.ndarray, count: int, most: int) -> np.ndarray:
        """Places of the first `count` whose signs differ the least from those of a unit vector: `most` and some more
        that differ just as little. In the order of places.
        """
        signs = self._pack((wanted > self._middle)[None, :])[:, 0]
        differing = np.zeros(count, dtype=np.uint16)
        for word, sign in zip(self._words, signs, strict=True):  # a word of all vectors stands together: that is quick
            differing += np.bitwise_count(word[:count] ^ sign)
        bound = int(np.searchsorted(np.bincount(differing).cumsum(), most))
        return np.flatnonzero(differing <= bound)

    def _pack(self, is_above: np.ndarray) -> np.ndarray:
        """`uint64[words, count]`."""
        bits = np.zeros((len(is_above), len(self._words) * _WORD_BITS), dtype=bool)
        bits[:, : is_above.shape[1]] = is_above
        return np.packbits(bits, axis=1).view(np.uint64).T
