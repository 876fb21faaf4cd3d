"""In which language something is said or asked: by the words that are in every sentence of it, or by its script.

It decides which forms of a word are taken for one (Snowball's stemmers) and which words say nothing. Recall reads what
it looks through by the rules of the question's language (`language_of`); the search index has each text by the rules of
the text's own (`languages_of`), and is asked by those of each that the query could be in (`languages_asked`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice

from quarterdeck.domain.stemming import stem_word
from quarterdeck.domain.stop_words import IN_EVERY_SENTENCE
from quarterdeck.domain.words import STEM_MARK, cut_words, fold, stem

LANGUAGE_MARK = 2 * STEM_MARK
"""Stands before each stem in the search index that is not by the rules of English."""
_TOLD_BY = 500  # words, the first of a text
_LEAST_SHARE = 0.15  # of its different words: so many are in every sentence, or the text is in a language that is none
_LEAST_BEGINNING = 3  # characters: what begins with fewer is mostly something else
_LEAST_CHANGING = 4
_ROOTS_KEPT = 32_768  # of each language
_LATIN, _CYRILLIC = "a-z\u00df-\u024f", "\u0430-\u0451"  # in small letters; with accents, most are gone


class Language:
    """`algorithm` is Snowball's name for it; `me` and `you`: who asks, who is asked. Words as they are written."""

    __slots__ = ("_algorithm", "_letters", "code", "mark", "me", "root", "stop_words", "you")

    def __init__(self, code: str, algorithm: str, stop_words: str, *, me: str, you: str, letters: str = _LATIN) -> None:
        self.code = code
        self.mark = LANGUAGE_MARK + code
        """Stands before a stem of this language in the search index."""
        self._algorithm = algorithm
        self._letters = re.compile(f"[{letters}]+")
        self.stop_words, self.me, self.you = _folded(stop_words), _folded(me), _folded(you)
        self.root: Callable[[str], str] = lru_cache(_ROOTS_KEPT)(self._find_root)
        """What the forms of a folded word have in common; empty for one that is in every sentence."""

    def beginning(self, word: str) -> str:
        """How all forms of a folded word begin, as far as its stem tells; empty where the index has the stems."""
        same = _shared(word, self.root(word))
        if len(same) > _LEAST_CHANGING:  # of a long one the last letter may be another ("cheval", "chevaux")
            same = same[:-1]
        return same if len(same) >= _LEAST_BEGINNING else word

    def _find_root(self, word: str) -> str:
        if word in self.stop_words:
            return ""
        return stem_word(self._algorithm, word) if self.writes(word) else word

    def writes(self, word: str) -> bool:
        """Whether a folded word is in its letters."""
        return self._letters.fullmatch(word) is not None


class _English(Language):
    """And whatever is in a language that is not known here; the search index has the same stems."""

    def __init__(self) -> None:
        super().__init__("en", "porter", _ENGLISH, me="i me my mine myself", you="you your yours yourself")

    def _find_root(self, word: str) -> str:
        return "" if word in IN_EVERY_SENTENCE else stem(word)

    def beginning(self, word: str) -> str:
        return ""


class _Russian(Language):
    """Folding takes the "й" of an ending for an "и", which is none: after a vowel it is one."""

    def _find_root(self, word: str) -> str:
        is_ending = word[-1:] == "и" and word[-2:-1] in _RUSSIAN_VOWELS
        return super()._find_root(word[:-1] + "й" if is_ending and word not in self.stop_words else word)


def _folded(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split())


def _shared(word: str, root: str) -> str:
    return word[: next((at for at, pair in enumerate(zip(word, root, strict=False)) if pair[0] != pair[1]), len(root))]


