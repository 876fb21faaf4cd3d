"""Vectors in memory: an owner's, compared with a question's by numpy. Loaded only where something makes vectors.

They are kept as signed bytes and compared by direction: up to a hundred thousand one by one. Of more, those whose
signs agree best (`signs.py`). Nothing is computed by several threads: on a busy server one would wait for another.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.signs import Signs
from quarterdeck.store.database import AnyConnection
from quarterdeck.store.pgvector import find_near, is_ready, read_first, read_some
from quarterdeck.store.vectors import VectorRow, count_vectors, read_vectors

_MOST_BYTES = 256 << 20  # of all owners together; who has not asked for the longest time is read again
_EXACT = 100_000  # vectors that are compared one by one
_RESCORED, _RESCORED_SHARE = 20_000, 16  # of more: so many by their signs, and at least one in sixteen
_SPARE = 50  # of the nearest that the database gives: it compares with the query as `halfvec`
_TOLD_FROM, _TOLD_BY = 64, 128  # vectors: so many tell what is usual, and no more are asked
_READ_AT_ONCE = 500
_KEY_BYTES = 200  # a key with its place
_OVERLAP_MS = 60_000  # clocks of several processes differ; what was made so lately is read once more
_COUNT_EVERY_MS = 60_000  # what was removed is still there, and finds nothing, until they are counted


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
        self.lock = Lock()  # whoever reads more of them holds it
        self.read_at = self.counted_at = 0
        self._at: dict[str, int] = {}
        self._bytes = np.zeros((0, 0), dtype=np.int8)  # more rows than there are keys: room to grow
        self._norms = np.zeros(0, dtype=np.float32)
        self._signs: Signs | None = None

    @property
    def size(self) -> int:
        signs = 0 if self._signs is None else self._signs.nbytes
        return int(self._bytes.nbytes + self._norms.nbytes) + signs + _KEY_BYTES * len(self.keys)

    def add(self, rows: Iterable[VectorRow]) -> None:
        """A key that is known has another vector now. Those of another width are left out."""
        new = {row.key_id: row.vector for row in rows if row.vector}
        width = self._bytes.shape[1] or len(next(iter(new.values()), b""))
        new = {key: vector for key, vector in new.items() if len(vector) == width}
        if not new:
            return
        fresh = [key for key in new if key not in self._at]
        self._make_room(len(self.keys) + len(fresh), width)
        for place, key in enumerate(fresh, len(self.keys)):
            self._at[key] = place
        places = np.fromiter((self._at[key] for key in new), dtype=np.int64, count=len(new))
        some = np.frombuffer(b"".join(new.values()), dtype=np.int8).reshape(len(new), width)
        norms = np.maximum(np.sqrt(np.einsum("ij,ij->i", some, some, dtype=np.float32, casting="unsafe")), 1.0)
        self._bytes[places], self._norms[places] = some, norms
        if self._signs is not None:
            self._signs.put(places, some, norms)
        self.keys += fresh  # last: who looks for something meanwhile sees only what is whole

    def _make_room(self, count: int, width: int) -> None:
        capacity = len(self._bytes)
        if count <= capacity:
            return
        more = max(count, capacity + capacity // 2) - capacity
        self._bytes = np.concatenate([self._bytes.reshape(-1, width), np.zeros((more, width), dtype=np.int8)])
        self._norms = np.concatenate([self._norms, np.ones(more, dtype=np.float32)])
        self._signs = None  # made anew, around where the middle is by now, when somebody asks

    def find(self, query: Sequence[float], most: int) -> dict[str, float]:
        """The nearest, best first, by key: the cosine of the angle."""
        count = len(self.keys)
        if not count or len(query) != self._bytes.shape[1]:
            return {}
        wanted = _unit(query)
        if count <= _EXACT:
            return self._best(np.arange(count), _multiply(self._bytes[:count], wanted) / self._norms[:count], most)
        rescored = max(_RESCORED, count // _RESCORED_SHARE)
        chosen = self._with_signs(count).nearest(wanted, count, rescored)
        return self._best(chosen, _multiply(self._bytes[chosen], wanted) / self._norms[chosen], most)

    def usual(self, query: Sequence[float]) -> float | None:
        """The cosine with most of them: the median, of some that are spread over all. None where too few could tell."""
        count = len(self.keys)
        if count < _TOLD_FROM or len(query) != self._bytes.shape[1]:
            return None
        some = np.linspace(0, count - 1, min(count, _TOLD_BY)).astype(np.int64)
        return float(np.median(_multiply(self._bytes[some], _unit(query)) / self._norms[some]))

    def _best(self, places: np.ndarray, scores: np.ndarray, most: int) -> dict[str, float]:
        if len(scores) > most:
            some = np.argpartition(-scores, most)[:most]
            places, scores = places[some], scores[some]
        return {self.keys[int(places[at])]: float(scores[at]) for at in np.argsort(-scores, kind="stable")}

    def _with_signs(self, count: int) -> Signs:
        with self.lock:
            if self._signs is None:
                weights = 1 / (self._norms[:count] * count)
                middle = np.einsum("ij,i->j", self._bytes[:count], weights, dtype=np.float32, casting="unsafe")
                signs = Signs(middle, len(self._bytes))
                for start in range(0, len(self.keys), _RESCORED):
                    some = slice(start, start + _RESCORED)
                    signs.put(some, self._bytes[some], self._norms[some])
                self._signs = signs
            return self._signs

    def scores_of(self, query: Sequence[float], keys: Sequence[str]) -> list[float]:
        """The cosine with each of these; 0.0 for what has no vector."""
        places = [self._at.get(key, -1) for key in keys]
        known = [place for place in places if place >= 0]
        if not known or len(query) != self._bytes.shape[1]:
            return [0.0] * len(keys)
        scores = (_multiply(self._bytes[known], _unit(query)) / self._norms[known]).tolist()
        if len(known) == len(places):
            return list(scores)
        given = iter(scores)
        return [next(given) if place >= 0 else 0.0 for place in places]


class OnServer:
    """One owner's of one model that PostgreSQL compares (`pgvector.py`): what bears on one query is read.

    The nearest are put in order here, so that it is the same order and the same figures as everywhere.
    """

    def __init__(self, connection: AnyConnection, owner: str, model: str) -> None:
        self._connection = connection
        self._owner = owner
        self._model = model
        self._read = Vectors()
        self._known: set[str] = set()

    def find(self, query: Sequence[float], most: int) -> dict[str, float]:
        """As `Vectors.find`."""
        if not any(query):
            return {}
        near = find_near(self._connection, self._owner, self._model, query, most + _SPARE)
        self._keep(near)
        nearest = Vectors()
        nearest.add(near)
        return nearest.find(query, most)

    def usual(self, query: Sequence[float]) -> float | None:
        """As `Vectors.usual`, of those that were made first."""
        first = Vectors()
        first.add(read_first(self._connection, self._owner, self._model, _TOLD_BY))
        return first.usual(query)

    def scores_of(self, query: Sequence[float], keys: Sequence[str]) -> list[float]:
        """As `Vectors.scores_of`."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._known]
        for start in range(0, len(missing), _READ_AT_ONCE):
            some = missing[start : start + _READ_AT_ONCE]
            self._keep(read_some(self._connection, self._owner, self._model, some))
        self._known.update(missing)
        return self._read.scores_of(query, keys)

    def _keep(self, rows: Sequence[VectorRow]) -> None:
        self._known.update(row.key_id for row in rows)
        self._read.add(rows)


