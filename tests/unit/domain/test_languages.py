"""The language of a question is that of most of its words; what is in none that is known is read as English."""

from __future__ import annotations

import pytest

from quarterdeck.domain.languages import (
    DUTCH,
    ENGLISH,
    FRENCH,
    GERMAN,
    ITALIAN,
    PORTUGUESE,
    RUSSIAN,
    SPANISH,
    Language,
    language_of,
)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", ENGLISH), ("12 + 30", ENGLISH), ("Katzen", ENGLISH), ("Budget 2024", ENGLISH), ("日本の猫", ENGLISH),
        ("Who was the man in the war?", ENGLISH), ("What does «кошка» mean in English?", ENGLISH),
        ("What was in the Über app?", ENGLISH), ("Wo schlafen die Katzen?", GERMAN), ("Que mange le cheval ?", FRENCH),
        ("¿Dónde duermen los gatos?", SPANISH), ("Dove dormono i gatti?", ITALIAN),
        ("Onde dormem os gatos?", PORTUGUESE), ("Waar slapen de katten?", DUTCH), ("Где спят кошки?", RUSSIAN),
        ("Какой у меня iPhone?", RUSSIAN),
    ],
)  # fmt: skip
def test_a_question_is_in_the_language_of_most_of_its_words(text: str, language: Language) -> None:
    assert language_of(text) is language


def test_words_of_every_sentence_have_no_root_and_other_scripts_stay_as_they_are() -> None:
    assert [GERMAN.root(word) for word in ("die", "fur", "katzen", "katze", "4012", "日本")] == [
        "", "", "katz", "katz", "4012", "日本",
    ]  # fmt: skip


def test_what_all_forms_of_a_word_begin_with_is_not_shorter_than_three_letters() -> None:
    assert [FRENCH.beginning(word) for word in ("cheval", "chats", "vin", "os")] == ["cheva", "chat", "vin", "os"]
    assert ENGLISH.beginning("boats") == "", "the index has English stems"
