"""A request of an API client that is kept: the last message becomes a turn of a conversation."""

from __future__ import annotations

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.errors import ParameterError
from quarterdeck.turns.record import Accepted, Send
from quarterdeck.views.openai_chat_request import ChatMessage, ChatRequest
from quarterdeck.web.api_models import Target
from quarterdeck.web.house import House

_STATELESS = ("tools", "response_format", "logprobs", "stop")
"""What a turn of a conversation cannot be asked for."""


async def send_to_conversation(
    house: House, caller: Principal, asked: ChatRequest, target: Target, key: str
) -> Accepted:
    """What was said before is there already: of `messages` only the last one counts, and the instructions.

    Raises: `ParameterError`; as `Turns.send`.
    """
    for name in _STATELESS:
        if getattr(asked, name):
            raise ParameterError(f"`{name}` cannot be used with a conversation.", name)
    if (asked.n or 1) > 1:
        raise ParameterError("A conversation has one answer: `n` must be 1.", "n")
    last = len(asked.messages) - 1
    if asked.messages[last].role != "user":
        raise ParameterError("The last message must be the user's.", f"messages.[{last}].role")
    system = [message for message in asked.messages if message.role in ("system", "developer")]
    instructions = "\n\n".join(_text(message, "messages") for message in system)
    return await house.turns.send(
        caller.user,
        Send(
            key=key,
            conversation=asked.conversation_name(),
            text=_text(asked.messages[last], f"messages.[{last}].content"),
            model=target.model,
            temperature=asked.temperature,
            assistant=target.assistant or None,
            instructions=instructions or None,
        ),
    )


def _text(message: ChatMessage, place: str) -> str:
    if isinstance(message.content, str) or message.content is None:
        return message.content or ""
    if any(part.type != "text" for part in message.content):
        raise ParameterError("A message that is kept in a conversation is text only.", place)
    return "".join(part.text or "" for part in message.content)