class Shelf:
    """Owners' vectors that were asked for lately. Several threads may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
        self._lock = Lock()

    def of(self, connection: AnyConnection, owner: str, model: str) -> Vectors | OnServer:
        """With everything that was made until now."""
        return OnServer(connection, owner, model) if is_ready(connection) else self.read(connection, owner, model)

    def read(self, connection: AnyConnection, owner: str, model: str) -> Vectors:
        """Those that are compared here."""
        kept = self._take(owner, model)
        with kept.lock:
            now = now_ms()
            since = kept.read_at - _OVERLAP_MS if kept.read_at <= now else 0  # the clock was set back: all once more
            for rows in read_vectors(connection, owner, model, since):
                kept.add(rows)
            kept.read_at = now
            is_counted = kept.counted_at > now - _COUNT_EVERY_MS
            kept.counted_at = kept.counted_at if is_counted else now
        if not is_counted and count_vectors(connection, owner, model) < len(kept.keys):
            self._put_away(owner, model)
            return self.read(connection, owner, model)
        self._keep_within()
        return kept

    def _take(self, owner: str, model: str) -> Vectors:
        with self._lock:
            kept = self._kept.setdefault((owner, model), Vectors())
            self._kept.move_to_end((owner, model))
            return kept

    def _put_away(self, owner: str, model: str) -> None:
        with self._lock:
            self._kept.pop((owner, model), None)

    def _keep_within(self) -> None:
        with self._lock:
            while len(self._kept) > 1 and sum(one.size for one in self._kept.values()) > _MOST_BYTES:
                self._kept.popitem(last=False)


def _unit(query: Sequence[float]) -> np.ndarray:
    wanted = np.asarray(query, dtype=np.float32)
    return np.asarray(wanted / max(float(np.linalg.norm(wanted)), 1e-9), dtype=np.float32)


def _multiply(some: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Each row with the vector. By `einsum`, which makes no copy of all of them as `float32`, as `@` would need."""
    made: np.ndarray = np.einsum("ij,j->i", some, wanted, dtype=np.float32, casting="unsafe")
    return made
