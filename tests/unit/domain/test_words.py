"""Words are the same however their letters were typed, and known by where they stand in what was typed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.domain.search_query import find_places, parse_query
from quarterdeck.domain.words import count_words, split_words

TYPED_OTHERWISE = {
    "서울에서": unicodedata.normalize("NFD", "서울에서"),
    "ガラスのプログラム": unicodedata.normalize("NFD", "ガラスのプログラム"),
    "ガラス": "ｶﾞﾗｽ",
    "ゟ": "より",
    "葛城市": "葛\U000e0100城市",
    "crème brûlée": unicodedata.normalize("NFD", "Crème Brûlée"),
    "việt": unicodedata.normalize("NFD", "Việt"),
    "quarterdeck": "Ｑｕａｒｔｅｒｄｅｃｋ",
    "donaudampfschiff": "Donau\u00addampf\u00adschiff",
    "น้ำตาล": "น\u0e49\u0e4d\u0e32ตาล",
    "น้ำใจ": "น\u0e4d\u0e49\u0e32ใจ",
    "ที่นี่": "ที่\u200bนี่",
    "ນ້ຳ": "ນ\u0ec9\u0ecd\u0eb2",
    "ໜ້າ": "ຫນ້າ",
    "ဦး": "ဥ\u102eး",
    "ခင့်": "ခင\u103a\u1037",
    "កម្ពុជា": "កម្ពុ\u200bជា",
    "श्री": "श्\u200dरी",
    "സൂര്യൻ": "സൂര്യന്\u200d",
    "উৎসব": "উত্\u200dসব",
    "\u0f52རྨ": "\u0f51\u0fb7རྨ",
    "كتاب": "كتـــاب",
    "пʼять": "п'ять",
}


def terms_of(said: str) -> list[str]:
    return [word.term for word in split_words(said)]


@pytest.mark.parametrize(("usual", "typed"), TYPED_OTHERWISE.items())
def test_a_word_is_found_and_marked_however_it_was_typed(usual: str, typed: str) -> None:
    assert usual != typed
    assert terms_of(usual) == terms_of(typed)
    assert count_words(usual) == count_words(typed)
    for said in (usual, typed):
        for asked in (usual, typed):
            places = find_places(list(split_words(f"a {said} b")), parse_query(f'"{asked}"'))
            marked = {at for start, end in places for at in range(start, end)}
            assert (
                {at for at, letter in enumerate(said, 2) if letter not in " '"}
                <= marked
                <= set(range(2, 2 + len(said)))
            )


@pytest.mark.parametrize(
    ("said", "asked", "marked"),
    [
        ("서울에서 만나요", "에서", "에서"),
        ("서울에서 만나요", "울", "울"),
        ("ガラスのプログラム", "グラ", "グラ"),
        ("ガラスのプログラム", "ガ", "ガ"),
        ("Ｃａｆé Ｏｎｅ", "cafe", "Ｃａｆé"),
    ],
)
def test_a_part_is_marked_where_it_stands_in_what_was_typed(said: str, asked: str, marked: str) -> None:
    typed, marked = unicodedata.normalize("NFD", said), unicodedata.normalize("NFD", marked)
    places = find_places(list(split_words(typed)), parse_query(asked))
    assert [typed[start:end] for start, end in places] == [marked]


def test_a_letter_without_its_voicing_mark_is_another_one() -> None:
    words = list(split_words(unicodedata.normalize("NFD", "ガラス")))
    assert find_places(words, parse_query("カラス")) == find_places(words, parse_query("カ")) == []


_SCRIPTS = (
    "aàéöŁıßẞﬁ", "ёйї", "ΐᾧς", "بُأـآ", "שָׁלֹ", "한국어각ᇫㅋ", "がぱカゞヴｶﾊﾞﾟー",
    "กำน้ำุู", "ນຳ້ໜຸ", "ဦးမြို့်", "क़ज़श्री", "কোড়ৎ", "കൊൻർ", "དྷརྨ",
)  # fmt: skip


@given(st.sampled_from(_SCRIPTS).flatmap(lambda letters: st.text(alphabet=f"{letters} 9.")))
def test_composed_and_decomposed_text_has_the_same_words(said: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, said) for form in ("NFC", "NFD"))
    assert terms_of(said) == terms_of(composed) == terms_of(decomposed)
    for word in split_words(decomposed):
        assert word.term in terms_of(decomposed[word.start : word.end])
