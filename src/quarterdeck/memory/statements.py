"""The gates that a proposed statement passes, or is rejected by, with the reason.

A model is asked to leave junk out and does so badly: what is kept is decided here, by rules that look at what the user
really wrote. Whatever is in doubt is left out: it will be said again if it matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo

from msgspec import Struct, structs

from quarterdeck.domain.words import count_words, stem
from quarterdeck.memory.deriving import Heard, Proposed
from quarterdeck.memory.patterns import (
    CARD,
    LEADS_IN,
    LONG_TOKEN,
    NUMBER,
    OF_THE_ASSISTANT,
    OF_THE_MOMENT,
    ORDERS,
    PASSING,
    POLITE,
    POWERS,
    QUESTION_MARKS,
    REPORTS,
    SAYS_SO,
    SECRETS,
    SENTENCE_END,
    STANDING_CONSENT,
    YEAR,
    YES,
)
from quarterdeck.memory.wording import meaning_words, squeeze
from quarterdeck.store.memories import KINDS

LEAST_CONFIDENCE = 0.6
_MAX_CHARS = 400
_LEAST_WORDS = 3
_LEAST_GROUNDED = 0.25  # of the statement's words
_SURE = 0.75
_LEAST_GROUNDED_IN_DOUBT = 0.7  # what a model is not sure of is kept only nearly in the user's own words
_CARD_DIGITS = range(13, 20)


class Candidate(Struct, frozen=True):
    """`said` is what of `heard` the proposal quotes, with the sentence it stands in."""

    proposed: Proposed
    heard: Heard
    sentence: str
    before: str  # what stands in that sentence before the quote


_GREETING = frozenset(stem(word) for word in POLITE)
"""What a message and a statement have in common by chance."""

Gate = Callable[[Candidate], bool]
"""True for what is not let through."""


def find_quote(proposed: Proposed, heard: Heard) -> Candidate | None:
    """None when the message's own words do not have the quote; letters' case and white space are of no matter."""
    own, quote = squeeze(heard.own), squeeze(proposed.quote)
    start = own.casefold().find(quote.casefold()) if quote else -1
    if start < 0 or len(own.casefold()) != len(own):
        start = own.find(quote) if quote else -1
    if start < 0:
        return None
    begin = max((end.end() for end in SENTENCE_END.finditer(own, 0, start)), default=0)
    after = SENTENCE_END.search(own, max(start, start + len(quote) - 1))
    end = after.end() if after else len(own)
    return Candidate(proposed, heard, own[begin:end], own[begin:start])


def reject(candidate: Candidate) -> str:
    """The name of the first gate that it does not pass; empty: it is let through."""
    return next((name for name, is_closed in GATES.items() if is_closed(candidate)), "")


def is_polite(text: str) -> bool:
    """Nothing but greetings and thanks."""
    words = set(re.findall(r"\w+", text.casefold()))
    return bool(words) and words <= POLITE


def settle(candidate: Candidate) -> Proposed:
    """As it is kept: what tells the assistant how to answer is a preference, whatever it was called."""
    proposed = candidate.proposed
    if _is_order(proposed) and proposed.kind != "preference":
        proposed = structs.replace(proposed, kind="preference")
    return structs.replace(proposed, text=squeeze(proposed.text), confidence=min(proposed.confidence, 1.0))


def span_of(proposed: Proposed, zone: tzinfo) -> tuple[int | None, int | None]:
    """Since and until when, in milliseconds; a last day is within. What is no date, or ends too early, is none."""
    begin, end = _day(proposed.valid_from), _day(proposed.valid_to)
    if begin and end and end < begin:
        return None, None
    until = None if end is None else end + timedelta(days=1)
    return _midnight(begin, zone), _midnight(until, zone)


def _is_of_unknown_kind(candidate: Candidate) -> bool:
    return candidate.proposed.kind not in KINDS


def _is_doubtful(candidate: Candidate) -> bool:
    return not candidate.proposed.confidence >= LEAST_CONFIDENCE


def _is_misshapen(candidate: Candidate) -> bool:
    text = squeeze(candidate.proposed.text)
    return len(text) > _MAX_CHARS or count_words(text) < _LEAST_WORDS or "\x00" in text


def _is_secret(candidate: Candidate) -> bool:
    for text in (candidate.proposed.text, candidate.proposed.quote):
        if SECRETS.search(text) or any(_is_card(found[0]) for found in CARD.finditer(text)):
            return True
        if any(_is_random(found[0]) for found in LONG_TOKEN.finditer(text)):
            return True
    return False


def _is_question(candidate: Candidate) -> bool:
    """A clause that only leads up to the question is none: "since I am a vegetarian, what …?"."""
    if squeeze(candidate.proposed.text).endswith(QUESTION_MARKS):
        return True
    if not candidate.sentence.rstrip().endswith(QUESTION_MARKS):
        return False
    says_so = SAYS_SO.match(candidate.proposed.quote)
    is_whole = _bare(candidate.proposed.quote) == _bare(candidate.sentence)
    return not (says_so and LEADS_IN.fullmatch(candidate.before)) or is_whole


def _bare(sentence: str) -> str:
    return squeeze(sentence).strip(" ¿" + "".join(QUESTION_MARKS))


def _is_small_talk(candidate: Candidate) -> bool:
    if is_polite(candidate.proposed.quote):
        return True
    proposed = candidate.proposed
    is_dated = proposed.kind not in ("fact", "preference") or proposed.valid_from or proposed.valid_to
    if not is_dated and OF_THE_MOMENT.search(_clause(candidate)):
        return True
    return bool(REPORTS.search(proposed.text) or PASSING.search(proposed.text))


def _clause(candidate: Candidate) -> str:
    """What of the sentence the quote stands in, between commas."""
    after = candidate.sentence[len(candidate.before) + len(squeeze(candidate.proposed.quote)) :]
    return candidate.before.rpartition(",")[2] + candidate.proposed.quote + after.partition(",")[0]


def _is_about_the_assistant(candidate: Candidate) -> bool:
    return bool(OF_THE_ASSISTANT.search(candidate.proposed.text))


def _is_instruction(candidate: Candidate) -> bool:
    """Orders are kept as wishes about answers only, and never from what others wrote; nothing is a standing consent."""
    proposed = candidate.proposed
    for text in (proposed.text, proposed.quote):
        if STANDING_CONSENT.search(text):
            return True
        if ORDERS.search(text.strip()) and POWERS.search(text):
            return True
    return _is_order(proposed) and bool(candidate.heard.taint)


def _is_order(proposed: Proposed) -> bool:
    return bool(ORDERS.search(proposed.text.strip()))


def _is_invented(candidate: Candidate) -> bool:
    """The statement says something else than the message: too few of its words, or numbers that are not there."""
    heard, text = candidate.heard, candidate.proposed.text
    said = heard.own
    if set(re.findall(r"\w+", candidate.proposed.quote.casefold())) <= YES:
        said = f"{heard.own} {heard.asked}"  # what somebody says yes to is what they say
    told, known = meaning_words(text), meaning_words(said) - _GREETING
    least = _LEAST_GROUNDED if candidate.proposed.confidence >= _SURE else _LEAST_GROUNDED_IN_DOUBT
    if sum(_is_among(word, known) for word in told) < max(1.0, len(told) * least):
        return True
    return any(number not in said and not YEAR.fullmatch(number) for number in NUMBER.findall(text))


def _is_among(word: str, known: frozenset[str]) -> bool:
    """Also in another form: the beginnings of longer words are enough."""
    return word in known or (len(word) >= 5 and any(other[:5] == word[:5] for other in known))


def _is_card(digits: str) -> bool:
    numbers = [int(digit) for digit in digits if digit.isdigit()]
    doubled = [number * 2 - 9 if number > 4 else number * 2 for number in numbers[-2::-2]]
    return len(numbers) in _CARD_DIGITS and (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0


def _is_random(token: str) -> bool:
    """Letters and digits that no word is made of."""
    return bool(re.search(r"\d", token)) and bool(re.search(r"[A-Za-z]", token)) and "-" not in token.strip("-")


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2200 else None


def _midnight(day: date | None, zone: tzinfo) -> int | None:
    return None if day is None else int(datetime.combine(day, time(), zone).timestamp() * 1000)


GATES: dict[str, Gate] = {
    "kind": _is_of_unknown_kind,
    "confidence": _is_doubtful,
    "shape": _is_misshapen,
    "secret": _is_secret,
    "question": _is_question,
    "small_talk": _is_small_talk,
    "assistant": _is_about_the_assistant,
    "instruction": _is_instruction,
    "invented": _is_invented,
}
"""In this order; the quote itself is looked for before (`find_quote`), tombstones and duplicates after (`merging`)."""
