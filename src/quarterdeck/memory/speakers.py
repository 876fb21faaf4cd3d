"""Whom a query means, and who is "I" and "you" in a sentence.

A message says "I" where a question about it says a name. So that the two mean the same to a sentence model, the name
of whoever speaks is "I" in both, and a name of somebody they speak to is "you".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from msgspec import Struct

from quarterdeck.domain.languages import language_of
from quarterdeck.domain.words import Word, split_words, stem
from quarterdeck.store.recall_candidates import CandidateRow

_WITHIN_NAME = re.compile(r"[\s.-]+")


class Named(Struct, frozen=True):
    """`meant`: folded words of the one name (or the role) that a query is about, `phrase`: the name as it stands there;
    `terms`: the stems of all names in it, by which nothing is looked for: people seldom say their own."""

    meant: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()
    phrase: str = ""


def words_of_name(name: str) -> frozenset[str]:
    return frozenset(word.term for word in split_words(name))


def who_is_meant(text: str, names: Collection[str]) -> Named:
    """`names`: folded words of the query that are in speakers' names. Of several, nobody is meant more than others.

    Words of names that stand side by side are one name: "Anna Maria".
    """
    terms = frozenset(stem(name) for name in names)
    if names:
        found = _find_names(text, names)
        return found[0] if len({named.meant for named in found}) == 1 else Named(frozenset(), terms)
    said = {word.term for word in split_words(text)}
    language = language_of(text)
    if said & language.me:
        return Named(frozenset({"user"}), terms)
    return Named(frozenset({"assistant"}) if said & language.you else frozenset(), terms)


def spoken_by(rows: Sequence[CandidateRow], named: Named) -> list[float]:
    """1.0 for what the one who is meant said, less for what somebody said who has a part of the name."""
    if not named.meant:
        return [0.0] * len(rows)
    who = [(row.names, row.role) for row in rows]
    shares = {(names, role): len(named.meant & (names or {role})) / len(named.meant) for names, role in set(who)}
    return [shares[one] for one in who]


def as_said(text: str, speaker: str, others: Collection[str]) -> str:
    """A message's text in the first and second person."""
    if speaker:
        text = _replace(text, speaker, "I", "my")
    for name in others:
        text = _replace(text, name, "you", "your")
    return text


def as_asked(text: str, named: Named) -> str:
    """A query as the one whom it is about would put it."""
    return _replace(text, named.phrase, "I", "my") if named.phrase else text


def _find_names(text: str, names: Collection[str]) -> list[Named]:
    """Runs of words that are in names, each with all that were found."""
    terms = frozenset(stem(name) for name in names)
    runs: list[list[Word]] = []
    for word in split_words(text):
        if word.term not in names:
            continue
        if runs and _WITHIN_NAME.fullmatch(text, runs[-1][-1].end, word.start):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [Named(frozenset(one.term for one in run), terms, text[run[0].start : run[-1].end]) for run in runs]


def _replace(text: str, name: str, subject: str, possessive: str) -> str:
    return _pattern(name).sub(lambda found: possessive if found["of"] else subject, text)


@lru_cache(1_000)
def _pattern(name: str) -> re.Pattern[str]:
    """The whole name, or its first word alone, as people are called."""
    first, *others = name.split()
    rest = "".join(rf"\s+{re.escape(other)}" for other in others)
    return re.compile(rf"\b{re.escape(first)}(?:{rest})?(?P<of>['’]s)?\b", re.IGNORECASE)
