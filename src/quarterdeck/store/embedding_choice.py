"""Which embedding model an admin has chosen, of which space its vectors are, and what became of the last try of it."""

from __future__ import annotations

from quarterdeck.store.database import AnyConnection, WriteConnection
from quarterdeck.store.settings import delete_setting, read_setting, save_setting

_MODEL = "embedding_model"
_FAULT = "embedding_fault"
_SPACE = "embedding_space"
_NONE = "none"


def read_choice(connection: AnyConnection) -> str | None:
    """None: nobody has chosen, the environment says it. Empty: no model."""
    stored = read_setting(connection, _MODEL)
    return None if not stored else "" if stored == _NONE else stored


def save_choice(connection: WriteConnection, model: str | None) -> None:
    if model is None:
        delete_setting(connection, _MODEL)
    else:
        save_setting(connection, _MODEL, model or _NONE)
    save_fault(connection, "", "")


def read_space(connection: AnyConnection, model: str) -> str:
    """The model in the version that makes its vectors now; empty: nobody has looked yet."""
    stored, space, _ = _read_space(connection)
    return space if stored == model else ""


def read_dimensions(connection: AnyConnection, space: str) -> int:
    """Of the space's vectors; 0: not known."""
    _, stored, dimensions = _read_space(connection)
    return int(dimensions or 0) if stored == space else 0


def _read_space(connection: AnyConnection) -> tuple[str, str, str]:
    model, space, dimensions = (*read_setting(connection, _SPACE).split("\n"), "", "", "")[:3]
    return model, space, dimensions


def save_space(connection: WriteConnection, model: str, space: str, dimensions: int = 0) -> None:
    save_setting(connection, _SPACE, f"{model}\n{space}\n{dimensions}")


def read_fault(connection: AnyConnection, model: str) -> str:
    """Why this model made no vectors when it was asked last; empty: it did."""
    failed, _, sentence = read_setting(connection, _FAULT).partition("\n")
    return sentence if failed == model else ""


def save_fault(connection: WriteConnection, model: str, sentence: str) -> None:
    """Empty `sentence`: all is well."""
    if sentence:
        save_setting(connection, _FAULT, f"{model}\n{sentence}")
    else:
        delete_setting(connection, _FAULT)
