"""A sentence model of the BERT family, computed by numpy: no server, no key, no compiled extra.

A folder as such models come in: `config.json`, `tokenizer.json`, `model.safetensors`. The mean of the last layer's
vectors is the text's, or its first one where `1_Pooling/config.json` says so. Loaded only where the setting names one.

The tokens of several texts stand in one matrix, one after the other, without padding; only attention looks at each
text for itself.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from quarterdeck.memory.local_places import LocalPlace
from quarterdeck.memory.local_texts import batch_by_length, read_pooling

_MOST_TOKENS = 256
_TOGETHER = 1_024  # tokens: more of them in one matrix are no faster, and need memory
_ROWS = 32  # whose activations stay in the processor's cache
_TYPES = {"F32": np.float32, "F16": np.float16}


class LocalModel:
    """Several threads may ask. Raises: `OSError`, `KeyError`, `ValueError` for a folder that holds no such model."""

    def __init__(self, place: LocalPlace) -> None:
        config = json.loads((place.file.parent / "config.json").read_text(encoding="utf-8"))
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._weights = _join_projections(_read_weights(place.file), self._layers)
        self._pooling = read_pooling(place.folder)
        self._tokenizer = Tokenizer.from_file(str(place.folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(min(_MOST_TOKENS, int(config.get("max_position_embeddings", _MOST_TOKENS))))
        self._tokenizer.no_padding()

    def embed(self, texts: list[str]) -> list[list[float]]:
        """Of the length one, in the order of the texts."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        made: list[list[float]] = [[] for _ in texts]
        for some in batch_by_length([len(ids) for ids in tokens], _TOGETHER):
            for at, vector in zip(some, self._compute([tokens[at] for at in some]), strict=True):
                made[at] = vector.tolist()
        return made

    def _compute(self, tokens: list[list[int]]) -> np.ndarray:
        lengths = [len(ids) for ids in tokens]
        ends = np.concatenate([[0], np.cumsum(lengths)]).tolist()
        x = self._embed_tokens(np.concatenate(tokens), np.concatenate([np.arange(length) for length in lengths]))
        for layer in range(self._layers):
            x = self._run_layer(f"encoder.layer.{layer}.", x, ends)
        if self._pooling == "cls":
            pooled = x[ends[:-1]]
        else:
            pooled = np.stack([x[start:end].mean(axis=0) for start, end in pairwise(ends)])
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _embed_tokens(self, ids: np.ndarray, places: np.ndarray) -> np.ndarray:
        weights = self._weights
        x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][places]
        return self._normalise(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")

    def _run_layer(self, name: str, x: np.ndarray, ends: list[int]) -> np.ndarray:
        projected = self._linear(x, f"{name}attention.self")
        seen = np.empty_like(x)
        for start, end in pairwise(ends):
            seen[start:end] = self._attend(projected[start:end])
        x = self._normalise(
            x + self._linear(seen, f"{name}attention.output.dense"), f"{name}attention.output.LayerNorm"
        )
        inner = _apply_gelu(self._linear(x, f"{name}intermediate.dense"))
        return self._normalise(x + self._linear(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _attend(self, projected: np.ndarray) -> np.ndarray:
        """`projected`: tokens of one text by queries, keys and values beside each other."""
        length, width = projected.shape
        size = width // 3 // self._heads
        query, key, value = projected.reshape(length, 3, self._heads, size).transpose(1, 2, 0, 3)
        attention = query @ key.transpose(0, 2, 1)
        attention *= np.float32(1 / math.sqrt(size))
        attention -= attention.max(axis=-1, keepdims=True)
        np.exp(attention, out=attention)
        attention /= attention.sum(axis=-1, keepdims=True)
        found: np.ndarray = (attention @ value).transpose(1, 0, 2).reshape(length, width // 3)
        return found

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        made: np.ndarray = x @ self._weights[f"{name}.weight"].T
        made += self._weights[f"{name}.bias"]
        return made

    def _normalise(self, x: np.ndarray, name: str) -> np.ndarray:
        x -= x.mean(axis=-1, keepdims=True)
        x /= np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[1]) + np.float32(self._epsilon))
        x *= self._weights[f"{name}.weight"]
        x += self._weights[f"{name}.bias"]
        return x


def _apply_gelu(x: np.ndarray) -> np.ndarray:
    """In place, some rows at a time: it is bound by memory, not by arithmetic."""
    for start in range(0, len(x), _ROWS):
        _gelu_rows(x[start : start + _ROWS])
    return x


def _gelu_rows(x: np.ndarray) -> None:
    """With the error function as Abramowitz and Stegun approximate it (7.1.26): exact to seven digits."""
    z = np.abs(x)
    z *= np.float32(1 / math.sqrt(2))
    t = z * np.float32(0.3275911)
    t += np.float32(1)
    np.reciprocal(t, out=t)
    series = t * np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(factor)
        series *= t
    z *= z
    np.negative(z, out=z)
    np.exp(z, out=z)
    series *= z
    np.subtract(np.float32(1), series, out=series)
    np.copysign(series, x, out=series)
    series += np.float32(1)
    x *= series
    x *= np.float32(0.5)


def _join_projections(weights: dict[str, np.ndarray], layers: int) -> dict[str, np.ndarray]:
    """Queries, keys and values of a layer come of one multiplication."""
    for layer in range(layers):
        name = f"encoder.layer.{layer}.attention.self."
        for part in ("weight", "bias"):
            joined = [weights.pop(f"{name}{of}.{part}") for of in ("query", "key", "value")]
            weights[f"{name}{part}"] = np.concatenate(joined)
    return weights


def _read_weights(path: Path) -> dict[str, np.ndarray]:
    """A safetensors file: the length of a JSON header, the header, the numbers."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + length])
    weights = {}
    for name, entry in header.items():
        kind = _TYPES.get(entry.get("dtype", ""))
        if kind is not None:
            start, end = entry["data_offsets"]
            numbers = np.frombuffer(raw[8 + length + start : 8 + length + end], dtype=kind)
            weights[name.removeprefix("bert.")] = numbers.reshape(entry["shape"]).astype(np.float32)
    return weights
