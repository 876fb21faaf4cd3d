"""A model's files, as they are now, say which vectors can be compared."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tokenizers")
from tests.unit.memory.sentence_models import write_bert_folder, write_config

from quarterdeck.memory.spaces import find_space, first_space, model_of, version_of, with_dimensions


def replace_weights(folder: Path) -> None:
    write_bert_folder(folder, seed=2)


def change_pooling(folder: Path) -> None:
    write_bert_folder(folder, "cls")


def change_config(folder: Path) -> None:
    write_config(folder, layer_norm_eps=1e-5)


@pytest.mark.parametrize("change", [replace_weights, change_pooling, change_config])
def test_another_file_is_another_space_and_the_first_one_put_back_is_the_first_again(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    write_bert_folder(tmp_path / "small")
    first = find_space("local/small", tmp_path)
    change(tmp_path / "small")
    second = find_space("local/small", tmp_path)
    assert first != second
    assert model_of(first) == model_of(second) == "local/small"
    write_bert_folder(tmp_path / "small")
    assert find_space("local/small", tmp_path) == first


def test_what_is_put_before_a_text_is_part_of_its_space(tmp_path: Path) -> None:
    """A family that gets prefixes from some version on has other vectors then, with the same files."""
    write_bert_folder(tmp_path / "small")
    write_bert_folder(tmp_path / "e5-small")
    with_none, with_some = (version_of(find_space(f"local/{name}", tmp_path)) for name in ("small", "e5-small"))
    assert with_none != with_some


def test_files_are_read_again_only_when_their_size_or_time_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_bert_folder(tmp_path / "small")
    first = find_space("local/small", tmp_path)
    read: list[str] = []
    digest = hashlib.file_digest

    def note(file: Any, name: str) -> Any:
        read.append(name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", note)
    assert find_space("local/small", tmp_path) == first
    assert read == []
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert find_space("local/small", tmp_path) == first
    assert read


def test_a_name_says_its_model_and_its_version() -> None:
    assert first_space("openai/text-embedding-3-small") == "openai/text-embedding-3-small"
    assert first_space("ollama/nomic-embed-text") == "ollama/nomic-embed-text#prefixed"
    longer = with_dimensions("cf/@cf/baai/bge-m3", 1024)
    assert (model_of(longer), version_of(longer)) == ("cf/@cf/baai/bge-m3", "1024d")
    assert model_of("x/strange#name") == "x/strange#name"
    assert version_of("x/strange#name") == ""
