"""The body of `POST /v1/chat/completions`, and the step that it asks for.

What OpenAI refuses is refused; what makes no difference here is taken and ignored (docs/openai.md lists it).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.domain.parts import Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import PromptMessage, StepRequest, ToolSpec
from quarterdeck.errors import ParameterError
from quarterdeck.views.given_images import Fetched, given_image, must_be_fetched

MAX_CHOICES = 8
MAX_STOPS = 16
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_EFFORTS: dict[str, Literal["minimal", "low", "medium", "high"]] = {
    "none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high",
    "max": "high",
}  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Loose(BaseModel):
    """Further fields are nobody's concern here: clients give back what they were given."""

    model_config = ConfigDict(extra="allow")


class Address(_Loose):
    url: str


class ContentPart(_Loose):
    type: str
    text: str | None = None
    image_url: Address | None = None
    refusal: str | None = None


class CalledFunction(_Loose):
    name: str
    arguments: str = ""


class CalledTool(_Loose):
    id: str
    type: str = "function"
    function: CalledFunction | None = None


class ChatMessage(_Loose):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None


class FunctionTool(_Loose):
    name: Annotated[str, Field(min_length=1, max_length=128)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChatTool(_Loose):
    type: str
    function: FunctionTool | None = None


class JsonSchema(_Loose):
    name: str
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(_Strict):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(_Strict):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ConversationName(_Strict):
    id: str


class ChatRequest(_Strict):
    """Without `conversation` (or `metadata.conversation_id`) nothing is kept but what was used."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "builtin/log-reader",
                    "messages": [{"role": "user", "content": "What did I write about the garden?"}],
                    "stream": False,
                }
            ]
        },
    )

    model: Annotated[str, Field(min_length=1, max_length=300)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=10_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    conversation: str | ConversationName | None = None
    metadata: dict[str, str] | None = None
    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=2**31)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=2**31)] | None = None
    stop: str | Annotated[list[str], Field(max_length=MAX_STOPS)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, int] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    reasoning_effort: Effort | None = None
    response_format: ResponseFormat | None = None
    tools: Annotated[list[ChatTool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    modalities: list[str] | None = None
    # Taken and ignored: they change nothing here.
    user: str | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    prediction: dict[str, Any] | None = None
    verbosity: str | None = None
    moderation: dict[str, Any] | None = None

    def conversation_name(self) -> str:
        """Of the conversation that keeps this; empty when nothing is to be kept."""
        if isinstance(self.conversation, ConversationName):
            return self.conversation.id
        return self.conversation or (self.metadata or {}).get("conversation_id", "")


def image_addresses(messages: list[ChatMessage]) -> list[str]:
    """Of the pictures that must be fetched."""
    parts = [part for message in messages if isinstance(message.content, list) for part in message.content]
    urls = [part.image_url.url for part in parts if part.type == "image_url" and part.image_url is not None]
    return list(dict.fromkeys(filter(must_be_fetched, urls)))


def step_of(asked: ChatRequest, fetched: Fetched) -> StepRequest:
    """`model` is left empty. Raises: `ParameterError`."""
    check_chat(asked)
    tools = [_tool(tool, index) for index, tool in enumerate(asked.tools or [])]
    tools, choice, only = choose_tools(tools, asked.tool_choice)
    return StepRequest(
        model="",
        messages=read_messages(asked.messages, fetched),
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_output_tokens=asked.max_completion_tokens or asked.max_tokens,
        stop=[asked.stop] if isinstance(asked.stop, str) else asked.stop or [],
        seed=asked.seed,
        reasoning_effort=effort_of(asked.reasoning_effort),
        tools=tools,
        tool_choice=choice,
        only_tool=only,
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        response_format=_format(asked.response_format),
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        logit_bias=asked.logit_bias or None,
        logprobs=bool(asked.logprobs),
        top_logprobs=asked.top_logprobs,
    )


def effort_of(given: str | None) -> Literal["minimal", "low", "medium", "high"] | None:
    return None if given is None else _EFFORTS.get(given, "medium")


def read_messages(messages: list[ChatMessage], fetched: Fetched) -> list[PromptMessage]:
    """Raises: `ParameterError`."""
    read: list[PromptMessage] = []
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        place = f"messages.[{index}]"
        match message.role:
            case "tool":
                if message.tool_call_id not in open_calls:
                    raise ParameterError(
                        "A message with the role `tool` must answer a tool call of a message before it.",
                        f"{place}.tool_call_id",
                    )
                _add_result(read, ToolResultPart(message.tool_call_id or "", _text(message, place)))
            case "function":
                raise ParameterError("Functions are called tools by now: use the role `tool`.", f"{place}.role")
            case "assistant":
                parts = _parts(message, place, fetched)
                parts += [_call(call, place) for call in message.tool_calls or []]
                open_calls |= {call.id for call in message.tool_calls or []}
                if not parts:
                    raise ParameterError("A message of the assistant has content or tool calls.", f"{place}.content")
                read.append(PromptMessage("assistant", parts))
            case "user":
                read.append(PromptMessage("user", _parts(message, place, fetched)))
            case _:
                read.append(PromptMessage("system", [TextPart(_text(message, place))]))
    return read


def choose_tools(
    tools: list[ToolSpec], given: str | dict[str, Any] | None
) -> tuple[list[ToolSpec], Literal["auto", "none", "required"] | None, str]:
    """The tools that may be called, how, and the one that must be. Raises: `ParameterError`."""
    if given is None:
        return tools, None, ""
    if not tools:
        raise ParameterError("`tool_choice` is only allowed when `tools` are given.", "tool_choice")
    if isinstance(given, str):
        return tools, given if given in ("auto", "none", "required") else "auto", ""  # type: ignore[return-value]
    if given.get("type") == "allowed_tools":
        allowed = given.get("allowed_tools", given)
        names = {_name_in(tool) for tool in allowed.get("tools", []) if isinstance(tool, dict)}
        mode: Literal["auto", "required"] = "required" if allowed.get("mode") == "required" else "auto"
        return [tool for tool in tools if tool.name in names], mode, ""
    name = _name_in(given)
    if not any(tool.name == name for tool in tools):
        raise ParameterError("`tool_choice` names a tool that is not among `tools`.", "tool_choice")
    return tools, "required", name


def _name_in(given: dict[str, Any]) -> str:
    function = given.get("function")
    name = function.get("name") if isinstance(function, dict) else given.get("name")
    return name if isinstance(name, str) else ""


def check_chat(asked: ChatRequest) -> None:
    """Raises: `ParameterError` for wishes that do not go together, and for a message that has no content."""
    for index, message in enumerate(asked.messages):
        if message.content is None and message.role in ("user", "system", "developer"):
            _refuse_without_content(message, index)
    if asked.modalities and asked.modalities != ["text"]:
        raise ParameterError('Only text is answered here: `modalities` can be ["text"].', "modalities")
    if asked.max_tokens is not None and asked.max_completion_tokens is not None:
        raise ParameterError("Give `max_tokens` or `max_completion_tokens`, not both.", "max_tokens")
    if asked.stream_options is not None and not asked.stream:
        raise ParameterError("`stream_options` is only allowed when `stream` is true.", "stream_options")
    if asked.top_logprobs is not None and not asked.logprobs:
        raise ParameterError("`top_logprobs` needs `logprobs`.", "top_logprobs")


def _refuse_without_content(message: ChatMessage, index: int) -> None:
    """As OpenAI: an empty text is content, nothing at all is none. Raises: `ParameterError`."""
    if "content" in message.model_fields_set:
        raise ParameterError("Invalid value for 'content': expected a string, got null.", f"messages.[{index}].content")
    place = f"messages[{index}].content"
    raise ParameterError(f"Missing required parameter: '{place}'.", place, reason="missing_required_parameter")


def _format(given: ResponseFormat | None) -> dict[str, Any] | None:
    if given is None or given.type == "text":
        return None
    if given.type == "json_schema" and given.json_schema is None:
        raise ParameterError("`response_format.json_schema` is missing.", "response_format.json_schema")
    return given.model_dump(by_alias=True, exclude_none=True)


def _tool(given: ChatTool, index: int) -> ToolSpec:
    if given.type != "function" or given.function is None:
        raise ParameterError("Only tools of the type `function` are known here.", f"tools[{index}].type")
    function = given.function
    parameters = function.parameters or {"type": "object", "properties": {}}
    return ToolSpec(function.name, function.description or "", parameters, function.strict)


def _call(given: CalledTool, place: str) -> Part:
    if given.type != "function" or given.function is None:
        raise ParameterError("Only calls of functions are known here.", f"{place}.tool_calls")
    return ToolCallPart(given.id, given.function.name, given.function.arguments)


def _add_result(read: list[PromptMessage], result: ToolResultPart) -> None:
    """Results that follow each other are one message."""
    if read and read[-1].role == "tool":
        read[-1].parts.append(result)
    else:
        read.append(PromptMessage("tool", [result]))


def _text(message: ChatMessage, place: str) -> str:
    return "".join(part.text for part in _parts(message, place, {}) if isinstance(part, TextPart))


def _parts(message: ChatMessage, place: str, fetched: Fetched) -> list[Part]:
    if message.content is None:
        return [TextPart(message.refusal)] if message.refusal else []
    if isinstance(message.content, str):
        return [TextPart(message.content)] if message.content or message.role != "assistant" else []
    return [_part(part, f"{place}.content.[{index}]", fetched) for index, part in enumerate(message.content)]


def _part(given: ContentPart, place: str, fetched: Fetched) -> Part:
    if given.type == "text" and given.text is not None:
        return TextPart(given.text)
    if given.type == "refusal" and given.refusal is not None:
        return TextPart(given.refusal)
    if given.type == "image_url" and given.image_url is not None:
        return given_image(given.image_url.url, f"{place}.image_url.url", fetched)
    raise ParameterError("Content is `text` or `image_url` with what belongs to it.", f"{place}.type")
