"""The body of `POST /v1/messages`, and the step that it asks for: https://platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.domain.parts import ImagePart, Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import PromptMessage, StepRequest, ToolSpec
from quarterdeck.errors import ParameterError
from quarterdeck.views.given_images import Fetched, given_image, must_be_fetched, read_image
from quarterdeck.views.openai_chat_request import effort_of

_IGNORED_BLOCKS = ("thinking", "redacted_thinking")  # thoughts are never sent back to a model
_LITTLE_THOUGHT, _MUCH_THOUGHT = 4_096, 16_384  # tokens


class _Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class Source(_Loose):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""


class Block(_Loose):
    type: str
    text: str | None = None
    source: Source | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | None = None
    is_error: bool | None = None


class Message(_Loose):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(_Loose):
    name: Annotated[str, Field(min_length=1, max_length=128)]
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class ToolChoice(_Loose):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(_Loose):
    type: str
    budget_tokens: int | None = None


class CountRequest(BaseModel):
    """What is counted; it is never sent anywhere."""

    model_config = ConfigDict(extra="ignore")

    model: Annotated[str, Field(min_length=1, max_length=300)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=10_000)]
    system: str | list[Block] | None = None
    tools: Annotated[list[Tool], Field(max_length=512)] | None = None


class MessagesRequest(BaseModel):
    """Nothing of it is kept but what was used."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "builtin/log-reader",
                    "max_tokens": 1024,
                    "messages": [{"role": "user", "content": "What did I write about the garden?"}],
                }
            ]
        },
    )

    model: Annotated[str, Field(min_length=1, max_length=300)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=10_000)]
    max_tokens: Annotated[int, Field(ge=1, le=2**31)]
    system: str | list[Block] | None = None
    stream: bool | None = None
    stop_sequences: Annotated[list[str], Field(max_length=64)] | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=100_000)] | None = None
    tools: Annotated[list[Tool], Field(max_length=512)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: dict[str, Any] | None = None
    # Taken and ignored: they change nothing here.
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    cache_control: dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None
    container: Any = None
    diagnostics: dict[str, Any] | None = None
    inference_geo: str | None = None
    speed: str | None = None

    @property
    def wants_thoughts(self) -> bool:
        return self.thinking is not None and self.thinking.type != "disabled"


def image_addresses(messages: list[Message]) -> list[str]:
    """Of the pictures that must be fetched."""
    urls: list[str] = []
    for message in messages:
        for block in message.content if isinstance(message.content, list) else []:
            inner = block.content if isinstance(block.content, list) else []
            urls += [one.source.url for one in (block, *inner) if one.type == "image" and one.source is not None]
    return list(dict.fromkeys(filter(must_be_fetched, urls)))


def step_of(asked: MessagesRequest, fetched: Fetched) -> StepRequest:
    """`model` is left empty. Raises: `ParameterError`."""
    tools = tools_of(asked.tools)
    choice = asked.tool_choice
    if choice is not None and choice.type == "tool" and not any(tool.name == choice.name for tool in tools):
        raise ParameterError("tool_choice: the tool it names is not among the tools", "tool_choice")
    kinds: dict[str, Literal["auto", "none", "required"]] = {
        "auto": "auto", "none": "none", "any": "required", "tool": "required",
    }  # fmt: skip
    output = asked.output_config or {}
    return StepRequest(
        model="",
        messages=read_messages(asked.system, asked.messages, fetched),
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        max_output_tokens=asked.max_tokens,
        stop=asked.stop_sequences or [],
        tools=tools,
        tool_choice=kinds[choice.type] if choice is not None and tools else None,
        only_tool=(choice.name or "") if choice is not None and choice.type == "tool" else "",
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use and tools else None,
        reasoning_effort=_effort(asked, output),
        response_format=_format(output.get("format")),
    )


def tools_of(tools: list[Tool] | None) -> list[ToolSpec]:
    """Raises: `ParameterError` for tools that the vendor runs itself."""
    specs = []
    for index, tool in enumerate(tools or []):
        if tool.type not in (None, "custom") or tool.input_schema is None:
            raise ParameterError(f"tools.{index}: only custom tools with an input_schema are known here", "tools")
        specs.append(ToolSpec(tool.name, tool.description or "", tool.input_schema, tool.strict))
    return specs


def read_messages(system: str | list[Block] | None, messages: list[Message], fetched: Fetched) -> list[PromptMessage]:
    """Raises: `ParameterError`."""
    read: list[PromptMessage] = []
    if system:
        read.append(PromptMessage("system", [TextPart(_system_text(system, "system"))]))
    for index, message in enumerate(messages):
        place = f"messages.{index}.content"
        if message.role == "system":
            read.append(PromptMessage("system", [TextPart(_system_text(message.content, place))]))
        elif isinstance(message.content, str):
            read.append(PromptMessage(message.role, [TextPart(message.content)]))
        else:
            read += _read_blocks(message.role, message.content, place, fetched)
    return read


def _read_blocks(
    role: Literal["user", "assistant"], blocks: list[Block], place: str, fetched: Fetched
) -> list[PromptMessage]:
    """What tools returned comes first, in a message of its own; pictures among it are said after it."""
    results: list[Part] = []
    parts: list[Part] = []
    for index, block in enumerate(blocks):
        at = f"{place}.{index}"
        if block.type == "tool_result" and role == "user":
            text, pictures = _result(block, at, fetched)
            results.append(ToolResultPart(block.tool_use_id or "", text, bool(block.is_error)))
            parts += pictures
        elif block.type not in _IGNORED_BLOCKS:
            parts.append(_part(role, block, at, fetched))
    read = [PromptMessage("tool", results)] if results else []
    return [*read, PromptMessage(role, parts)] if parts else read


def _part(role: str, block: Block, place: str, fetched: Fetched) -> Part:
    if block.type == "text" and block.text is not None:
        return TextPart(block.text)
    if block.type == "image" and block.source is not None:
        return _image(block.source, place, fetched)
    if block.type == "tool_use" and role == "assistant" and block.id and block.name:
        return ToolCallPart(block.id, block.name, msgspec.json.encode(block.input or {}).decode())
    raise ParameterError(f"{place}: blocks of the type “{block.type[:40]}” cannot be used here", place)


def _image(source: Source, place: str, fetched: Fetched) -> ImagePart:
    if source.type == "base64":
        return read_image(source.media_type, source.data, f"{place}.source.data")
    return given_image(source.url, f"{place}.source.url", fetched)


def _result(block: Block, place: str, fetched: Fetched) -> tuple[str, list[Part]]:
    if not isinstance(block.content, list):
        return block.content or "", []
    parts = [_part("user", inner, f"{place}.content.{index}", fetched) for index, inner in enumerate(block.content)]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return "\n".join(texts), [part for part in parts if isinstance(part, ImagePart)]


def _system_text(system: str | list[Block], place: str) -> str:
    if isinstance(system, str):
        return system
    if any(block.type != "text" for block in system):
        raise ParameterError(f"{place}: instructions are text only", place)
    return "\n\n".join(block.text or "" for block in system)


def _effort(asked: MessagesRequest, output: dict[str, Any]) -> Literal["minimal", "low", "medium", "high"] | None:
    effort = output.get("effort")
    if isinstance(effort, str):
        return effort_of(effort)
    if not asked.wants_thoughts or asked.thinking is None:
        return None
    budget = asked.thinking.budget_tokens or _LITTLE_THOUGHT
    return "low" if budget < _LITTLE_THOUGHT else "medium" if budget < _MUCH_THOUGHT else "high"


def _format(given: Any) -> dict[str, Any] | None:
    schema = given.get("schema") if isinstance(given, dict) else None
    if not isinstance(schema, dict):
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
