"""What local sentence models have in common: which texts are computed together, and how a text's vector is made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

Pooling = Literal["mean", "cls"]


def batch_by_length(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Places of texts of like length, the short ones first: together, padded to the longest, at most `most_tokens`.

    One that is longer than that comes alone.
    """
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[at] * (len(batch) + 1) > most_tokens:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def read_pooling(folder: Path) -> Pooling:
    """As sentence-transformers writes it down; the mean where nothing is said.

    Raises: `OSError`, `ValueError` for a file that cannot be read, or a kind that is not computed here.
    """
    file = folder / "1_Pooling" / "config.json"
    if not file.is_file():
        return "mean"
    told = json.loads(file.read_text(encoding="utf-8"))
    wanted = [name for name, is_on in told.items() if name.startswith("pooling_mode_") and is_on is True]
    if wanted == ["pooling_mode_cls_token"]:
        return "cls"
    if wanted in ([], ["pooling_mode_mean_tokens"]):
        return "mean"
    raise ValueError(f"{wanted} is no pooling that is computed here")
