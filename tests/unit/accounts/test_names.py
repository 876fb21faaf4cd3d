"""Names: what one may be called."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.accounts.names import MAX_NAME_CHARS, check_email, check_name
from quarterdeck.errors import InputError
from quarterdeck.store.users import name_key


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Ann", "Ann"),
        ("  Ann   Lee ", "Ann Lee"),
        ("Ａｎｎ", "Ann"),
        ("Åsa", "Åsa"),
        ("李小龍", "李小龍"),
        ("O'Brien-2", "O'Brien-2"),
    ],
)
def test_a_name_is_kept_in_one_form(given_name: str, kept: str) -> None:
    assert check_name(given_name) == kept


@pytest.mark.parametrize(
    "name",
    ["", "   ", "x" * 41,
     "a\nb", "a\tb", "a\u200bb", "a\u202eb", "a\u00adb", "\u3164", "a\u3164b", "a\u2800b", "a\ufe0fb",
     "a\x00b", "a@b", "＠ann", "...", "a\ud800b", "a\U000e0041b", "\u2028x"],
)  # fmt: skip
def test_what_cannot_be_seen_or_told_apart_is_no_name(name: str) -> None:
    with pytest.raises(InputError):
        check_name(name)


@given(st.text(max_size=60))
def test_whatever_is_taken_is_short_visible_and_stays_as_it_is(text: str) -> None:
    try:
        name = check_name(text)
    except InputError:
        return
    assert 1 <= len(name) <= MAX_NAME_CHARS
    assert unicodedata.is_normalized("NFKC", name)
    assert all(unicodedata.category(char)[0] not in "CZ" or char == " " for char in name)
    assert check_name(name) == name
    assert name_key(name.upper()) == name_key(name) or name.upper().lower() != name.lower()


@pytest.mark.parametrize("address", ["", "ann@example.org", "a.b+c@x.y"])
def test_an_address_is_kept(address: str) -> None:
    assert check_email(f" {address} ") == address


@pytest.mark.parametrize("address", ["ann", "ann@", "@x", "a@b@c", "a b@c", "a@b,c@d", "<a@b>", "a@b\nBcc: c@d"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        check_email(address)
