"""ChatGPT's export: `conversations.json`, or `conversations-000.json` and so on, each a list of conversations.

A conversation is `mapping`, nodes by id with `parent` and `message` (null in the root), and `current_node`. Shapes as
exported in 2023 to 2026.
"""

from __future__ import annotations

from typing import Any

from quarterdeck.domain.parts import Part, ReasoningPart, TextPart
from quarterdeck.exchange.draft import DraftConversation, DraftMessage, FilePart, has_content
from quarterdeck.exchange.reading import at, id_in, list_in, text_in, time_in

_SPOKEN = {"text", "multimodal_text"}
_POINTERS = {
    "image_asset_pointer": "picture",
    "audio_asset_pointer": "recording",
    "video_container_asset_pointer": "video",
}


def fits(value: Any) -> bool:
    return isinstance(at(value, "mapping"), dict)


def read(value: dict[str, Any]) -> DraftConversation:
    draft = DraftConversation(
        source=f"chatgpt:{id_in(value, 'conversation_id', 'id')}",
        title=text_in(value, "title"),
        messages=[],
        current=id_in(value, "current_node") or None,
        created_at=time_in(value, "create_time"),
        updated_at=time_in(value, "update_time"),
        is_archived=value.get("is_archived") is True,
        is_pinned=value.get("is_starred") is True or bool(value.get("pinned_time")),
    )
    for key, node in value["mapping"].items():
        if isinstance(node, dict):
            draft.messages.append(_read_node(draft, key, node))
        else:
            draft.skip(f"node {key}", "It is not an object.")
    return draft


def _read_node(draft: DraftConversation, key: str, node: dict[str, Any]) -> DraftMessage:
    name = id_in(node, "id") or key
    message = node.get("message")
    read = DraftMessage(id=name, parent=id_in(node, "parent") or None, role="", parts=[])
    if not isinstance(message, dict):
        return read
    role = text_in(message, "author", "role")
    parts = _read_content(draft, name, message, role)
    reason = _why_hidden(message, role)
    if not has_content(parts):
        return read
    if reason:
        draft.skip(f"message {name}", reason)
        return read
    read.role = "user" if role == "user" else "assistant"
    read.parts = parts
    read.model = text_in(message, "metadata", "model_slug")
    read.created_at = time_in(message, "create_time")
    read.goes_on = read.role == "assistant" and (
        role == "tool" or not _is_spoken(message) or message.get("end_turn") is False
    )
    return read


def _why_hidden(message: dict[str, Any], role: str) -> str:
    kind = text_in(message, "content", "content_type")
    if kind in ("user_editable_context", "model_editable_context"):
        return "Instructions and memories of ChatGPT are no part of the conversation."
    if at(message, "metadata", "is_visually_hidden_from_conversation") is True:
        return "ChatGPT does not show it: it is a hidden message of the service."
    if role == "system":
        return "It is a system message of ChatGPT."
    if role not in ("user", "assistant", "tool"):
        return f"Nobody in this conversation is called {role or 'nothing'}."
    return ""


def _is_spoken(message: dict[str, Any]) -> bool:
    return text_in(message, "content", "content_type") in _SPOKEN and _recipient(message) == "all"


def _recipient(message: dict[str, Any]) -> str:
    return text_in(message, "recipient") or "all"


def _read_content(draft: DraftConversation, name: str, message: dict[str, Any], role: str) -> list[Part | FilePart]:
    content = message.get("content")
    if not isinstance(content, dict):
        return [TextPart(content)] if isinstance(content, str) else []
    kind = text_in(content, "content_type") or "text"
    if kind in _SPOKEN:
        parts = _read_spoken(draft, name, content)
        parts += _name_attachments(draft, name, message, parts)
        return parts if _recipient(message) == "all" and role != "tool" else _as_step(message, role, parts)
    text = _text_of(kind, content)
    if kind == "code" and role == "assistant" and _recipient(message) == "all":
        language = text_in(content, "language")
        return [TextPart(f"```{'' if language == 'unknown' else language}\n{text}\n```")] if text else []
    if not text:
        if content.keys() - {"content_type", "model_set_context", "repository"} and role != "system":
            draft.skip(f"message {name}", f"Its content, “{kind}”, has no text.")
        return []
    if kind in ("thoughts", "reasoning_recap"):
        return [ReasoningPart(text)]
    return _as_step(message, role, [TextPart(text)])


