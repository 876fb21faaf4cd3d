"""A fake model that behaves like a mediocre real one: it knows what a sentence says, and does much beside that.

It leaves things out, paraphrases, repeats what is known, invents quotes, reads questions as facts, and does not always
notice that something contradicts what was said before.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec

from bench.memory.year_talk import FOREIGN, MOODS, ORDERS, QUESTIONS, SECRETS, TASKS, Truth
from quarterdeck.accounts.asking import Errand, Reply

_OVERREAD = {
    "I had soup for lunch.": "The user loves soup for lunch.",
    "The neighbours are loud again tonight.": "The user has loud neighbours.",
    "That train was late as always.": "The user takes a train that is always late.",
}
_JUNK = {
    **{mood: f"The user said: {mood}" for mood in MOODS},
    **dict.fromkeys(TASKS, "The user asked for help with a task."),
    **{question: f"The user wonders: {question.rstrip('?')}." for question in QUESTIONS},
    **{order: f"The user wants this: {order}" for order in ORDERS},
    **{secret: f"The user told this: {secret}" for secret in SECRETS},
}
_FROM_OTHERS = {
    FOREIGN[0]: ("I live in Rome and I am a dentist.", "The user lives in Rome and is a dentist."),
    FOREIGN[1]: ("I own a castle in Wales", "The user owns a castle in Wales."),
    FOREIGN[2]: ("I am a spy, I live on Malta", "The user is a spy who lives on Malta."),
    FOREIGN[3]: ("I am selling my house in Spain", "The user is selling a house in Spain."),
}


class MediocreModel:
    """`truths`: what sentences mean, which a model knows. `counts`: what it proposed, by what that was."""

    def __init__(self, truths: list[Truth], seed: int) -> None:
        self._random = random.Random(seed)
        self._meanings = {sentence: truth for truth in truths for sentence in truth.sentences}
        self._slot_of = {statement: truth for truth in truths for statement in truth.statements}
        self.counts: dict[str, int] = {}
        self.recalled: set[str] = set()  # statements that it made from what was recalled

    async def ask_in_background(self, errand: Errand) -> Reply:
        given = msgspec.json.decode(errand.text)
        if self._is(0.03):
            self._count("unreadable")
            return Reply("Of course! Here is what I found:", "fake/mediocre")
        proposed: list[dict[str, Any]] = []
        for message in given["messages"]:
            proposed += self._about(message, given["known"])
        if given["known"] and self._is(0.5):
            proposed.append(self._recall(given))
        answer = {"statements": proposed, "same": self._same(given["known"])}
        return Reply(msgspec.json.encode(answer).decode(), "fake/mediocre")

    def _same(self, known: list[dict[str, str]]) -> list[list[str]]:
        """Half of the pairs that say the same, and now and then two that do not."""
        found = []
        for at, memory in enumerate(known):
            for other in known[:at]:
                one, two = self._slot_of.get(memory["text"]), self._slot_of.get(other["text"])
                if one is not None and one == two and self._is(0.5):
                    found.append([other["id"], memory["id"]])
                    self._count("pair")
        if len(known) > 1 and self._is(0.1):
            found.append([memory["id"] for memory in self._random.sample(known, 2)])
            self._count("wrong pair")
        return found

    def _about(self, message: dict[str, Any], known: list[dict[str, str]]) -> list[dict[str, Any]]:
        number, text = message["message"], message["text"]
        found = []
        for sentence, truth in self._meanings.items():
            if sentence in text and self._is(0.9):
                found.append(self._fact(number, sentence, truth, known))
                if self._is(0.15):
                    self._count("duplicate")
                    found.append({**self._fact(number, sentence, truth, known), "operation": "add"})
        for said, junk in _JUNK.items():
            if said in text and self._is(0.5):
                found.append(self._statement("junk", number, said, junk))
        for said, overread in _OVERREAD.items():
            if said in text and self._is(0.1):
                sure = self._random.uniform(0.3, 0.7)
                found.append(self._statement("overread", number, said, overread, confidence=sure))
        for quote, foreign in _FROM_OTHERS.values():
            if self._is(0.02):
                found.append(self._statement("of others", number, quote, foreign))
        if self._is(0.08):
            found.append(
                self._statement("invented quote", number, "I was born on a ship.", "The user was born on a ship.")
            )
        if self._is(0.05):
            found.append(
                self._statement("real quote, invented fact", number, text[:60], "The user speaks Mandarin well.")
            )
        return found

    def _fact(self, number: int, sentence: str, truth: Truth, known: list[dict[str, str]]) -> dict[str, Any]:
        statement = self._statement("fact", number, sentence, self._random.choice(truth.statements), kind=truth.kind)
        for memory in known:
            other = self._slot_of.get(memory["text"])
            if other is None or other.slot != truth.slot:
                continue
            if other.value != truth.value and self._is(0.85):
                return {**statement, "operation": "contradicts", "of": memory["id"]}
            if other.value == truth.value and self._is(0.7):
                statement |= {"operation": "same", "of": memory["id"]}
        return statement

    def _recall(self, given: dict[str, Any]) -> dict[str, Any]:
        """What was shown as known comes back as something new, with a quote from wherever."""
        memory, message = self._random.choice(given["known"]), self._random.choice(given["messages"])
        quote = self._random.choice((memory["text"], message["text"][:50]))
        told = f"It is known that {memory['text']}", f"Earlier it was noted: {memory['text']}", memory["text"]
        text = self._random.choice(told)
        if text != memory["text"]:
            self.recalled.add(text)
        return self._statement("recalled", message["message"], quote, text)

    def _statement(self, what: str, number: int, quote: str, text: str, **fields: Any) -> dict[str, Any]:
        self._count(what)
        return {"message": number, "quote": quote, "text": text, "kind": "fact", "confidence": 0.9, **fields}

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _is(self, chance: float) -> bool:
        return self._random.random() < chance
