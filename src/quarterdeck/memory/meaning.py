"""Vectors in memory: an owner's, searched exactly, by numpy. Loaded only where something makes vectors.

They are kept as signed bytes and compared by direction. Of very many, those whose signs agree best are looked at.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from quarterdeck.store.database import AnyConnection
from quarterdeck.store.vectors import VectorRow, read_vectors

_MOST_BYTES = 256 << 20  # of all owners together; who has not asked for the longest time is read again
_EXACT = 30_000  # vectors that are compared one by one
_RESCORED = 2_000
_OVERLAP_MS = 60_000  # clocks of several processes differ; what was read already is read again


def pack(vector: Sequence[float]) -> bytes:
    """As it is kept: the largest number is 127."""
    values = np.asarray(vector, dtype=np.float32)
    most = float(np.abs(values).max()) if values.size else 0.0
    if not most or not np.isfinite(most):
        return b""
    return bytes(np.rint(values * (127 / most)).astype(np.int8).tobytes())


class Vectors:
    """One owner's of one model; grows as `add` is given more."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.latest = 0
        self._at: dict[str, int] = {}
        self._bytes = np.zeros((0, 0), dtype=np.int8)
        self._norms = np.zeros(0, dtype=np.float32)
        self._signs = np.zeros((0, 0), dtype=np.uint8)

    @property
    def size(self) -> int:
        return int(self._bytes.nbytes + self._signs.nbytes) + 100 * len(self.keys)

    def add(self, rows: Sequence[VectorRow]) -> None:
        rows = [row for row in rows if row.vector]
        if not rows:
            return
        width = self._bytes.shape[1] or len(rows[0].vector)
        rows = [row for row in rows if len(row.vector) == width]
        self.latest = max(self.latest, *(row.made_at for row in rows), 0)
        known = [row for row in rows if row.key_id in self._at]
        fresh = [row for row in rows if row.key_id not in self._at]
        for row in known:
            at = self._at[row.key_id]
            self._bytes[at] = np.frombuffer(row.vector, dtype=np.int8)
            self._norms[at] = max(float(np.linalg.norm(self._bytes[at].astype(np.float32))), 1.0)
        if fresh:
            self._append(fresh, width)

    def _append(self, rows: Sequence[VectorRow], width: int) -> None:
        new = np.frombuffer(b"".join(row.vector for row in rows), dtype=np.int8).reshape(len(rows), width)
        norms = np.linalg.norm(new.astype(np.float32), axis=1)
        self._bytes = np.concatenate([self._bytes.reshape(-1, width), new])
        self._norms = np.concatenate([self._norms, np.maximum(norms, 1.0)])
        for row in rows:
            self._at[row.key_id] = len(self.keys)
            self.keys.append(row.key_id)
        if len(self.keys) > _EXACT:
            self._signs = np.packbits(self._bytes > 0, axis=1)

    def find(self, query: Sequence[float], most: int) -> dict[str, float]:
        """The nearest, by key: the cosine of the angle."""
        if not self.keys or len(query) != self._bytes.shape[1]:
            return {}
        wanted = np.asarray(query, dtype=np.float32)
        wanted = wanted / max(float(np.linalg.norm(wanted)), 1e-9)
        chosen = self._roughly(wanted) if len(self.keys) > _EXACT else None
        some = self._bytes if chosen is None else self._bytes[chosen]
        norms = self._norms if chosen is None else self._norms[chosen]
        scores = (some.astype(np.float32) @ wanted) / norms
        order = np.argsort(-scores)[:most]
        return {self.keys[int(at if chosen is None else chosen[at])]: float(scores[at]) for at in order}

    def _roughly(self, wanted: np.ndarray) -> np.ndarray:
        """Places of those whose signs differ from the query's the least."""
        differing = np.bitwise_count(self._signs ^ np.packbits(wanted > 0)).sum(axis=1, dtype=np.int32)
        return np.argpartition(differing, _RESCORED)[:_RESCORED]

    def scores_of(self, query: Sequence[float], keys: Sequence[str]) -> list[float]:
        """The cosine with each of these; 0.0 for what has no vector."""
        places = [self._at.get(key, -1) for key in keys]
        known = [place for place in places if place >= 0]
        if not known or len(query) != self._bytes.shape[1]:
            return [0.0] * len(keys)
        wanted = np.asarray(query, dtype=np.float32)
        wanted = wanted / max(float(np.linalg.norm(wanted)), 1e-9)
        scores = iter((self._bytes[known].astype(np.float32) @ wanted) / self._norms[known])
        return [float(next(scores)) if place >= 0 else 0.0 for place in places]


class Shelf:
    """Owners' vectors that were asked for lately. Several threads may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
        self._lock = Lock()

    def of(self, connection: AnyConnection, owner: str, model: str) -> Vectors:
        """With everything that was made until now."""
        with self._lock:
            kept = self._kept.setdefault((owner, model), Vectors())
            self._kept.move_to_end((owner, model))
            since = max(kept.latest - _OVERLAP_MS, 0)
            kept.add(read_vectors(connection, owner, model, since))
            while len(self._kept) > 1 and sum(one.size for one in self._kept.values()) > _MOST_BYTES:
                self._kept.popitem(last=False)
            return kept