def _read_spoken(draft: DraftConversation, name: str, content: dict[str, Any]) -> list[Part | FilePart]:
    parts: list[Part | FilePart] = []
    for piece in list_in(content, "parts"):
        if isinstance(piece, str):
            text = text_in({"text": piece}, "text")
            if text:
                parts.append(TextPart(text))
            continue
        kind = text_in(piece, "content_type")
        pointer = text_in(piece, "asset_pointer") or text_in(piece, "audio_asset_pointer", "asset_pointer")
        if kind == "image_asset_pointer" and pointer:
            parts.append(FilePart(pointer, "picture"))
        elif text := text_in(piece, "text"):  # what was said, as it was understood
            parts.append(TextPart(text))
        elif kind or pointer:
            draft.skip(f"a part of message {name}", f"It is a {_POINTERS.get(kind, kind.replace('_', ' ') or 'file')}.")
    if not parts and (text := text_in(content, "text")):
        parts.append(TextPart(text))
    return _with_breaks(parts)


def _with_breaks(parts: list[Part | FilePart]) -> list[Part | FilePart]:
    """Texts stand below each other, as ChatGPT shows them: in our message, text parts follow one another directly."""
    joined: list[Part | FilePart] = []
    for part in parts:
        if joined and isinstance(part, TextPart) and isinstance(joined[-1], TextPart):
            joined[-1] = TextPart(f"{joined[-1].text}\n\n{part.text}")
        else:
            joined.append(part)
    return joined


def _name_attachments(
    draft: DraftConversation, name: str, message: dict[str, Any], parts: list[Part | FilePart]
) -> list[Part | FilePart]:
    """Files beside the pictures that stand in the text."""
    shown = " ".join(part.key for part in parts if isinstance(part, FilePart))
    named: list[Part | FilePart] = []
    for file in list_in(message, "metadata", "attachments"):
        key = id_in(file, "id")
        if key and key in shown:
            continue
        called = text_in(file, "name") or key or "a file"
        media_type = text_in(file, "mime_type") or text_in(file, "mimeType")
        if key and media_type.startswith("image/"):
            named.append(FilePart(key, called))
        else:
            named.append(TextPart(f"\n\n[{called}]"))
            draft.skip(f"the file {called} of message {name}", "Files other than pictures are named in the text only.")
    return named


def _text_of(kind: str, content: dict[str, Any]) -> str:
    """The text of all the kinds that have one, wherever they keep it."""
    if kind == "thoughts":
        thoughts = [
            "\n".join(filter(None, (text_in(thought, "summary"), text_in(thought, "content"))))
            for thought in list_in(content, "thoughts")
        ]
        return "\n\n".join(filter(None, thoughts))
    for field in ("text", "content", "result", "summary"):
        if text := text_in(content, field):
            break
    else:
        text = "\n".join(part for part in list_in(content, "parts") if isinstance(part, str))
    where = " ".join(filter(None, (text_in(content, "title"), text_in(content, "url"))))
    return "\n".join(filter(None, (where, text)))


def _as_step(message: dict[str, Any], role: str, parts: list[Part | FilePart]) -> list[Part | FilePart]:
    """What the model did before it spoke. Pictures that a tool made are part of what is shown."""
    if not has_content(parts):
        return []
    tool = text_in(message, "author", "name") if role == "tool" else _recipient(message)
    begins = f"{tool or 'A tool'} returned:" if role == "tool" else f"Asked {tool}:"
    texts = "\n".join(part.text for part in parts if isinstance(part, TextPart))
    steps: list[Part | FilePart] = [ReasoningPart(f"{begins}\n{texts}")] if texts.strip() else []
    return steps + [part for part in parts if isinstance(part, FilePart)]
