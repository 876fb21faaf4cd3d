"""The body of `POST /v1/responses`, and what it asks of a turn: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.domain.asked import ApiRequest
from quarterdeck.domain.ids import new_id
from quarterdeck.domain.parts import Part, TextPart, ToolCallPart, ToolResultPart
from quarterdeck.domain.step import PromptMessage, StepRequest, ToolSpec
from quarterdeck.errors import ParameterError
from quarterdeck.views.given_images import Fetched, given_image, must_be_fetched
from quarterdeck.views.openai_chat_request import ConversationName, Effort, choose_tools, effort_of

ID = "resp_"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Loose(BaseModel):
    model_config = ConfigDict(extra="allow")


class InputContent(_Loose):
    type: str
    text: str | None = None
    image_url: str | None = None
    refusal: str | None = None


class InputItem(_Loose):
    type: str | None = None
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[InputContent] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[InputContent] | None = None


class ResponseTool(_Loose):
    type: str
    name: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class TextFormat(_Loose):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextConfig(_Strict):
    format: TextFormat | None = None
    verbosity: str | None = None


class Reasoning(_Loose):
    effort: Effort | None = None


class ResponsesRequest(_Strict):
    """Kept and retrievable unless `store` is false; in nobody's list of conversations unless one is named."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"model": "builtin/log-reader", "input": "What did I write about the garden?"}]
        },
    )

    model: Annotated[str, Field(min_length=1, max_length=300)]
    input: str | Annotated[list[InputItem], Field(min_length=1, max_length=10_000)]
    instructions: str | None = None
    stream: bool | None = None
    background: bool | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: str | ConversationName | None = None
    metadata: dict[str, str] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=2**31)] | None = None
    tools: Annotated[list[ResponseTool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    # Taken and ignored: they change nothing here.
    user: str | None = None
    include: list[str] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    service_tier: str | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    max_tool_calls: int | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    stream_options: dict[str, Any] | None = None
    context_management: list[dict[str, Any]] | None = None
    moderation: dict[str, Any] | None = None

    def conversation_name(self) -> str:
        """Of the conversation that keeps this; empty when none is named."""
        if isinstance(self.conversation, ConversationName):
            return self.conversation.id
        return self.conversation or (self.metadata or {}).get("conversation_id", "")

    def items(self) -> list[InputItem]:
        return [InputItem(role="user", content=self.input)] if isinstance(self.input, str) else self.input


def image_addresses(asked: ResponsesRequest) -> list[str]:
    """Of the pictures that must be fetched."""
    contents = [item.content for item in asked.items() if isinstance(item.content, list)]
    urls = [piece.image_url for content in contents for piece in content if piece.image_url is not None]
    return list(dict.fromkeys(filter(must_be_fetched, urls)))


def read_request(asked: ResponsesRequest, fetched: Fetched, *, is_alone: bool) -> ApiRequest:
    """Raises: `ParameterError`."""
    _check(asked)
    tools = [_tool(tool, index) for index, tool in enumerate(asked.tools or [])]
    tools, choice, only = choose_tools(tools, asked.tool_choice if tools else None)
    reader = _Reader(fetched)
    for index, item in enumerate(asked.items()):
        reader.read(item, f"input[{index}]")
    step = StepRequest(
        model="",
        messages=reader.messages,
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_output_tokens=asked.max_output_tokens,
        reasoning_effort=effort_of(asked.reasoning.effort) if asked.reasoning else None,
        tools=tools,
        tool_choice=choice,
        only_tool=only,
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        response_format=_format(asked.text),
    )
    previous = (asked.previous_response_id or "").removeprefix(ID)
    return ApiRequest(
        step=step, instructions=asked.instructions or "", previous=previous, is_alone=is_alone, items=reader.items,
        told=_told(asked),
    )  # fmt: skip


class _Reader:
    """Items to messages; calls and what is said with them become one message, results that follow each other, too."""

    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched
        self.messages: list[PromptMessage] = []
        self.items: list[dict[str, Any]] = []

    def read(self, item: InputItem, place: str) -> None:
        """Raises: `ParameterError`."""
        match item.type:
            case "message" | None if item.role is not None:
                self._read_message(item, item.role, place)
            case "function_call" if item.call_id and item.name:
                call = ToolCallPart(item.call_id, item.name, item.arguments or "")
                self._add("assistant", call)
                self._keep("fc_", item, call_id=call.call, name=call.name, arguments=call.arguments)
            case "function_call_output" if item.call_id:
                text = text_of_output(item.output, f"{place}.output")
                self._add("tool", ToolResultPart(item.call_id, text))
                self._keep("fc_", item, call_id=item.call_id, output=text)
            case "reasoning":
                pass  # thoughts are never sent back to a model
            case _:
                raise ParameterError("Such an item cannot be used here.", place, reason="invalid_value")

    def _read_message(self, item: InputItem, role: str, place: str) -> None:
        _refuse_without_content(item, f"{place}.content")
        parts, told = read_contents(item.content, role, f"{place}.content", self._fetched)
        if role == "assistant":
            for part in parts:
                self._add("assistant", part)
        elif parts or role == "user":
            self.messages.append(PromptMessage("user" if role == "user" else "system", parts))
        self._keep("msg_", item, type="message", role=role, content=told)

    def _add(self, role: Literal["assistant", "tool"], part: Part) -> None:
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == role:
            last.parts.append(part)
        else:
            self.messages.append(PromptMessage(role, [part]))

    def _keep(self, prefix: str, item: InputItem, **fields: Any) -> None:
        identifier = item.id or f"{prefix}{new_id()}"
        self.items.append({"id": identifier, "type": item.type, "status": "completed"} | fields)


def read_contents(
    content: str | list[InputContent] | None, role: str, place: str, fetched: Fetched
) -> tuple[list[Part], list[dict[str, Any]]]:
    """What it says, and the same as an item tells it."""
    kind = "output_text" if role == "assistant" else "input_text"
    given = [InputContent(type=kind, text=content)] if isinstance(content, str) else content or []
    parts: list[Part] = []
    told: list[dict[str, Any]] = []
    for index, piece in enumerate(given):
        if piece.type in ("input_text", "output_text", "text") and piece.text is not None:
            parts.append(TextPart(piece.text))
            told.append({"type": kind, "text": piece.text} | ({"annotations": []} if role == "assistant" else {}))
        elif piece.type == "refusal" and piece.refusal is not None:
            parts.append(TextPart(piece.refusal))
            told.append({"type": "refusal", "refusal": piece.refusal})
        elif piece.type == "input_image" and piece.image_url is not None:
            parts.append(given_image(piece.image_url, f"{place}[{index}].image_url", fetched))
            told.append({"type": "input_image", "detail": "auto", "file_id": None, "image_url": piece.image_url})
        else:
            raise ParameterError("Content is text or a picture by its address.", f"{place}[{index}].type")
    return parts, told


def text_of_output(output: str | list[InputContent] | None, place: str) -> str:
    parts, _ = read_contents(output, "user", place, {})
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def _refuse_without_content(item: InputItem, place: str) -> None:
    """As OpenAI: an empty text is content, nothing at all is none. Raises: `ParameterError`."""
    if item.content is not None:
        return
    if "content" not in item.model_fields_set:
        raise ParameterError(f"Missing required parameter: '{place}'.", place, reason="missing_required_parameter")
    wanted = "expected one of an array of objects or string, but got null instead"
    raise ParameterError(f"Invalid type for '{place}': {wanted}.", place, reason="invalid_type")


def _check(asked: ResponsesRequest) -> None:
    if asked.input == "" and not asked.previous_response_id and not asked.conversation_name():
        wanted = "One of 'input', 'previous_response_id' or 'conversation' must be provided."
        raise ParameterError(wanted, "input", reason="missing_required_parameter")
    if asked.previous_response_id and asked.conversation_name():
        raise ParameterError("Give `previous_response_id` or `conversation`, not both.", "previous_response_id")
    if asked.background and asked.store is False:
        raise ParameterError("What goes on in the background must be stored.", "background")
    if asked.tool_choice is not None and asked.tool_choice not in ("auto", "none") and not asked.tools:
        raise ParameterError("`tool_choice` is only allowed when `tools` are given.", "tool_choice")


def _tool(given: ResponseTool, index: int) -> ToolSpec:
    if given.type != "function" or not given.name:
        raise ParameterError("Only tools of the type `function` are known here.", f"tools[{index}].type")
    parameters = given.parameters or {"type": "object", "properties": {}}
    return ToolSpec(given.name, given.description or "", parameters, given.strict)


def _format(text: TextConfig | None) -> dict[str, Any] | None:
    given = text.format if text is not None else None
    if given is None or given.type == "text":
        return None
    if given.type == "json_object":
        return {"type": "json_object"}
    if given.schema_ is None:
        raise ParameterError("`text.format.schema` is missing.", "text.format.schema")
    schema: dict[str, Any] = {"name": given.name or "answer", "schema": given.schema_}
    if given.strict is not None:
        schema["strict"] = given.strict
    return {"type": "json_schema", "json_schema": schema}


def _told(asked: ResponsesRequest) -> dict[str, Any]:
    """What the response repeats."""
    told_format: dict[str, Any] = {"type": "text"}
    if asked.text is not None and asked.text.format is not None:
        told_format = asked.text.format.model_dump(by_alias=True, exclude_none=True)
    tools = [
        {
            "type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters,
            "strict": tool.strict,
        }
        for tool in asked.tools or []
    ]  # fmt: skip
    conversation = asked.conversation_name()
    return {
        "model": asked.model,
        "instructions": asked.instructions,
        "metadata": asked.metadata or {},
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "max_output_tokens": asked.max_output_tokens,
        "tools": tools,
        "tool_choice": asked.tool_choice or "auto",
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": asked.previous_response_id,
        "conversation": {"id": conversation} if conversation else None,
        "reasoning": {"effort": asked.reasoning.effort if asked.reasoning else None, "summary": None},
        "text": {"format": told_format},
        "background": bool(asked.background),
        "truncation": "disabled",
        "service_tier": "default",
        "user": asked.user,
    }
