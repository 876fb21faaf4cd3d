"""Which vectors can be compared: those of one model in one version. Such a space has a name, stored with each vector.

local/minilm#5f0c31d2a9be    a local model: a digest of its files (and of the prefixes that are put before texts)
openai/some-model            a provider's model; nobody tells its version
openai/some-model#768d       the same after it began to give vectors of another length
ollama/e5-small#prefixed     a provider's model that wants prefixes
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from quarterdeck.memory.local_places import LocalPlace, find_local
from quarterdeck.memory.prefixes import prefixes_of

_VERSION = re.compile(r"#(?:[0-9a-f]{12}|[0-9]+d|prefixed)$")
_BESIDE = ("tokenizer.json", "config.json", "1_Pooling/config.json")


def model_of(space: str) -> str:
    return _VERSION.sub("", space)


def version_of(space: str) -> str:
    """Empty where none is known."""
    return space[len(model_of(space)) + 1 :]


def with_dimensions(model: str, dimensions: int) -> str:
    return f"{model}#{dimensions}d"


def first_space(model: str) -> str:
    """As long as nothing else is known of it."""
    is_prefixed = not model.startswith("local/") and prefixes_of(model).query
    return f"{model}#prefixed" if is_prefixed else model


def find_space(model: str, models: Path | None = None) -> str:
    """The space of a model as it is now. A local model's files are read when their sizes or times have changed.

    Raises: `SetupError` for a local model that is not there, `OSError`.
    """
    kind, _, name = model.partition("/")
    return f"{model}#{digest_of(find_local(name, models))}" if kind == "local" else first_space(model)


def digest_of(place: LocalPlace) -> str:
    """Of everything that says what the vectors are: 12 hexadecimal digits. Raises: `OSError`."""
    files = _files_of(place)
    stats = [file.stat() for file in files]
    prefixes = prefixes_of(f"local/{place.name}")
    return _read_digest(files, tuple((stat.st_size, stat.st_mtime_ns) for stat in stats), prefixes.query)


def _files_of(place: LocalPlace) -> tuple[Path, ...]:
    if place.kind == "gguf":
        return (place.file,)
    folders = dict.fromkeys((place.file.parent, place.folder))
    beside = [folder / name for folder in folders for name in _BESIDE]
    outside = sorted(place.file.parent.glob(f"{place.file.name}?data"))  # weights that ONNX keeps apart
    return (place.file, *outside, *(file for file in beside if file.is_file()))


@lru_cache(16)
def _read_digest(files: tuple[Path, ...], _stamps: tuple[tuple[int, int], ...], prefix: str) -> str:
    digest = hashlib.sha256(prefix.encode())
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:12]
