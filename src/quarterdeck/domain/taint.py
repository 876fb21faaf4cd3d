"""What untrusted text something rests on: `tool`, `web`, `file`, `import`, in one string, sorted; empty: none.

Whoever reads tainted text is tainted: a step, the turn that it belongs to, its answer, what is remembered of it.
"""

from __future__ import annotations

from collections.abc import Iterable


def join_taints(taints: Iterable[str]) -> str:
    """All of them, each once."""
    return " ".join(sorted({word for taint in taints for word in taint.split()}))
