"""Whom a query means, also by a name of several words, and how that is said in the first person."""

from __future__ import annotations

import pytest

from quarterdeck.memory.speakers import as_asked, as_said, spoken_by, who_is_meant, words_of_name
from quarterdeck.store.recall_candidates import CandidateRow

NAMES = {"anna", "maria", "jean", "paul", "ben"}


def row(speaker: str) -> CandidateRow:
    return CandidateRow(0, "m", "c", "user", words_of_name(speaker), 0, 0, False)


@pytest.mark.parametrize(
    ("query", "meant", "asked"),
    [
        ("What does Anna Maria like?", {"anna", "maria"}, "What does I like?"),
        ("What is Jean-Paul's boat called?", {"jean", "paul"}, "What is my boat called?"),
        ("Did Anna, Ben or Paul say so?", set(), "Did Anna, Ben or Paul say so?"),
        ("Is this Jean  Paul's boat?", {"jean", "paul"}, "Is this my boat?"),
        ("Anna Maria, or only anna maria?", {"anna", "maria"}, "I, or only I?"),
        ("What did Ben say to Anna Maria?", set(), "What did Ben say to Anna Maria?"),
        ("What does Ben like?", {"ben"}, "What does I like?"),
        ("What do I like?", {"user"}, "What do I like?"),
    ],
)
def test_words_of_names_that_stand_side_by_side_are_one_name(query: str, meant: set[str], asked: str) -> None:
    words = {word for word in NAMES if word in query.casefold()}
    named = who_is_meant(query, words)
    assert (set(named.meant), as_asked(query, named)) == (meant, asked)


def test_who_has_the_whole_name_is_meant_more_than_who_has_a_part_of_it() -> None:
    named = who_is_meant("What does Anna Maria like?", {"anna", "maria"})
    assert spoken_by([row("Anna Maria"), row("Anna"), row("Maria Sol"), row("Ben")], named) == [1.0, 0.5, 0.5, 0.0]
    alone = who_is_meant("What does Anna like?", {"anna"})
    assert spoken_by([row("Anna Maria"), row("Ben")], alone) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("query", "meant"),
    [("Was mag ich?", {"user"}), ("Dove dormono i gatti?", set()), ("Di che colore è la mia bicicletta?", {"user"}),
     ("Que m’as-tu conseillé, toi ?", {"user"}), ("¿Qué libro recomendaste tú?", {"assistant"}),
     ("Что ты сказал?", {"assistant"})],
)  # fmt: skip
def test_who_asks_is_meant_in_the_language_of_the_query(query: str, meant: set[str]) -> None:
    assert set(who_is_meant(query, ()).meant) == meant


def test_ones_own_name_is_i_whole_or_by_its_first_word() -> None:
    said = "Anna Maria's boat; Anna said so. Annabel and Ben heard it."
    assert as_said(said, "Anna Maria", ["Ben"]) == "my boat; I said so. Annabel and you heard it."
