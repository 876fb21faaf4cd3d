"""Our own export: JSON Lines (`lines.py` writes them). A conversation's line is followed by those of its messages."""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.events import TurnFault
from quarterdeck.domain.parts import Continuation, Part, decode_parts
from quarterdeck.domain.usage import Usage
from quarterdeck.exchange.decoding import clean_text
from quarterdeck.exchange.draft import DraftConversation, DraftMessage
from quarterdeck.exchange.reading import at, id_in, list_in, ms_in, text_in
from quarterdeck.store.imports import Note

FORMAT = "quarterdeck export"
FORMAT_VERSION = 1
CONVERSATION_COLUMNS = (
    "model", "assistant", "assistant_name", "instructions", "temperature", "title_from", "pinned_at", "archived_at",
    "memory",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "status", "usage", "continuations", "error", "first_token_ms", "ended_at", "version", "edited_at", "context_mark",
    "speaker", "taint",
)  # fmt: skip
_RANGES = {"temperature": (0, 2), "version": (1, (1 << 31) - 1), "first_token_ms": (0, (1 << 31) - 1)}
_JSON_TYPES: dict[str, Any] = {"usage": Usage, "continuations": list[Continuation], "error": TurnFault}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "model": str, "assistant": str, "assistant_name": str, "instructions": str, "temperature": (int, float),
    "title_from": str, "memory": str,
    "pinned_at": int, "archived_at": int, "status": str, "usage": dict, "continuations": list, "error": dict,
    "first_token_ms": int, "ended_at": int, "version": int, "edited_at": int, "context_mark": str, "speaker": str,
    "taint": str,
}  # fmt: skip
_ALLOWED = {
    "title_from": ("words", "model", "user"),
    "memory": ("", "off", "private"),
    "status": ("complete", "stopped", "failed"),
    "context_mark": ("", "pinned", "excluded"),
}


def is_header(value: Any) -> bool:
    return text_in(value, "format") == FORMAT


def read_conversation(value: dict[str, Any]) -> DraftConversation:
    own = id_in(value, "id")
    return DraftConversation(
        source=id_in(value, "source") or f"quarterdeck:{own}",
        own_id=own,
        title=text_in(value, "title"),
        messages=[],
        current=id_in(value, "tip") or None,
        created_at=ms_in(value, "created_at"),
        updated_at=ms_in(value, "updated_at"),
        folder=text_in(value, "folder"),
        columns=_columns(value, CONVERSATION_COLUMNS),
    )


def add_message(draft: DraftConversation, value: dict[str, Any]) -> None:
    """Notes what cannot be one."""
    name = id_in(value, "id")
    parts = _parts_of(value)
    role = text_in(value, "role")
    if parts is None or role not in ("user", "assistant"):
        draft.skip(f"message {name}", "It has not the shape of a message.")
    draft.messages.append(
        DraftMessage(
            id=name,
            parent=id_in(value, "parent") or None,
            role=role if role in ("user", "assistant") and parts is not None else "",
            parts=[*(parts or [])],
            model=text_in(value, "model"),
            created_at=ms_in(value, "created_at"),
            active_child=id_in(value, "active_child") or None,
            source=id_in(value, "source"),
            columns=_columns(value, MESSAGE_COLUMNS),
            versions=[_read_version(version) for version in list_in(value, "versions") if _is_version(version)],
            ideas=[
                {"text": text, "created_at": ms_in(idea, "created_at")}
                for idea in list_in(value, "ideas")
                if (text := text_in(idea, "text"))
            ],
        )
    )


def note_unfinished(end: dict[str, Any]) -> Note | None:
    """What the last line says of answers that were still being written, and are not in the file."""
    count = end.get("unfinished")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        return None
    if count == 1:
        return Note("skipped", "1 answer", "It was still being written when the file was made.")
    return Note("skipped", f"{count} answers", "They were still being written when the file was made.")


def _columns(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Only values of the right kind: whoever wrote the file may not have been us."""
    found: dict[str, Any] = {}
    for name in names:
        given = value.get(name)
        if given is None or isinstance(given, bool) or not isinstance(given, _KINDS[name]):
            continue
        if name in _ALLOWED and given not in _ALLOWED[name]:
            continue
        if not _is_in_range(name, given):
            continue
        if name not in _JSON_TYPES:
            found[name] = text_in(value, name) if isinstance(given, str) else given
        elif (encoded := _encode_as(given, _JSON_TYPES[name])) is not None:
            found[name] = encoded
    return found


def _is_in_range(name: str, given: Any) -> bool:
    """Of a number: whether it is one that every database holds in that column."""
    if not isinstance(given, int | float):
        return True
    least, most = _RANGES.get(name, (0, (1 << 53) - 1))
    return least <= given <= most


def _encode_as(given: Any, kind: Any) -> str | None:
    """As it is stored, if it can be read again."""
    try:
        return clean_text(msgspec.json.encode(msgspec.convert(given, kind)).decode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _is_version(value: Any) -> bool:
    version = at(value, "version")
    is_number = isinstance(version, int) and not isinstance(version, bool)
    return is_number and _is_in_range("version", version) and _parts_of(value) is not None


def _read_version(value: Any) -> dict[str, Any]:
    return {"version": value["version"], "parts": _parts_of(value), "created_at": ms_in(value, "created_at") or 0}


def _parts_of(value: Any) -> list[Part] | None:
    try:
        parts = decode_parts(msgspec.json.encode(at(value, "parts")))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return [_clean(part) for part in parts]


def _clean(part: Part) -> Part:
    texts = {
        name: text for name, text in msgspec.structs.asdict(part).items() if isinstance(text, str) and "\0" in text
    }
    if not texts:
        return part
    return msgspec.structs.replace(part, **{name: clean_text(text) for name, text in texts.items()})