_RUSSIAN_VOWELS = frozenset("аеиоуыэюя")
_ENGLISH = """
the a an and or but if of to in on at by for from with about as is are was were be been am do does did have has had i
you he she it we they me him her us them my your his its our their this that these those what which who whom whose when
where why how not no so than then there here can could will would should"""
ENGLISH: Language = _English()
GERMAN = Language(
    "de",
    "german",
    """
der die das den dem des ein eine einen einem einer eines und oder aber wenn von zu zum zur im in an am auf aus bei mit
nach über unter vor für um durch ohne gegen als wie ist sind war waren bin bist sein gewesen habe hast hat haben hatte
hatten wird werden wurde wurden kann können soll will ich du er sie es wir ihr mich dich ihn uns euch mir dir ihm ihnen
mein meine meinen meinem meiner dein deine deinen deinem deiner seine seinen unser unsere ihre ihren was wer wem wen
wann wo warum welche welcher welches welchen welchem nicht kein keine auch noch schon nur so da dann dass man sich doch
mal denn""",
    me="ich mich mir mein meine meinen meinem meiner meines",
    you="du dich dir dein deine deinen deinem deiner deines",
)
FRENCH = Language(
    "fr",
    "french",
    """
le la les un une des du de d l au aux et ou où mais donc ni car que qu qui quoi dont quel quelle quels quelles ce cet
cette ces c ça cela je j tu il elle on nous vous ils elles me m te t se s moi toi lui leur leurs eux mon ma mes ton ta
tes son sa ses notre nos votre vos est es suis sont était étais étaient été être ai as a avons avez ont avait avais
avoir pas ne n plus y en dans sur sous avec sans pour par chez comment quand pourquoi combien si ici très bien aussi
encore déjà toujours""",
    me="je j me m moi mon ma mes mien mienne",
    you="tu te t toi ton ta tes tien tienne vous votre vos",
)
SPANISH = Language(
    "es",
    "spanish",
    """
el la los las un una unos unas de del al a y e o u pero que quien cual cuales donde cuando como cuanto por para con sin
sobre en entre hasta desde se me te le les lo nos os mi mis tu tus su sus nuestro nuestra yo él ella ellos ellas usted
ustedes es son soy eres era eran fue fueron ser estar estoy está están estaba he has ha hemos han había hay no si ya
muy más también este esta estos estas ese esa eso esto aquel""",
    me="yo me mi mis mío mía conmigo",
    you="tú te ti tu tus tuyo tuya contigo",
)
ITALIAN = Language(
    "it",
    "italian",
    """
il lo la i gli le l un uno una di del dello della dei degli delle d a al allo alla ai agli alle da dal dalla in nel
nella con su sul sulla per tra fra e ed o ma che chi c cui quale quali dove quando come quanto perché mi ti si ci vi me
te lui lei noi voi loro mio mia miei mie tuo tua suo sua nostro nostra io tu è sono sei siamo siete era erano stato
stata essere ho hai ha abbiamo hanno aveva avere non più molto anche già questo questa questi queste quello quella""",
    me="io mi me mio mia miei mie",
    you="tu ti te tuo tua tuoi tue",
)
PORTUGUESE = Language(
    "pt",
    "portuguese",
    """
o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com sem sobre entre até desde e ou mas
que quem qual quais onde quando como quanto porque se me te lhe lhes nós vós meu minha meus minhas teu tua seu sua seus
suas nosso nossa eu tu ele ela eles elas você vocês é são sou era eram foi foram ser estar estou está estão estava tenho
tem tinha ter há não sim já muito mais também este esta isto esse essa isso aquele aquela ao aos""",
    me="eu me mim meu minha meus minhas comigo",
    you="tu te ti teu tua teus tuas você contigo",
)
DUTCH = Language(
    "nl",
    "dutch",
    """
de het een en of maar dat die dit deze wat wie waar wanneer hoe waarom welke welk van voor met zonder op in aan bij uit
over onder naar tot door om te er ik jij je u hij zij ze wij we jullie mij me jou hem haar hun ons onze mijn jouw zijn
is was waren ben bent heb hebt heeft hebben had hadden word wordt worden werd kan kunnen zal zullen zou niet geen wel
ook nog al als dan toen""",
    me="ik mij me mijn mezelf",
    you="jij je jou jouw u uw",
)
RUSSIAN = _Russian(
    "ru",
    "russian",
    """
и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по её мне было вот от меня ещё нет о из
ему когда даже если или мы тебя их был была были моя мой мои моё какой какая какие где кто чем это этот эта эти для при
до без над под про наш ваш свой тот""",
    me="я меня мне мной мой моя моё мои моего моей моих",
    you="ты тебя тебе тобой твой твоя твоё твои",
    letters=_CYRILLIC,
)
_WITH_LATIN_LETTERS = (GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH)
OTHERS = (*_WITH_LATIN_LETTERS, RUSSIAN)
_IN_OTHERS = frozenset[str]().union(*(language.stop_words for language in OTHERS))


def language_of(text: str) -> Language:
    """English unless more words are in every sentence of another language."""
    words = set(cut_words(text))
    if 2 * sum("а" <= word[0] <= "я" for word in words) > len(words):
        return RUSSIAN
    best, most = ENGLISH, len(words & ENGLISH.stop_words)
    for language in _WITH_LATIN_LETTERS:
        if (found := len(words & language.stop_words)) > most:
            best, most = language, found
    return best


def languages_of(terms: Iterable[str]) -> tuple[Language, ...]:
    """What a text is in, by its folded words: mostly one; several where as much speaks for each of them, as in a few
    words of Spanish or Portuguese. None: English, or a language that is not known here."""
    words = set(islice(terms, _TOLD_BY))
    telling = words & _IN_OTHERS
    least = max(len(words & ENGLISH.stop_words) + 1, _LEAST_SHARE * len(words))
    if len(telling) < least:  # as in most that is English
        return ()
    most, found = _most_told(telling)
    return found if most >= least else ()


def languages_asked(terms: Iterable[str]) -> tuple[Language, ...]:
    """Those, besides English, that a query could be in: all, unless some word of it tells."""
    words = set(terms)
    most, found = _most_told(words & _IN_OTHERS)
    return found if most >= len(words & ENGLISH.stop_words) else ()


def _most_told(telling: set[str]) -> tuple[int, tuple[Language, ...]]:
    counts = [len(telling & language.stop_words) for language in OTHERS]
    most = max(counts)
    return most, tuple(language for language, count in zip(OTHERS, counts, strict=True) if count == most)
