"""How statements are compared: by the words that carry their meaning, in any order and inflection."""

from __future__ import annotations

import hashlib
import unicodedata

from quarterdeck.domain.words import split_words, stem

# Words that carry no meaning by themselves; a negation is no such word.
_ENGLISH = """\
a an and are as at be been being but by did do does for from had has have he her him his i in is it its me my of on or
our s she so than that the their them then there they this to was we were will with would you your user users currently
now also about into"""
_GERMAN = """\
der die das den dem ein eine einen einem einer und ist sind war hat haben er sie es ich mein meine im am zu mit von für
auf nutzer benutzer"""
_FRENCH = "le la les un une des et est sont a il elle je mon ma mes du de dans au aux pour avec utilisateur"
_SPANISH = "el los las una y es tiene su sus yo mi mis del al por con usuario"
_ITALIAN = "il lo gli i e ha di da in un uno sono suo sua mio io che per dal del della nel nella utente"
_PORTUGUESE = "o os as um uma e tem do da dos das na em seu sua meu minha eu com usuario utilizador"
_DUTCH = "de het een en is zijn heeft in op voor te ik mijn hij zij gebruiker"
_LANGUAGES = (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH)
_CARRY_NOTHING = frozenset(word for words in _LANGUAGES for word in words.split())
_MARK_BITS = 12
"""Of a word in a tombstone: a dozen words of any dictionary have the same, so that it does not tell which it was."""


def meaning_words(text: str) -> frozenset[str]:
    """The stems of the words that say something; all words where none does."""
    terms = [word.term for word in split_words(text)]
    told = frozenset(stem(term) for term in terms if term not in _CARRY_NOTHING)
    return told or frozenset(terms)


def fingerprint(text: str) -> str:
    """The same for statements that differ only in order, inflection and words that carry no meaning."""
    joined = " ".join(sorted(meaning_words(text)))
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """0 to 1: how many of all their words they share (Jaccard)."""
    return len(one & other) / len(one | other) if one or other else 0.0


def marks(text: str, salt: str) -> list[str]:
    """What is left of a forgotten statement: enough to know it again, too little to read it."""
    return sorted({_mark(word, salt) for word in meaning_words(text)})


def is_like_marked(text: str, salt: str, marked: list[str], least: float) -> bool:
    """Whether `text` has nearly the words of what was marked with `salt`, or all of them among others."""
    known, words = frozenset(marked), frozenset(marks(text, salt))
    return overlap(words, known) >= least or (len(known) >= 2 and known <= words)


def squeeze(text: str) -> str:
    """White space is one blank, for comparing passages."""
    return " ".join(text.split())


def reads_the_same(one: str, other: str) -> bool:
    """But for upper case, white space and the stop at the end."""
    return _as_read(one) == _as_read(other)


def _as_read(text: str) -> str:
    return squeeze(unicodedata.normalize("NFC", text).casefold()).rstrip(" .。")


def _mark(word: str, salt: str) -> str:
    number = int.from_bytes(hashlib.sha256(f"{salt} {word}".encode()).digest()[:4])
    return f"{number >> (32 - _MARK_BITS):03x}"
