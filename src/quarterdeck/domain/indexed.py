"""What stands in the search index for a text: its words, and what the forms of each have in common.

Stems are there by the rules of English for every text, and by those of its own language for one that is in another that
is known: `domain.search_query` asks for both. A stem that is the word itself is not said again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from quarterdeck.domain.languages import LANGUAGE_MARK, Language, languages_of
from quarterdeck.domain.words import STEM_MARK, cut_words, stem

_STEM_BYTES = len(LANGUAGE_MARK.encode()) + 3  # with a blank, at most
_MAX_CHARACTER_BYTES = 4


def index_words(text: str, max_bytes: int) -> str:
    """The words of `text` in their order, then their stems; one space between them.

    What does not fit into `max_bytes` of UTF-8 is left out.
    """
    terms = cut_words(text)
    languages = languages_of(terms)
    different = dict.fromkeys(terms)
    each = 1 + len(languages)
    if (1 + each) * sum(map(len, terms)) + (1 + each * _STEM_BYTES) * len(terms) > max_bytes / _MAX_CHARACTER_BYTES:
        terms, different = _fitting(terms, max_bytes, languages)
    return " ".join(terms + _stems(different, languages)) if terms else ""


def _stems(terms: Collection[str], languages: Sequence[Language]) -> list[str]:
    """Those that differ from the word, marked; where none does, the mark of the language says which it is."""
    roots = dict.fromkeys([root for term, root in zip(terms, map(stem, terms), strict=True) if root != term])
    stems = [STEM_MARK + root for root in roots]
    for language in languages:
        mark, find_root = language.mark, language.root
        roots = dict.fromkeys(root for term in terms if (root := find_root(term)) != term and root)
        stems += [mark + root for root in roots or ("",)]
    return stems


def _fitting(terms: list[str], max_bytes: int, languages: Sequence[Language]) -> tuple[list[str], dict[str, None]]:
    """As many as there is room for with their stems, and the different ones of them."""
    kept: list[str] = []
    different: dict[str, None] = {}
    for term in terms:
        max_bytes -= len(term.encode()) + 1
        if term not in different:
            max_bytes -= sum(len(one.encode()) + 1 for one in _stems([term], languages))
        if max_bytes < 0:
            break
        kept.append(term)
        different[term] = None
    return kept, different
