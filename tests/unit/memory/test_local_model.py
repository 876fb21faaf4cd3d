"""A sentence model that numpy computes: against another computation of the same, and for texts of any length."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.waiting import trials
from tests.unit.memory.sentence_models import TEXTS, write_bert_folder

from quarterdeck.memory.local_texts import batch_by_length, read_pooling

pytest.importorskip("tokenizers")
import numpy as np

from quarterdeck.memory import local_model
from quarterdeck.memory.local_model import LocalModel
from quarterdeck.memory.local_places import find_local


def open_bert(folder: Path, pooling: str = "mean") -> LocalModel:
    return LocalModel(find_local(str(write_bert_folder(folder, pooling))))


def compute_plainly(folder: Path, ids: list[int]) -> np.ndarray:
    """One text, head by head, with the error function of the standard library; the tokens' last vectors."""
    config = json.loads((folder / "config.json").read_text())
    weights = {name: array.astype(np.float64) for name, array in local_model._read_weights(
        folder / "model.safetensors"
    ).items()}  # fmt: skip

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normalise(x: np.ndarray, name: str) -> np.ndarray:
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + config["layer_norm_eps"])
        return (x - x.mean(axis=-1, keepdims=True)) / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = normalise(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    size = config["hidden_size"] // config["num_attention_heads"]
    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}."
        query, key, value = (linear(x, f"{name}attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for start in range(0, config["hidden_size"], size):
            at = slice(start, start + size)
            weight = np.exp(query[:, at] @ key[:, at].T / math.sqrt(size))
            heads.append(weight / weight.sum(axis=1, keepdims=True) @ value[:, at])
        x = normalise(
            x + linear(np.concatenate(heads, axis=1), f"{name}attention.output.dense"),
            f"{name}attention.output.LayerNorm",
        )
        inner = linear(x, f"{name}intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = normalise(x + linear(inner, f"{name}output.dense"), f"{name}output.LayerNorm")
    return x


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_those_of_the_model_computed_plainly(tmp_path: Path, pooling: str) -> None:
    model = open_bert(tmp_path, pooling)
    for text, made in zip(TEXTS, model.embed(TEXTS), strict=True):
        last = compute_plainly(tmp_path, model._tokenizer.encode(text).ids)
        wanted = last.mean(axis=0) if pooling == "mean" else last[0]
        assert np.abs(made - wanted / np.linalg.norm(wanted)).max() < 1e-5


def test_a_text_has_the_same_vector_alone_and_among_others_in_any_order(tmp_path: Path) -> None:
    model = open_bert(tmp_path)
    shuffled = random.Random(7).sample(TEXTS * 40, len(TEXTS) * 40)
    alone = {text: model.embed([text])[0] for text in TEXTS}
    for text, made in zip(shuffled, model.embed(shuffled), strict=True):
        assert np.abs(np.array(made) - alone[text]).max() < 1e-5


def test_a_text_of_any_length_has_a_vector_of_length_one(tmp_path: Path) -> None:
    made = open_bert(tmp_path).embed([" ", "soup " * 5_000, "☃ 漢字"])
    assert [round(float(np.linalg.norm(vector)), 4) for vector in made] == [1.0, 1.0, 1.0]


def test_no_texts_have_no_vectors(tmp_path: Path) -> None:
    assert open_bert(tmp_path).embed([]) == []


def test_gelu_is_exact_to_six_digits() -> None:
    values = np.linspace(-8, 8, 4_001, dtype=np.float32).reshape(-1, 1)
    wanted = [0.5 * value * (1 + math.erf(value / math.sqrt(2))) for value in values[:, 0].tolist()]
    assert np.abs(local_model._apply_gelu(values.copy())[:, 0] - wanted).max() < 1e-6


@settings(max_examples=trials(50, 200))
@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 1_024))
def test_batches_have_every_text_once_and_keep_their_size(lengths: list[int], most: int) -> None:
    batches = list(batch_by_length(lengths, most))
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[at] for at in batch) * len(batch) <= most


def test_what_pooling_a_folder_names_is_used_and_another_one_refused(tmp_path: Path) -> None:
    assert read_pooling(tmp_path) == "mean"
    folder = tmp_path / "1_Pooling"
    folder.mkdir()
    for told, wanted in (("cls_token", "cls"), ("mean_tokens", "mean")):
        (folder / "config.json").write_text(
            json.dumps({f"pooling_mode_{told}": True, "pooling_mode_max_tokens": False})
        )
        assert read_pooling(tmp_path) == wanted
    (folder / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(ValueError, match="max_tokens"):
        read_pooling(tmp_path)
