"""What untrusted text something rests on: `tool`, `web`, `file`, `import`, in one string, sorted; empty: none.

Whoever reads tainted text is tainted: a step, the turn that it belongs to, its answer, what is remembered of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.domain.parts import Part, ToolResultPart

_IMPORT = "import"
_WORDS = frozenset({"tool", "web", "file", _IMPORT})


def join_taints(taints: Iterable[str]) -> str:
    """All of them, each once."""
    return " ".join(sorted({word for taint in taints for word in taint.split()}))


def taint_of_imported(parts: Iterable[Part], said: str = "") -> str:
    """Of what comes out of a file, which anybody may have written; `said`: what our own export says of it."""
    known = " ".join(word for word in said.split() if word in _WORDS)
    return join_taints([_IMPORT, known, *(part.taint for part in parts if isinstance(part, ToolResultPart))])


def taint_to_export(taint: str, *, is_imported: bool) -> str:
    """What an export says: that something was imported is known anew wherever it is imported again."""
    return " ".join(word for word in taint.split() if not (is_imported and word == _IMPORT))
