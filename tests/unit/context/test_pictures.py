"""Pictures of imported answers."""

from __future__ import annotations

from datetime import UTC

from quarterdeck.context.rendering import row_pieces
from quarterdeck.domain.parts import ImagePart, Part, TextPart
from quarterdeck.store.paths import PathRow

_PICTURE = ImagePart("image/png", "AAAA")


def row(role: str, parts: list[Part]) -> PathRow:
    return PathRow("m", None, role, parts, 1, 0, None, False, "")


def test_a_picture_in_a_question_is_sent_and_one_in_an_answer_is_not() -> None:
    [question] = row_pieces(row("user", [_PICTURE, TextPart("What is this?")]), None, "plain", UTC)
    assert _PICTURE in question.parts
    [answer] = row_pieces(row("assistant", [_PICTURE, TextPart("A dot")]), None, "plain", UTC)
    assert answer.parts == [TextPart("A dot")]
    assert row_pieces(row("assistant", [_PICTURE]), None, "plain", UTC) == []
