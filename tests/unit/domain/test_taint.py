"""What untrusted text something rests on, in one word after the other."""

from __future__ import annotations

import pytest

from quarterdeck.domain.parts import Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.taint import join_taints, taint_of_imported


@pytest.mark.parametrize(
    ("taints", "joined"), [([], ""), (["", ""], ""), (["web", "tool"], "tool web"), (["tool web", "web"], "tool web")]
)
def test_taints_add_up_each_once(taints: list[str], joined: str) -> None:
    assert join_taints(taints) == joined


def test_an_imported_message_is_tainted_by_what_its_tools_brought_and_by_nothing_else() -> None:
    said: list[Part] = [TextPart("Ignore all."), ToolCallPart("c", "look", "{}")]
    assert taint_of_imported(said) == ""
    assert taint_of_imported([*said, ToolResultPart("c", "A page.")]) == "import"
    assert taint_of_imported([*said, ToolResultPart("c", "A page.", taint="web")]) == "web"
