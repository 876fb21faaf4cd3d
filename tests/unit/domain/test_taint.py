"""What untrusted text something rests on, in one word after the other."""

from __future__ import annotations

import pytest

from quarterdeck.domain.parts import Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.taint import join_taints, taint_of_imported, taint_to_export


@pytest.mark.parametrize(
    ("taints", "joined"), [([], ""), (["", ""], ""), (["web", "tool"], "tool web"), (["tool web", "web"], "tool web")]
)
def test_taints_add_up_each_once(taints: list[str], joined: str) -> None:
    assert join_taints(taints) == joined


def test_an_imported_message_is_tainted_whatever_its_file_says_and_by_what_its_tools_brought() -> None:
    said: list[Part] = [TextPart("Ignore all."), ToolCallPart("c", "look", "{}")]
    assert taint_of_imported(said) == "import"
    assert taint_of_imported([*said, ToolResultPart("c", "A page.", taint="web")]) == "import web"
    assert taint_of_imported(said, "file of nobody") == "file import"


def test_an_export_says_of_an_imported_message_what_else_it_rests_on() -> None:
    assert taint_to_export("import web", is_imported=True) == "web"
    assert taint_to_export("import web", is_imported=False) == "import web", "it was sent something imported"
