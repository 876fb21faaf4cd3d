"""The text of a streamed answer, told at the ticks: nothing is lost when its reader is behind."""

from __future__ import annotations

import json

from quarterdeck.providers.polling import EMPTY_TICKS, Source
from quarterdeck.views.openai_chat import ChatIdentity, ChatStream
from quarterdeck.web.openai_chat import _Text
from quarterdeck.web.streams import Shortcut


class Reader:
    """Takes what it is given as long as it keeps up."""

    def __init__(self) -> None:
        self.keeps_up = True
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> bool:
        if self.keeps_up:
            self.pieces.append(piece)
        return self.keeps_up


def open_text(items: list[str | None], reader: Reader) -> _Text:
    shortcut = Shortcut()
    shortcut.write = reader.write
    stream = ChatStream(ChatIdentity("chatcmpl-1", "m", 0), 1, includes_usage=False)
    return _Text(stream, Source(lambda: items.pop(0)), shortcut)


def said(pieces: list[bytes]) -> str:
    chunks = [json.loads(piece.removeprefix(b"data: ")) for piece in pieces]
    return "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)


def test_what_comes_is_written_until_something_else_is_there() -> None:
    reader = Reader()
    text = open_text(["one ", "", "two ", None], reader)
    assert [text.write() for _ in range(4)] == [True, True, True, False]
    assert said(reader.pieces) == "one two "
    assert text.take_unwritten() == b""


def test_what_a_reader_that_is_behind_does_not_take_is_kept_for_who_waits() -> None:
    reader = Reader()
    text = open_text(["one ", "two ", "three"], reader)
    assert text.write()
    reader.keeps_up = False
    assert not text.write()
    assert said([text.take_unwritten()]) == "two "
    assert text.take_unwritten() == b""
    reader.keeps_up = True
    assert text.write()
    assert said(reader.pieces) == "one three"


def test_after_some_ticks_without_a_word_one_waits() -> None:
    text = open_text([""] * EMPTY_TICKS, Reader())
    assert [text.write() for _ in range(EMPTY_TICKS)] == [True] * (EMPTY_TICKS - 1) + [False]


def test_before_an_answer_has_begun_nothing_is_written_past_it() -> None:
    assert not Shortcut().write(b"data: {}\n\n")
