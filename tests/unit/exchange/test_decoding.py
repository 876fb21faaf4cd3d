"""Elements as real exports have them: large, deep, and not quite JSON."""

from __future__ import annotations

import json

import pytest

from quarterdeck.exchange.decoding import decode_deep, decode_element


def test_what_is_large_reads_like_what_is_small() -> None:
    nodes = {f"n{number}": {"id": f"n{number}", "text": "x" * 1_000} for number in range(5_000)}
    for name, held in (("mapping", nodes), ("chat_messages", list(nodes.values()))):
        read = decode_element(json.dumps({"title": "T", name: held, "end": [1]}).encode())
        assert (read["title"], read["end"]) == ("T", [1])
        assert (dict(read[name].items()) if name == "mapping" else list(read[name])) == held


def test_a_node_that_is_broken_breaks_its_conversation_however_large() -> None:
    filling = json.dumps("x" * (5 << 20))
    with pytest.raises(ValueError, match=r"."):
        decode_element(f'{{"mapping": {{"a": {filling}, "b": {{"c": tru}}}}}}'.encode())


@pytest.mark.parametrize("text", ["[1,]", '{"a"}', "[1}", '["a', '{"a":', "x", ""])
def test_what_is_no_json_is_none_without_recursion_either(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_deep(text)


def test_half_surrogates_and_bad_bytes_become_replacement_characters() -> None:
    assert decode_element(b'{"a": "\\ud800x", "b": ["\xff"]}') == {"a": "\ufffdx", "b": ["\ufffd"]}
