"""Bodies of `/v1/conversations`, and what is answered: https://platform.openai.com/docs/api-reference/conversations."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.conversations.adding import Said
from quarterdeck.domain.parts import Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.errors import ParameterError
from quarterdeck.store.conversations import ConversationRow
from quarterdeck.views.given_images import Fetched, must_be_fetched
from quarterdeck.views.openai_responses_request import InputItem, read_contents, text_of_output

MAX_ITEMS = 20
MAX_TEXT_CHARS = 1_000_000
OWN_NAME = "conv_"
"""What names begin with that this server has made up."""

Items = Annotated[list[InputItem], Field(max_length=MAX_ITEMS)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewConversation(_Strict):
    items: Items | None = None
    metadata: Metadata | None = None


class ConversationUpdate(_Strict):
    metadata: Metadata | None


class NewItems(_Strict):
    items: Annotated[Items, Field(min_length=1)]


def conversation_told(row: ConversationRow, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row.external_id, "object": "conversation", "created_at": row.created_at // 1000, "metadata": metadata
    }  # fmt: skip


def item_list(documents: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    first, last = (documents[0]["id"], documents[-1]["id"]) if documents else ("", "")
    return {"object": "list", "data": documents, "first_id": first, "last_id": last, "has_more": has_more}


def item_images(items: list[InputItem]) -> list[str]:
    """Addresses of the pictures that must be fetched."""
    contents = [item.content for item in items if isinstance(item.content, list)]
    urls = [piece.image_url for content in contents for piece in content if piece.image_url is not None]
    return list(dict.fromkeys(filter(must_be_fetched, urls)))


def read_items(items: list[InputItem], fetched: Fetched) -> list[Said]:
    """As messages: what the assistant thought, called and said between two messages of the user is one answer.

    Raises: `ParameterError`.
    """
    reader = _Reader(fetched)
    for index, item in enumerate(items):
        reader.read(item, f"items[{index}]")
    return reader.said


class _Reader:
    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched
        self._calls: set[str] = set()
        self._waiting: dict[str, Said] = {}  # calls without a result yet: where it belongs
        self.said: list[Said] = []

    def read(self, item: InputItem, place: str) -> None:
        match item.type:
            case "message" | None if item.role is not None:
                self._read_message(item, item.role, place)
            case "reasoning":
                if thought := _thought(item):
                    self._answer().parts.append(ReasoningPart(_checked(thought, place)))
            case "function_call" if item.call_id and item.name:
                if item.call_id in self._calls:
                    raise ParameterError("This call is there already.", f"{place}.call_id")
                answer = self._answer()
                answer.parts.append(ToolCallPart(item.call_id, item.name, _checked(item.arguments or "", place)))
                self._calls.add(item.call_id)
                self._waiting[item.call_id] = answer
            case "function_call_output" if item.call_id:
                text = _checked(text_of_output(item.output, f"{place}.output"), place)
                result = ToolResultPart(item.call_id, text, taint="tool")
                caller = self._waiting.pop(item.call_id, None)
                if caller is None:
                    self.said.append(Said("tool", [result]))
                else:
                    caller.parts.append(result)
            case _:
                raise ParameterError("Such an item cannot be kept here.", place, reason="invalid_value")

    def _read_message(self, item: InputItem, role: str, place: str) -> None:
        if role not in ("user", "assistant"):
            raise ParameterError(
                "Instructions are no item here: give them with a response, as `instructions`.", f"{place}.role"
            )
        parts, _ = read_contents(item.content, role, f"{place}.content", self._fetched)
        kept = [part for part in parts if not isinstance(part, TextPart) or _checked(part.text, place)]
        if not kept:
            raise ParameterError("The message is empty.", f"{place}.content")
        if role == "user":
            self.said.append(Said("user", kept))
        elif any(not isinstance(part, TextPart) for part in kept):
            raise ParameterError("An answer has no pictures.", f"{place}.content")
        else:
            self._answer(begins_text=True).parts.extend(kept)

    def _answer(self, *, begins_text: bool = False) -> Said:
        last = self.said[-1] if self.said else None
        if last is None or last.role != "assistant" or (begins_text and _ends_with_text(last.parts)):
            last = Said("assistant", [])
            self.said.append(last)
        return last


def _ends_with_text(parts: list[Part]) -> bool:
    return bool(parts) and isinstance(parts[-1], TextPart)


def _thought(item: InputItem) -> str:
    """Its text, else the summary of it."""
    pieces = item.content if isinstance(item.content, list) else []
    texts = [piece.text for piece in pieces if piece.text]
    summary = (item.model_extra or {}).get("summary")
    if not texts and isinstance(summary, list):
        texts = [piece["text"] for piece in summary if isinstance(piece, dict) and isinstance(piece.get("text"), str)]
    return "\n\n".join(texts)


def _checked(text: str, place: str) -> str:
    if len(text) > MAX_TEXT_CHARS:
        raise ParameterError(f"The text is longer than {MAX_TEXT_CHARS:,} characters.", place)
    if "\x00" in text:
        raise ParameterError("The text contains a NUL character, which cannot be stored.", place)
    return text
