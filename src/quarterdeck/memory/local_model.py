"""A sentence model of the BERT family, computed by numpy: no server, no key, no compiled extra.

A folder as such models come in: `config.json`, `tokenizer.json`, `model.safetensors`. The mean of the last layer's
vectors is the text's. Loaded only where the setting names one.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

_MOST_TOKENS = 256
_AT_ONCE = 16
_TYPES = {"F32": np.float32, "F16": np.float16}


class LocalModel:
    """Raises: `OSError`, `KeyError`, `ValueError` for a folder that holds no such model."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._weights = _read_weights(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(min(_MOST_TOKENS, int(config.get("max_position_embeddings", _MOST_TOKENS))))
        self._tokenizer.no_padding()

    def embed(self, texts: list[str]) -> list[list[float]]:
        """Texts of like length are computed together."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        made: list[list[float]] = [[] for _ in texts]
        for start in range(0, len(order), _AT_ONCE):
            some = order[start : start + _AT_ONCE]
            for at, vector in zip(some, self._compute([tokens[at] for at in some]), strict=True):
                made[at] = vector.tolist()
        return made

    def _compute(self, tokens: list[list[int]]) -> np.ndarray:
        width = max(len(ids) for ids in tokens)
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros((len(tokens), width), dtype=np.float32)
        for row, known in enumerate(tokens):
            ids[row, : len(known)] = known
            mask[row, : len(known)] = 1.0
        x = self._embed_tokens(ids)
        bias = (1.0 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self._layers):
            x = self._run_layer(f"encoder.layer.{layer}.", x, bias)
        mean = (x * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _embed_tokens(self, ids: np.ndarray) -> np.ndarray:
        weights = self._weights
        words = weights["embeddings.word_embeddings.weight"][ids]
        places = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        return self._normalise(
            words + places + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm"
        )

    def _run_layer(self, name: str, x: np.ndarray, bias: np.ndarray) -> np.ndarray:
        batch, width, size = x.shape
        shape = (batch, width, self._heads, size // self._heads)
        query, key, value = (
            self._linear(x, f"{name}attention.self.{part}").reshape(shape).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        attention = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(shape[3])) + bias
        attention = np.exp(attention - attention.max(axis=-1, keepdims=True))
        attention /= attention.sum(axis=-1, keepdims=True)
        seen = (attention @ value).transpose(0, 2, 1, 3).reshape(batch, width, size)
        x = self._normalise(
            x + self._linear(seen, f"{name}attention.output.dense"), f"{name}attention.output.LayerNorm"
        )
        inner = _gelu(self._linear(x, f"{name}intermediate.dense"))
        return self._normalise(x + self._linear(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normalise(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        return x / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(x: np.ndarray) -> np.ndarray:
    """With the error function as Abramowitz and Stegun approximate it (7.1.26): exact to seven digits."""
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    error = np.sign(x) * (1 - series * np.exp(-z * z))
    return np.float32(0.5) * x * (1 + error)


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
