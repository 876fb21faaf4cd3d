"""Words that are in every sentence and say nothing about what it is about, in English and German."""

from __future__ import annotations

from quarterdeck.domain.words import STEM_MARK

_STOP_WORDS = """
a about above after again ah all already also always am an and any are aren as at be because been before being below
between both but by can cannot could couldn d did didn do does doesn doing don done down during each eg else etc
ever few for from further get gets getting go goes going gonna got had hadn has hasn have haven having he hello her
here hers herself hey hi him himself his how however i ie if in into is isn it its itself just let ll m may maybe me
might mine more most much must mustn my myself no nor not now of off oh ok okay on once one only or other our ours
ourselves out over own perhaps please quite rather re really s said same say says shall shan she should shouldn
since so some still such t than thank thanks that the their theirs them themselves then there these they this those
though through to too under until up upon us ve very was wasn we well were weren what when where whether which while
who whom whose why will with won would wouldn wow yeah yes yet you your yours yourself yourselves
aber als am an auch auf aus bei bin bis bist da das dass dein deine dem den der des dich die dir doch du ein eine
einem einen einer eines er es für habe haben hast hat hatte ich ihm ihn ihr im ist ja kann man mein meine mich mir
mit nach nicht noch nur ob oder schon sein seine sich sie sind so und uns unser vom von vor wann war waren warum was
wem wen wenn wer werden wie wieder wir wird wo zu zum zur
"""
IN_EVERY_SENTENCE = frozenset(_STOP_WORDS.split())


def said_words(words: str) -> list[str]:
    """Those of a message's entry in the search index, in their order; the stems behind them are left out."""
    return without_stems(words).split()


def without_stems(words: str) -> str:
    return words.partition(STEM_MARK)[0]


def count_said(words: str) -> int:
    """How many of them are not in every sentence."""
    said = said_words(words)
    return len(said) - sum(map(IN_EVERY_SENTENCE.__contains__, said))
