"""JSON objects as other places send them: one object, and nothing in it said twice."""

from __future__ import annotations

import json
from typing import Any


def read_object(text: bytes) -> dict[str, Any]:
    """Raises: `ValueError` when it is no object, says something twice, or has a number that is none."""
    try:
        found = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _refuse(name: str) -> float:
    raise ValueError(name)
