"""What is recalled from elsewhere in the user's log for one question: found within a moment, few, dated, and last."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

RECALLED_SHARE = 0.05  # of the budget


class Found(Struct, frozen=True):
    """One thing as the model is sent it; `source` are the fields of its entry in the manifest."""

    text: str
    source: dict[str, Any]


class Recollection(Struct, frozen=True):
    """`reason`: why nothing was looked for, or not to the end."""

    found: list[Found] = []
    reason: str = ""
