"""What was said and remembered elsewhere, as a model is sent it: dated, with its id, and quoted.

Pure and stable: what was sent long ago is rebuilt with these functions (`context.texts`).
"""

from __future__ import annotations

from datetime import tzinfo

from quarterdeck.domain.parts import IdeaPart, Part, TextPart
from quarterdeck.domain.periods import local_time, write_time
from quarterdeck.store.memories import MemoryRow

MAX_QUOTE_CHARS = 1_200
MAX_OPENED_CHARS = 6_000
HOW_TO_CITE = "Where your answer rests on one of them, cite it as [[m:ID]] with its id, right behind the sentence."


def quote_message(
    message: str, role: str, at: int, parts: list[Part], zone: tzinfo, *, speaker: str = "", most: int = MAX_QUOTE_CHARS
) -> str:
    who = speaker or ("the user" if role == "user" else "the assistant")
    said = "".join(part.text for part in parts if isinstance(part, TextPart | IdeaPart)).strip()
    return f'<message id="{message}" by="{_attribute(who)}" said="{_time(at, zone)}">\n{_clip(said, most)}\n</message>'


def quote_memory(row: MemoryRow, zone: tzinfo) -> str:
    """With when it was said, and when it is true where that is known."""
    times = [f'said="{_time(row.said_at, zone)}"']
    times += [f'true_from="{_time(row.valid_from, zone)}"'] if row.valid_from is not None else []
    times += [f'true_until="{_time(row.valid_to, zone)}"'] if row.valid_to is not None else []
    text = _clip(row.text, MAX_QUOTE_CHARS)
    return f'<memory id="{row.id}" kind="{_attribute(row.kind)}" {" ".join(times)}>\n{text}\n</memory>'


def _time(at_ms: int, zone: tzinfo) -> str:
    return write_time(local_time(at_ms, zone))


def _clip(text: str, most: int) -> str:
    """What is quoted cannot close the quotation."""
    kept = text if len(text) <= most else f"{text[:most]} […]"
    for tag in ("message", "memory"):
        kept = kept.replace(f"</{tag}", f"<\\/{tag}")
    return kept


def _attribute(text: str) -> str:
    return " ".join(text.replace('"', "'").replace("<", "(").replace(">", ")").split())[:100]
