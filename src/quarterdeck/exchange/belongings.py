"""What our own export has beside conversations: folders, assistants, snippets. Known by their names."""

from __future__ import annotations

from typing import Any

import msgspec

from quarterdeck.domain.ids import now_ms
from quarterdeck.exchange.reading import list_in, ms_in, text_in
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.importing import (
    find_or_make_folder,
    find_own_assistant,
    has_snippet,
    insert_assistant_row,
    insert_snippet_row,
)
from quarterdeck.store.imports import Note

_MAX_NAME_CHARS = 200
_MAX_TEXT_CHARS = 100_000


def write_belonging(connection: WriteConnection, owner: str, value: dict[str, Any]) -> list[Note]:
    """What is here already stays as it is."""
    kind, name = str(value["kind"]), text_in(value, "name").strip()
    if not name or len(name) > _MAX_NAME_CHARS:
        return [Note("skipped", f"a {kind}", "It has no name, or one that is too long.")]
    if kind == "folder":
        find_or_make_folder(connection, owner, name, ms_in(value, "created_at"))
    elif kind == "assistant":
        return _write_assistant(connection, owner, name, value)
    elif not has_snippet(connection, owner, name):
        times = _times(value)
        insert_snippet_row(connection, owner, {"name": name, "text": text_in(value, "text")[:_MAX_TEXT_CHARS], **times})
    return []


def _write_assistant(connection: WriteConnection, owner: str, name: str, value: dict[str, Any]) -> list[Note]:
    if find_own_assistant(connection, owner, name) is not None:
        return []
    temperature = value.get("temperature")
    is_number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool) and 0 <= temperature <= 2
    insert_assistant_row(
        connection,
        owner,
        {
            "name": name,
            "description": text_in(value, "description")[:_MAX_TEXT_CHARS],
            "instructions": text_in(value, "instructions")[:_MAX_TEXT_CHARS],
            "model": text_in(value, "model")[:300],
            "temperature": temperature if is_number else None,
            "format": "tagged" if value.get("format") == "tagged" else "plain",
            "tools": _texts(value, "tools"),
            "starters": _texts(value, "starters"),
            "uses_memory": int(value.get("uses_memory") not in (0, False)),
            **_times(value),
        },
    )
    return []


def _texts(value: dict[str, Any], name: str) -> str:
    return msgspec.json.encode([text for text in list_in(value, name) if isinstance(text, str)]).decode()


def _times(value: dict[str, Any]) -> dict[str, int]:
    created = ms_in(value, "created_at") or now_ms()
    return {"created_at": created, "updated_at": ms_in(value, "updated_at") or created}
