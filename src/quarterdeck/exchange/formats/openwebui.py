"""Open WebUI's export: a list of chats, `{id, title, chat: {history: {messages: {id: …}, currentId}, …}, …}`.

In older ones, and in a single chat that was exported, there is only `messages`, a list. Thoughts and tools stand in the
text as `<details type="…">`. Times are seconds. Shapes of versions 0.3 to 0.12.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from quarterdeck.domain.parts import ImagePart, Part, ReasoningPart, TextPart
from quarterdeck.exchange.draft import DraftConversation, DraftMessage, FilePart, has_content
from quarterdeck.exchange.reading import at, id_in, list_in, text_in, time_in

_DETAILS, _DETAILS_END = "<details", "</details>"
_SUMMARY, _SUMMARY_END = "<summary>", "</summary>"
_BLANKS = re.compile(r"\s*+")
_ATTRIBUTE = re.compile(r'(?<![\w-])([\w-]++)="([^"]*)"')
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,([A-Za-z0-9+/=\s]+)\Z")
_STEPS = {"reasoning", "tool_calls", "code_interpreter"}


class _Details(NamedTuple):
    """A `<details>` of a text: where it stands with the blanks after it, its attributes, what is in it."""

    start: int
    end: int
    head: str
    body: str


def fits(value: Any) -> bool:
    chat = at(value, "chat") if isinstance(at(value, "chat"), dict) else value
    return isinstance(at(chat, "history", "messages"), dict) or (
        isinstance(at(chat, "messages"), list)
        and not id_in(value, "conversationId")
        and (chat is not value or "models" in chat or all(isinstance(at(m, "content"), str) for m in chat["messages"]))
    )


def read(value: dict[str, Any]) -> DraftConversation:
    chat: Any = value["chat"] if isinstance(value.get("chat"), dict) else value
    draft = DraftConversation(
        source=f"openwebui:{id_in(value, 'id', 'chat_id') or id_in(chat, 'id')}",
        title=text_in(value, "title") or text_in(chat, "title"),
        messages=[],
        current=id_in(at(chat, "history"), "currentId") or None,
        created_at=time_in(value, "created_at") or time_in(chat, "timestamp"),
        updated_at=time_in(value, "updated_at"),
        is_archived=value.get("archived") is True,
        is_pinned=value.get("pinned") is True,
    )
    tree = at(chat, "history", "messages")
    if isinstance(tree, dict) and tree:
        for key, message in tree.items():
            _read_message(draft, key, id_in(message, "parentId") or None, message)
    else:
        _read_list(draft, list_in(chat, "messages"))
    if system := text_in(chat, "params", "system") or text_in(chat, "system"):
        draft.columns["instructions"] = system
    return draft


def _read_list(draft: DraftConversation, messages: list[Any]) -> None:
    is_tree = any(id_in(message, "parentId") for message in messages)
    before: str | None = None
    for number, message in enumerate(messages):
        name = id_in(message, "id") or f"#{number}"
        _read_message(draft, name, (id_in(message, "parentId") or None) if is_tree else before, message)
        before = name


def _read_message(draft: DraftConversation, name: str, parent: str | None, message: Any) -> None:
    name = id_in(message, "id") or name
    read_one = DraftMessage(id=name, parent=parent, role="", parts=[])
    draft.messages.append(read_one)
    role = text_in(message, "role")
    parts = _read_text(_content_of(message)) + _read_files(draft, name, message)
    if error := text_in(message, "error", "content") or text_in(message, "error"):
        draft.change(f"message {name}", f"The answer had failed: {error[:300]}")
        parts = parts if has_content(parts) else [TextPart(error)]
    if not has_content(parts):
        return
    if role not in ("user", "assistant"):
        kind = "It is a system message." if role == "system" else f"Nobody in this chat is called {role or 'nothing'}."
        draft.skip(f"message {name}", kind)
        return
    read_one.role, read_one.parts = role, parts
    read_one.model = text_in(message, "model") if role == "assistant" else ""
    read_one.created_at = time_in(message, "timestamp", "created_at")


def _content_of(message: Any) -> str:
    if isinstance(at(message, "content"), list):
        return "\n\n".join(filter(None, (text_in(piece, "text") for piece in list_in(message, "content"))))
    return text_in(message, "content")


def _read_text(text: str) -> list[Part | FilePart]:
    """Text, and between it what stands in `<details>` of the kinds that Open WebUI writes itself."""
    parts: list[Part | FilePart] = []
    done = 0
    for found in _find_details(text):
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(found.head)}
        if attributes.get("type") not in _STEPS:
            continue
        if text[done : found.start].strip():
            parts.append(TextPart(text[done : found.start]))
        if step := _read_step(attributes, found.body):
            parts.append(ReasoningPart(step))
        done = found.end
    if text[done:]:
        parts.append(TextPart(text[done:]))
    return parts


def _find_details(text: str) -> Iterator[_Details]:
    """In a time that grows with the text alone: an expression would look for the end of each that has none."""
    at = 0
    while (start := text.find(_DETAILS, at)) >= 0:
        at = start + len(_DETAILS)
        if text[at : at + 1].isalnum():  # the name of another element
            continue
        head_end = text.find(">", at)
        body_end = text.find(_DETAILS_END, head_end) if head_end >= 0 else -1
        if body_end < 0:
            return
        end = _after_blanks(text, body_end + len(_DETAILS_END))
        yield _Details(start, end, text[at:head_end], text[head_end + 1 : body_end])
        at = end


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()


def _without_summary(body: str) -> str:
    start = body.find(_SUMMARY)
    end = body.find(_SUMMARY_END, start) if start >= 0 else -1
    return body if end < 0 else body[:start] + body[_after_blanks(body, end + len(_SUMMARY_END)) :]


def _read_step(attributes: dict[str, str], body: str) -> str:
    inner = _without_summary(body).strip()
    if attributes["type"] == "tool_calls":
        asked = f"Asked {attributes.get('name', 'a tool')}:\n{attributes.get('arguments', '')}"
        result = attributes.get("result", "")
        return asked + (f"\nIt returned:\n{result}" if result else "")
    return "\n".join(line.removeprefix("> ").removeprefix(">") for line in html.unescape(inner).split("\n"))


def _read_files(draft: DraftConversation, name: str, message: Any) -> list[Part | FilePart]:
    parts: list[Part | FilePart] = []
    pictures = [piece for piece in list_in(message, "content") if text_in(piece, "type") == "image_url"]
    addresses = [text_in(piece, "image_url", "url") for piece in pictures]
    for file in list_in(message, "files"):
        address, kind = text_in(file, "url"), text_in(file, "type")
        if kind == "image" or address.startswith("data:image/"):
            addresses.append(address)
            continue
        called = text_in(file, "name") or text_in(file, "file", "filename") or "a file"
        parts.append(TextPart(f"\n\n[{called}]"))
        draft.skip(f"the file {called} of message {name}", "Files other than pictures are named in the text only.")
    for address in addresses:
        if found := _DATA_URL.match(address):
            parts.append(ImagePart(found[1], "".join(found[2].split())))
        else:
            draft.skip(f"a picture of message {name}", "It lies on the server it comes from, not in the export.")
    return parts
