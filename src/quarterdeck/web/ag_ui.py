"""`POST /api/ag-ui`: an agent as AG-UI's clients run it (`HttpAgent`). A thread is a conversation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.domain.ids import new_id
from quarterdeck.errors import InputError
from quarterdeck.turns.record import MAX_ID_CHARS, Send
from quarterdeck.views.ag_ui import AgUi
from quarterdeck.web.dependencies import Caller, TheHouse
from quarterdeck.web.encoded import encoded_stream, message_key
from quarterdeck.web.streams import BoundedStream

router = APIRouter(prefix="/api/ag-ui", tags=["other front ends"])


class AgUiMessage(BaseModel):
    id: str = ""
    role: str
    content: str | list[dict[str, Any]] | None = None


class ForwardedProps(BaseModel):
    """What AG-UI passes on to the agent as it is."""

    model: Annotated[str, Field(max_length=300)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    assistant: Annotated[str, Field(max_length=MAX_ID_CHARS)] | None = None
    instructions: str | None = None


class RunAgentInput(BaseModel):
    """Of the messages only the last one is read: the log is the server's. Context and state are not used; tools of the
    front end are refused, so that nobody waits for calls that never come.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "threadId": "more-cats",
                    "runId": "run-1",
                    "messages": [{"id": "m1", "role": "user", "content": "Names for a cat?"}],
                    "tools": [],
                    "context": [],
                    "forwardedProps": {"temperature": 0.7},
                }
            ]
        }
    )

    threadId: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]  # noqa: N815  # the wire's own spelling
    runId: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]  # noqa: N815
    messages: list[AgUiMessage]
    tools: list[dict[str, Any]] = []
    forwardedProps: ForwardedProps | None = None  # noqa: N815


@router.post("", response_class=BoundedStream)
async def run_agent(house: TheHouse, caller: Caller, asked: RunAgentInput) -> Response:
    """Run the agent: ask, and read the answer as AG-UI's events.

    The same message sent again is the same turn, told from its beginning. It goes on if you leave.
    """
    if asked.tools:
        raise InputError("Tools of a front end cannot be called here: send `tools` empty. This server offers its own.")
    message = asked.messages[-1] if asked.messages else None
    if message is None or message.role != "user":
        raise InputError("The last message must be the user's.")
    props = asked.forwardedProps or ForwardedProps()
    send = Send(
        key=message_key(asked.threadId, message.id) if message.id else new_id(),
        conversation=asked.threadId,
        text=_text_of(message),
        model=props.model,
        temperature=props.temperature,
        assistant=props.assistant,
        instructions=props.instructions,
    )
    accepted = await house.turns.send(caller.user, send)
    return await encoded_stream(house, accepted.row, AgUi(asked.threadId, asked.runId).encode, {})


def _text_of(message: AgUiMessage) -> str:
    """Raises: `InputError` for what cannot be sent."""
    if isinstance(message.content, str):
        return message.content
    parts = message.content or []
    if any(part.get("type") != "text" for part in parts):
        raise InputError("Only text can be sent this way yet.")
    return "\n\n".join(str(part.get("text", "")) for part in parts)
