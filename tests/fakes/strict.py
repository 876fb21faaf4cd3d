"""Checks a request's body against a vendor's published types; unknown fields are errors, at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError


class StrictType:
    """A `TypedDict` (or a union of them) of an official client, taken at its word."""

    def __init__(self, expected: Any) -> None:
        # In a list, since pydantic takes no config for a bare `TypedDict`.
        self._adapter: TypeAdapter[Any] = TypeAdapter(list[expected], config=ConfigDict(extra="forbid"))

    def find_fault(self, body: Any) -> str:
        """What is wrong with `body` in one line, "" when nothing is."""
        try:
            return _find_extra(self._adapter.validate_python([body]))
        except ValidationError as error:
            return first_line(error)


def first_line(error: ValidationError) -> str:
    """The errors that matter: an unknown field says more than a union's other branches."""
    errors = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    return "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in errors[:3])


def _find_extra(value: Any) -> str:
    """Takes every item (pydantic checks those of an `Iterable` only then).

    Some types allow the client's own response models inside a request, and those allow unknown fields.
    """
    if isinstance(value, BaseModel):
        unknown = sorted(value.model_extra or {})
        return f"{', '.join(unknown)}: Extra inputs are not permitted" if unknown else ""
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, (list, tuple, Iterator)) or type(value).__name__ == "ValidatorIterator":
        items = value
    return next((found for item in items if (found := _find_extra(item))), "")
