"""What is asked of recall, and what of its text can be looked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from quarterdeck.domain.languages import language_of
from quarterdeck.domain.words import split_words
from quarterdeck.memory.dates import Period, find_period
from quarterdeck.store.recall_waiting import Waiting


class Query(Struct, frozen=True, kw_only=True):
    """Times are milliseconds; what `text` says of time is resolved against `now` in `zone`.

    `speaker`: "user", "assistant" or a name. `conversation`: where it is asked; `not_messages` are in the context
    already and not found. `waiting`: what is not in the search index yet, the newest last. `counts_same_once`: the
    limit is of different texts (`Recalled.gist`), and what says the same as another is given beside it.
    """

    owner: str
    text: str
    now: int
    zone: str = ""
    before: int | None = None
    after: int | None = None
    speaker: str = ""
    k: int = 10
    conversation: str = ""
    not_messages: frozenset[str] = frozenset()
    waiting: Sequence[Waiting] = ()
    counts_same_once: bool = False


class Wanted:
    """Of a query's text what leads anywhere: words that say something, by the rules of its `language`, and a time.

    `words`: in their order, each with its stem.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self.language = language_of(query.text)
        root = self.language.root
        self.words = [(word.term, stem) for word in split_words(query.text) if (stem := root(word.term))]

    @cached_property
    def period(self) -> Period | None:
        return find_period(self._query.text, self._query.now, self._query.zone)

    @property
    def is_nothing(self) -> bool:
        """As in "And you?": only by its meaning could it find anything."""
        return not self.words and self.period is None
