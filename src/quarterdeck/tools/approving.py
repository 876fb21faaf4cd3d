"""The gate before side effects: what untrusted text may have asked for, only the user can allow."""

from __future__ import annotations

import hashlib

from quarterdeck.domain.parts import ToolCallPart
from quarterdeck.tools.base import Tool


def needs_approval(tool: Tool, taint: str) -> bool:
    """`taint`: of the turn. Where nothing untrusted was read, the user's own words have asked for it."""
    return tool.effect == "side_effect" and (bool(taint) or tool.always_asks)


def digest_of(part: ToolCallPart) -> str:
    """Of exactly what would be done: an approval is bound to it."""
    return hashlib.sha256(f"{part.name}\n{part.arguments}".encode("utf-8", "surrogatepass")).hexdigest()
