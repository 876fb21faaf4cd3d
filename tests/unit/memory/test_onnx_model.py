"""An ONNX sentence model: its tokens' vectors are pooled as its folder says, whatever stands beside a text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
import numpy as np
from tests.unit.memory.sentence_models import TEXTS, VOCABULARY, make_weights, write_onnx_folder

from quarterdeck.memory.local_places import find_local
from quarterdeck.memory.onnx_model import OnnxModel


def open_onnx(folder: Path) -> OnnxModel:
    return OnnxModel(find_local(str(folder)))


def look_up(text: str) -> np.ndarray:
    """The vocabulary's vectors of a text, its marks included."""
    words = ["[CLS]", *text.lower().split(), "[SEP]"]
    ids = [VOCABULARY.index(word) if word in VOCABULARY else VOCABULARY.index("[UNK]") for word in words]
    found: np.ndarray = make_weights()["embeddings.word_embeddings.weight"][ids]
    return found


def of_length_one(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_the_mean_of_the_tokens_is_the_texts_and_padding_counts_for_nothing(tmp_path: Path) -> None:
    model = open_onnx(write_onnx_folder(tmp_path))
    for text, made in zip(TEXTS * 3, model.embed(TEXTS * 3), strict=True):
        assert np.abs(made - of_length_one(look_up(text).mean(axis=0))).max() < 1e-6
    assert model.embed([]) == []


def test_the_first_token_is_the_texts_where_the_folder_says_so(tmp_path: Path) -> None:
    folder = write_onnx_folder(tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    made = open_onnx(folder).embed(["soup"])
    assert np.abs(made[0] - of_length_one(look_up("soup")[0])).max() < 1e-6


def test_what_the_model_pools_itself_is_taken_as_it_is(tmp_path: Path) -> None:
    made = open_onnx(write_onnx_folder(tmp_path, pools=True, name="onnx/model.onnx")).embed(["soup in lisbon"])
    assert np.abs(made[0] - of_length_one(look_up("soup in lisbon").sum(axis=0))).max() < 1e-6


def test_a_long_text_is_cut_where_the_models_places_end(tmp_path: Path) -> None:
    model = open_onnx(write_onnx_folder(tmp_path))
    long = model.embed(["soup " * 5_000])[0]
    wanted = look_up("soup " * (64 - 2 - 2)).mean(axis=0)  # 64 places, two of them not used, and the marks
    assert np.abs(long - of_length_one(wanted)).max() < 1e-6


def test_a_file_that_is_no_such_model_is_an_error_that_says_so(tmp_path: Path) -> None:
    folder = write_onnx_folder(tmp_path)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match="onnxruntime cannot read it"):
        open_onnx(folder)
