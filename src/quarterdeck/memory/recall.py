"""Recall: what was said (or is remembered) that a query is about, found by word, meaning, time and who said it.

Messages as they were said are what is looked in; memories are further keys to them. Nothing here asks a model for a
word. What was said up to a second ago may still wait for the search index (`store.search_queue`): who asks has it
written first, or hands it over, to be looked through as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.words import split_words
from quarterdeck.errors import QuarterdeckError
from quarterdeck.memory.embedding import Embedding
from quarterdeck.memory.finding import Finding, Found, Sense
from quarterdeck.memory.kept import Keeper, Keys
from quarterdeck.memory.query import Query, Wanted
from quarterdeck.memory.ranking import Ranked
from quarterdeck.memory.speakers import Named, as_asked, who_is_meant, words_of_name
from quarterdeck.store.database import Database, ReadConnection
from quarterdeck.store.recall_candidates import CandidateRow, SaidRow, read_said
from quarterdeck.store.recall_find import MemoryKeyRow, find_names
from quarterdeck.store.vectors import find_serving_model

T = TypeVar("T")

logger = get_logger("quarterdeck.memory")

_EMBEDDING_S = 3.0  # longer than that no turn waits for a query's vector
_MOST_MEMORIES = 10


class Recalled(Struct, frozen=True):
    """`messages`: what it resolves to, best first (a message: itself). `signals`: what each gave of the score."""

    kind: Literal["message", "memory", "summary"]
    id: str
    messages: list[str]
    text: str
    at: int
    role: str
    speaker: str
    conversation: str
    title: str
    score: float
    signals: dict[str, float]
    taint: str

    @property
    def gist(self) -> tuple[str, str, str, str]:
        """The same of what the same one has said in the same words, whatever the case, the spaces and the end."""
        return self.kind, self.role, self.speaker, " ".join(self.text.casefold().split()).rstrip(".!?…")


class _Prepared(Struct, frozen=True):
    """Who is meant, and the space that the query's vector must be of."""

    named: Named
    model: str


class _Nothing(Struct, Generic[T], frozen=True):
    """Was to be found; `made` of that."""

    made: T


class Recall:
    """One per process."""

    def __init__(self, database: Database, embedding: Embedding | None = None) -> None:
        self._database = database
        self._embedding = embedding
        self._shelf: Any = None
        self._keeper = Keeper()

    async def find(self, query: Query) -> list[Recalled]:
        """Best first, at most `k` (as the query counts them). Raises: `StorageError`."""
        return await self.look_up(query, lambda _connection, found: found)

    async def look_up(self, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]) -> T:
        """What `read` makes of what `find` would find, in the same state of the database. Raises: `StorageError`."""
        embedding = self._embedding
        if embedding is None or not embedding.model:
            return await self._database.read(lambda connection: self._look_up_by_words(connection, query, read))

        def prepare(connection: ReadConnection) -> _Prepared | _Nothing[T]:
            prepared = self._prepare(connection, query, embedding)
            return _Nothing(read(connection, [])) if prepared is None else prepared

        prepared = await self._database.glance(prepare, query.owner)
        if isinstance(prepared, _Nothing):
            return prepared.made
        named, model = prepared.named, prepared.model
        vector = await self._embed(embedding, as_asked(query.text, named), model)

        def find(connection: ReadConnection) -> T:
            sense = Sense(vector, self._open_shelf().of(connection, query.owner, model)) if vector else None
            keys = self._read_keys(connection, query)
            if keys is None:
                return read(connection, [])
            return read(connection, _find(connection, query, Wanted(query), lambda: named, sense, keys))

        return await self._database.read(find)

    def look_up_in(
        self, connection: ReadConnection, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]
    ) -> T | None:
        """The same within a read that is under way; None where a vector has to be asked for."""
        if self._embedding is not None and self._embedding.model:
            return None
        return self._look_up_by_words(connection, query, read)

    def _look_up_by_words(
        self, connection: ReadConnection, query: Query, read: Callable[[ReadConnection, list[Recalled]], T]
    ) -> T:
        wanted = Wanted(query)
        keys = None if wanted.is_nothing else self._read_keys(connection, query)
        if keys is None:
            return read(connection, [])
        return read(connection, _find(connection, query, wanted, lambda: _find_named(connection, query), None, keys))

    def _read_keys(self, connection: ReadConnection, query: Query) -> Keys | None:
        """None: there is nothing that could be found."""
        return self._keeper.read(connection, query.owner, query.not_messages, has_waiting=bool(query.waiting))

    def _prepare(self, connection: ReadConnection, query: Query, embedding: Embedding) -> _Prepared | None:
        """None where there is nothing to be found."""
        if self._read_keys(connection, query) is None:
            return None
        space = embedding.space(connection)
        serving = find_serving_model(connection, query.owner, space)
        model = serving if embedding.can_serve(serving, space) else space
        return _Prepared(_find_named(connection, query), model)

    def _open_shelf(self) -> Any:
        """numpy is loaded only where something makes vectors."""
        if self._shelf is None:
            self._shelf = import_module("quarterdeck.memory.meaning").Shelf()
        return self._shelf

    async def _embed(self, embedding: Embedding, text: str, model: str) -> list[float]:
        """Empty: it is found by words alone."""
        if not text.strip():
            return []
        try:
            async with asyncio.timeout(_EMBEDDING_S):
                return await embedding.embed_query(text, model)
        except (QuarterdeckError, TimeoutError) as error:
            logger.warning("query_not_embedded", model=model, reason=str(error) or "it took too long")
            return []


