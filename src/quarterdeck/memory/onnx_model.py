"""A sentence model in the ONNX format, computed by onnxruntime (the extra `onnx`).

`model.onnx` takes `input_ids` and `attention_mask` (and `token_type_ids`, if it asks for them), each batch by tokens.
It gives vectors of the texts, batch by size, or of their tokens, batch by tokens by size; these are pooled here.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from quarterdeck.memory.local_places import LocalPlace
from quarterdeck.memory.local_texts import batch_by_length, read_pooling

_MOST_TOKENS = 512
_TOGETHER = 1_024  # tokens, padding included
_POOLED = ("sentence_embedding", "text_embeds")  # outputs that are the texts' vectors, as exporters name them


class OnnxModel:
    """Several threads may ask. Raises: `OSError`, `ValueError`, `RuntimeError` for a file that is no such model."""

    def __init__(self, place: LocalPlace) -> None:
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        # Indexing is work beside: one thread leaves the other cores to answers.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = runtime.InferenceSession(str(place.file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its classes share no ancestor but this
            raise ValueError(f"onnxruntime cannot read it: {error}") from error
        self._inputs = [one.name for one in self._session.get_inputs()]
        if "input_ids" not in self._inputs:
            raise ValueError(f"it takes {self._inputs}, not input_ids")
        outputs = [one.name for one in self._session.get_outputs()]
        self._output = next((name for name in outputs if name in _POOLED), outputs[0])
        self._pooling = read_pooling(place.folder)
        self._tokenizer = Tokenizer.from_file(str(place.folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_most_tokens(place.folder))
        self._tokenizer.no_padding()

    def embed(self, texts: list[str]) -> list[list[float]]:
        """Of the length one, in the order of the texts."""
        tokens = [encoding.ids or [0] for encoding in self._tokenizer.encode_batch(texts)]
        made: list[list[float]] = [[] for _ in texts]
        for some in batch_by_length([len(ids) for ids in tokens], _TOGETHER):
            for at, vector in zip(some, self._compute([tokens[at] for at in some]), strict=True):
                made[at] = vector.tolist()
        return made

    def _compute(self, tokens: list[list[int]]) -> np.ndarray:
        width = max(len(ids) for ids in tokens)
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros((len(tokens), width), dtype=np.int64)
        for row, known in enumerate(tokens):
            ids[row, : len(known)] = known
            mask[row, : len(known)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            made = self._session.run([self._output], {name: given[name] for name in self._inputs})[0]
        except Exception as error:
            raise ValueError(f"onnxruntime cannot compute it: {error}") from error
        pooled = self._pool(made.astype(np.float32), mask)
        return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), np.float32(1e-9))

    def _pool(self, made: np.ndarray, mask: np.ndarray) -> np.ndarray:
        if made.ndim == 2:
            return made
        if self._pooling == "cls":
            first: np.ndarray = made[:, 0]
            return first
        weights = mask[:, :, None].astype(np.float32)
        mean: np.ndarray = (made * weights).sum(axis=1) / weights.sum(axis=1)
        return mean


def _most_tokens(folder: Path) -> int:
    """As many as the model has places for, where its `config.json` says it."""
    file = folder / "config.json"
    told: Any = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    places = told.get("max_position_embeddings", _MOST_TOKENS)
    if told.get("model_type") in ("roberta", "xlm-roberta", "mpnet", "camembert"):
        places -= 2  # they count from two
    return max(2, min(_MOST_TOKENS, int(places)))
