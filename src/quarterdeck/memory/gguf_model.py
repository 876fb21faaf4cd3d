"""A sentence model in the GGUF format, computed by llama.cpp through `xllamacpp` (the extra `gguf`).

What it offers is llama.cpp's server in this process. That listens: here on a socket in a folder that nobody else may
enter, with a key that nobody knows.
"""

from __future__ import annotations

import secrets
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from quarterdeck.memory.local_places import LocalPlace

_MOST_TOKENS = 512
_AT_ONCE = 4  # texts that are computed together


class _Entry(Struct):
    embedding: list[float]
    index: int = 0


class _Answer(Struct):
    data: list[_Entry]


class GgufModel:
    """Several threads may ask. Raises: `ValueError` for a file that is no such model.

    A text that has more tokens than the model takes is cut, half by half.
    """

    def __init__(self, place: LocalPlace) -> None:
        llama = import_module("xllamacpp")
        self._folder = TemporaryDirectory(prefix="quarterdeck-gguf-")
        wanted = llama.CommonParams()
        wanted.model.path = str(place.file)
        wanted.embedding = True
        wanted.warmup = False
        wanted.verbosity = -1
        wanted.n_parallel = _AT_ONCE
        wanted.n_ctx = _MOST_TOKENS * _AT_ONCE
        wanted.n_batch = wanted.n_ubatch = _MOST_TOKENS
        wanted.n_gpu_layers = 0
        # Indexing is work beside: one thread leaves the other cores to answers.
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = wanted.n_threads_http = 1
        wanted.hostnames = [f"{self._folder.name}/socket.sock"]
        wanted.api_keys = [secrets.token_urlsafe(32)]
        wanted.endpoint_slots = False
        try:
            self._server = llama.Server(wanted)
        except RuntimeError as error:
            raise ValueError(f"llama.cpp cannot read it: {error}") from error
        # One that is dropped before its loop runs misses that it should end, and keeps the whole process waiting.
        self._ask(["a"])

    def embed(self, texts: list[str]) -> list[list[float]]:
        """Of the length one, in the order of the texts."""
        if not texts:
            return []
        made = self._ask(texts)
        if made is None:  # one has too many tokens
            made = [self._embed_shortened(text) for text in texts]
        vectors = np.asarray(made, dtype=np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))
        listed: list[list[float]] = vectors.tolist()
        return listed

    def _embed_shortened(self, text: str) -> list[float]:
        most = len(text)
        while (made := self._ask([text[:most]])) is None:
            if most <= 1:
                raise ValueError("llama.cpp makes no vectors with it")
            most = max(1, min(most // 2, _MOST_TOKENS * 4))
        return made[0]

    def _ask(self, texts: list[str]) -> list[list[float]] | None:
        """None: a text is too long. Raises: `ValueError`."""
        answer: Any = self._server.handle_embeddings({"input": texts})
        if isinstance(answer, dict) and "error" in answer:
            said = str(answer["error"])
            if "too large" in said or "exceed_context_size" in said:
                return None
            raise ValueError(f"llama.cpp: {said}")
        try:
            entries = msgspec.convert(answer, _Answer).data
        except msgspec.ValidationError as error:
            raise ValueError(f"llama.cpp: {error}") from error
        if len(entries) != len(texts):
            raise ValueError(f"llama.cpp: {len(entries)} vectors for {len(texts)} texts")
        return [entry.embedding for entry in sorted(entries, key=lambda entry: entry.index)]