def _find_named(connection: ReadConnection, query: Query) -> Named:
    words = {word.term for word in split_words(query.text)}
    return who_is_meant(query.text, find_names(connection, query.owner, words))


def _find(
    connection: ReadConnection,
    query: Query,
    wanted: Wanted,
    find_named: Callable[[], Named],
    sense: Sense | None,
    keys: Keys,
) -> list[Recalled]:
    return _recalled(connection, query, Finding(connection, query, wanted, find_named, sense, keys).find())


def _recalled(connection: ReadConnection, query: Query, found: Found) -> list[Recalled]:
    """Messages in their order; a memory stands before the first message that it came from."""
    keys = [(key, signals) for key, signals in found.keys[:_MOST_MEMORIES] if _fits(key, query)]
    places = {found.rows[one.at].message_id: one for one in found.ranked} if keys else {}
    sources = {key.id: _best_of(key, places) for key, _ in keys}
    said = _Said(connection, query.owner, [found.rows[one.at].message_id for one in sources.values() if one])
    messages = _messages(query, found, said)
    known = [_memory(key, signals, found, sources[key.id], said) for key, signals in keys]
    merged = [*known, *messages]
    return _limited(query, sorted(merged, key=lambda one: (-one.score, one.kind == "message")))


def _limited(query: Query, found: list[Recalled]) -> list[Recalled]:
    if not query.counts_same_once:
        return found[: query.k]
    gists = set(islice(dict.fromkeys(one.gist for one in found), query.k))
    return [one for one in found if one.gist in gists]


def _count(query: Query, found: list[Recalled]) -> int:
    return len({one.gist for one in found}) if query.counts_same_once else len(found)


class _Said:
    """Messages that were found, read as they are needed; `first`: with the first of them."""

    def __init__(self, connection: ReadConnection, owner: str, first: Sequence[str]) -> None:
        self._connection = connection
        self._owner = owner
        self._waiting = list(first)
        self._read: dict[str, SaidRow | None] = {}

    def get(self, ids: Sequence[str]) -> list[SaidRow | None]:
        """None: it is gone."""
        missing = {one for one in (*ids, *self._waiting) if one not in self._read}
        self._waiting = []
        if missing:
            self._read |= dict.fromkeys(missing) | read_said(self._connection, self._owner, missing)
        return [self._read[one] for one in ids]


def _messages(query: Query, found: Found, said: _Said) -> list[Recalled]:
    """The best that are wanted."""
    rows, made = found.rows, list[Recalled]()
    left = (one for one in found.ranked if _may_be_wanted(rows[one.at], query))
    while _count(query, made) < query.k and (some := list(islice(left, max(query.k, len(made))))):
        read = said.get([rows[one.at].message_id for one in some])
        made += [_message(row, one) for row, one in zip(read, some, strict=True) if row and _is_wanted(row, query)]
    return _limited(query, made)


def _may_be_wanted(row: CandidateRow, query: Query) -> bool:
    """As far as it is known before the message is read. What stands beside a message of the time that was asked for
    may be of another; it only was its context."""
    if row.message_id in query.not_messages:
        return False
    if query.speaker and query.speaker.casefold() != row.role and words_of_name(query.speaker) != row.names:
        return False
    return _is_within(row.created_at, query)


def _is_wanted(row: SaidRow, query: Query) -> bool:
    is_by = not query.speaker or query.speaker.casefold() in (row.role, row.speaker.casefold())
    return is_by and _is_within(row.created_at, query)


def _fits(key: MemoryKeyRow, query: Query) -> bool:
    """A memory is the user's own, and was said when its source was."""
    return query.speaker.casefold() in ("", "user") and _is_within(key.said_at, query)


def _is_within(at: int, query: Query) -> bool:
    return (query.after is None or at >= query.after) and (query.before is None or at < query.before)


def _message(row: SaidRow, ranked: Ranked) -> Recalled:
    return Recalled(
        kind="message", id=row.id, messages=[row.id], text=row.text, at=row.created_at, role=row.role,
        speaker=row.speaker, conversation=row.conversation_id, title=row.title, score=ranked.score,
        signals=_rounded(ranked.signals), taint=row.taint,
    )  # fmt: skip


def _best_of(key: MemoryKeyRow, places: Mapping[str, Ranked]) -> Ranked | None:
    """The message that a memory came from and that fits best."""
    return max((places[one] for one in key.sources if one in places), key=lambda one: one.score, default=None)


def _memory(key: MemoryKeyRow, signals: dict[str, float], found: Found, best: Ranked | None, said: _Said) -> Recalled:
    """Its place is that of the best of its messages: how well it fits among memories says nothing among messages. Only
    one that came from none has its own."""
    first = None if best is None else found.rows[best.at].message_id
    source = None if first is None else said.get([first])[0]
    score = sum(signals.values()) if best is None else best.score
    if key.pinned_at is not None:
        signals = {**signals, "pinned": 0.1}
    order = sorted(key.sources, key=lambda one: first is None or one != first)
    return Recalled(
        kind="memory", id=key.id, messages=order, text=key.text, at=key.said_at, role="user",
        speaker="" if source is None else source.speaker, conversation="" if source is None else source.conversation_id,
        title="" if source is None else source.title, score=score, signals=_rounded(signals), taint=key.taint,
    )  # fmt: skip


def _rounded(signals: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in signals.items()}
