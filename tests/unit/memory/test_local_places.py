"""Where a local model is found, of which kind it is, and what is said where there is none."""

from __future__ import annotations

import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from tests.unit.memory.sentence_models import write_bert_folder, write_config, write_tokenizer

from quarterdeck.errors import SetupError
from quarterdeck.memory import local_places
from quarterdeck.memory.local_places import find_local, list_local


@pytest.fixture(autouse=True)
def everything_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {
        kind: local_places._KindRow(row.extra, ("json",), row.opened_by) for kind, row in local_places._KINDS.items()
    }
    monkeypatch.setattr(local_places, "_KINDS", rows)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize("file", ["model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"])
def test_an_onnx_model_is_found_wherever_exporters_put_it(tmp_path: Path, file: str) -> None:
    weights = touch(tmp_path / "one" / file)
    write_tokenizer(tmp_path / "one")
    place = find_local("one", tmp_path)
    assert (place.kind, place.file, place.folder) == ("onnx", weights, tmp_path / "one")
    by_path = find_local(str(weights))
    assert (by_path.kind, by_path.file, by_path.folder) == ("onnx", weights, tmp_path / "one")


def test_weights_of_the_bert_family_are_preferred_and_those_of_another_left(tmp_path: Path) -> None:
    folder = write_bert_folder(tmp_path / "one")
    touch(folder / "model.onnx")
    assert find_local("one", tmp_path).kind == "bert"
    write_config(folder, model_type="mpnet")
    assert find_local("one", tmp_path).kind == "onnx"
    (folder / "model.onnx").unlink()
    with pytest.raises(SetupError, match="There is no sentence model in"):
        find_local("one", tmp_path)


def test_a_gguf_is_found_by_its_name_its_path_or_its_folder(tmp_path: Path) -> None:
    file = touch(tmp_path / "minilm" / "minilm-q8.gguf")
    for name in ("minilm", str(file), str(file.parent)):
        assert (find_local(name, tmp_path).kind, find_local(name, tmp_path).file) == ("gguf", file)
    touch(tmp_path / "minilm" / "another.gguf")
    with pytest.raises(SetupError, match=r"a file that ends with \.gguf"):
        find_local("minilm", tmp_path)
    assert find_local(touch(tmp_path / "flat.gguf").name, tmp_path).kind == "gguf"


def test_a_package_that_carries_a_model_is_found_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bert_folder(tmp_path / "some_sentence_model" / "model")
    touch(tmp_path / "some_sentence_model" / "__init__.py").write_text("raise SystemExit('it must not be imported')")
    info = tmp_path / "some_sentence_model-1.dist-info"
    touch(info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-sentence-model\nVersion: 1\n")
    (info / "RECORD").write_text("some_sentence_model/__init__.py,,\nsome_sentence_model/model/model.safetensors,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(local_places, "distributions", lambda: [PathDistribution(info)])
    assert find_local("some-sentence-model").kind == "bert"
    touch(tmp_path / "models" / "flat.gguf")
    touch(tmp_path / "models" / "notes.txt")
    assert [place.name for place in list_local(tmp_path / "models")] == ["flat.gguf", "some-sentence-model"]
    assert "some_sentence_model" not in sys.modules


def test_a_name_leads_nowhere_outside_of_the_folder_of_models(tmp_path: Path) -> None:
    touch(tmp_path / "secret.gguf")
    (tmp_path / "models").mkdir()
    for name in ("../secret.gguf", "..", "models/../../secret.gguf", ".", "os.path"):
        with pytest.raises(SetupError):
            find_local(name, tmp_path / "models")


def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "flat.gguf")
    row = local_places._KindRow("gguf", ("no_module_of_that_name",), "gguf_model:GgufModel")
    monkeypatch.setitem(local_places._KINDS, "gguf", row)
    with pytest.raises(SetupError, match=r"pip install 'quarterdeck\[gguf\]'"):
        find_local("flat.gguf", tmp_path)
    assert list_local(tmp_path) == []


def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"put a folder or file of that name into .*, or install the Python package"):
        find_local("no-such-model", tmp_path)
    with pytest.raises(SetupError, match="There is no embedding model /no/such/folder"):
        find_local("/no/such/folder", tmp_path)
