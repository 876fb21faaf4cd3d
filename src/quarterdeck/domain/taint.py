"""What untrusted text something rests on: `tool`, `web`, `file`, `import`, in one string, sorted; empty: none.

Whoever reads tainted text is tainted: a step, the turn that it belongs to, its answer, what is remembered of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.domain.parts import Part, ToolResultPart


def join_taints(taints: Iterable[str]) -> str:
    """All of them, each once."""
    return " ".join(sorted({word for taint in taints for word in taint.split()}))


def taint_of_imported(parts: Iterable[Part]) -> str:
    """Of a message that comes from another program: what its tools brought back is nobody's own words."""
    return join_taints(part.taint or "import" for part in parts if isinstance(part, ToolResultPart))
