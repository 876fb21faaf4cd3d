"""What somebody typed into a search, understood: words, "phrases", -without, and a last word that may go on.

Any text is a query; what means nothing is left out. `find_places` says of a text what the database says of its index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from quarterdeck.domain.languages import Language, languages_asked
from quarterdeck.domain.words import STEM_MARK, Word, split_words, stem

MAX_TERMS = 24  # words and phrases; whatever comes after them is left out
_MIN_PREFIX = 3  # characters: shorter beginnings are in nearly every message
_PIECE = re.compile(r"""(?P<minus>(?<!\S)[-−])?(?:["“”„](?P<phrase>[^"“”„]*)["“”„]?|(?P<word>[^\s"“”„]+))""")


class Sought(Struct, frozen=True):
    """Terms that stand one after the other. One alone is found in all its forms, unless it is a phrase.

    `is_open`: the last one may go on.
    """

    terms: tuple[str, ...]
    is_phrase: bool = False
    is_open: bool = False


class Form(Struct, frozen=True):
    """A term of the index that says a sought word in another form; one with a `language` only in an entry of that."""

    term: str
    language: Language | None = None


class SearchQuery(Struct, frozen=True):
    """`languages`: those, besides English, by whose rules a word is found in all its forms."""

    wanted: tuple[Sought, ...] = ()
    unwanted: tuple[Sought, ...] = ()
    languages: tuple[Language, ...] = ()

    def other_forms(self, sought: Sought) -> list[Form]:
        """None of a phrase."""
        if sought.is_phrase:
            return []
        [word] = sought.terms
        english = stem(word)
        forms = [Form(form) for form in (english, STEM_MARK + english) if form != word]
        for language in self.languages:
            root = language.root(word)
            if root and language.writes(word):
                forms.append(Form(language.mark + root, language))
                if root not in (word, english):
                    forms.append(Form(root, language))
        return forms

    def __bool__(self) -> bool:
        return bool(self.wanted or self.unwanted)


def parse_query(text: str) -> SearchQuery:
    """Every text is one. The last word is open when nothing, not even a space, follows it."""
    wanted: list[Sought] = []
    unwanted: list[Sought] = []
    for piece in _PIECE.finditer(text):
        if len(wanted) + len(unwanted) == MAX_TERMS:
            break
        is_last = piece.end() == len(text) and piece["phrase"] is None and not piece["minus"]
        sought = _read(piece["phrase"] if piece["word"] is None else piece["word"], piece["word"] is None, is_last)
        if sought is not None:
            (unwanted if piece["minus"] else wanted).append(sought)
    languages = languages_asked(term for sought in (*wanted, *unwanted) for term in sought.terms)
    return SearchQuery(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)), languages)


def _read(text: str, is_phrase: bool, is_last: bool) -> Sought | None:
    words = list(split_words(text))
    if not words:
        return None
    is_cut = words[-1].is_tail  # of a run without spaces: it goes on, or its last pair says it already
    if is_cut and len(words) > 1 and words[-2].end == words[-1].end:
        words.pop()
        is_cut = False
    is_open = is_cut or (is_last and len(words[-1].term) >= _MIN_PREFIX)
    return Sought(tuple(word.term for word in words), is_phrase or len(words) > 1, is_open)


def find_places(
    words: Sequence[Word], query: SearchQuery, languages: Collection[Language] = ()
) -> list[tuple[int, int]]:
    """Where in the text what is wanted stands: (start, end) in characters, in order, not overlapping. `languages`: of
    the text (`languages_of`)."""
    asked = [language for language in query.languages if language in languages]
    found: list[tuple[int, int]] = []
    for sought in query.wanted:
        found += _places_of(words, sought, asked)
    return _join(sorted(found))


def _places_of(words: Sequence[Word], sought: Sought, languages: Sequence[Language]) -> list[tuple[int, int]]:
    length = len(sought.terms)
    if length == 1:
        roots = [] if sought.is_phrase else _roots_of(sought.terms[0], languages)
        return [(word.start, _end(word, sought)) for word in words if _fits(word.term, sought, roots)]
    first = sought.terms[0]
    starts = [at for at in range(len(words) - length + 1) if words[at].term == first]
    return [
        (words[at].start, _end(words[at + length - 1], sought))
        for at in starts
        if _follow([word.term for word in words[at : at + length]], sought)
    ]


def _roots_of(word: str, languages: Sequence[Language]) -> list[tuple[Callable[[str], str], str]]:
    """What all its forms have in common, and how that is found of one."""
    rules: list[Callable[[str], str]] = [stem, *(language.root for language in languages if language.root(word))]
    return [(find_root, find_root(word)) for find_root in rules]


def _end(word: Word, sought: Sought) -> int:
    """A word that goes on is shown whole; of a pair of characters that begins with the one sought, only that one."""
    is_half = sought.is_open and word.middle and len(sought.terms[-1]) < len(word.term)
    return word.middle if is_half else word.end


def _fits(term: str, sought: Sought, roots: Sequence[tuple[Callable[[str], str], str]]) -> bool:
    wanted = sought.terms[0]
    if term == wanted or (sought.is_open and term.startswith(wanted)):
        return True
    return any(find_root(term) == root for find_root, root in roots)


def _follow(terms: list[str], sought: Sought) -> bool:
    *first, last = sought.terms
    is_last = terms[-1].startswith(last) if sought.is_open else terms[-1] == last
    return terms[:-1] == first and is_last


def _join(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in places:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
