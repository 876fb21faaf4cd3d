"""A request of an API client that is kept: the last message becomes a turn of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.domain.asked import ApiRequest
from quarterdeck.domain.parts import ImagePart, Part, TextPart, plain_text
from quarterdeck.domain.step import PromptMessage
from quarterdeck.errors import NotFoundError, ParameterError
from quarterdeck.store.conversations import find_conversation
from quarterdeck.turns.record import Accepted, Send
from quarterdeck.views.kept_wishes import kept_chat_wishes, kept_response_wishes
from quarterdeck.views.openai_chat_request import ChatRequest, check_chat, image_addresses, read_messages
from quarterdeck.views.openai_conversations import OWN_NAME
from quarterdeck.views.openai_responses_request import ID, ResponsesRequest
from quarterdeck.web.api_models import Target, fetch_images
from quarterdeck.web.house import House


class _Given(Struct, frozen=True):
    """Beside what is said; the temperature holds for the conversation from then on, the rest for this answer."""

    temperature: float | None
    wishes: ApiRequest | None


async def send_to_conversation(
    house: House, caller: Principal, asked: ChatRequest, target: Target, key: str
) -> Accepted:
    """What was said before is there already: of `messages` only the last one counts, and the instructions.

    Raises: `ParameterError`, `NotFoundError`; as `Turns.send`.
    """
    check_chat(asked)
    wishes = kept_chat_wishes(asked)
    last = len(asked.messages) - 1
    if asked.messages[last].role != "user":
        raise ParameterError("The last message must be the user's.", f"messages.[{last}].role")
    counted = [message for message in asked.messages[:-1] if message.role in ("system", "developer")]
    counted.append(asked.messages[last])
    read = read_messages(counted, await fetch_images(house, image_addresses(counted)))
    name = asked.conversation_name()
    await _check_name(house, caller, name)
    _refuse_empty(read, f"messages.[{last}].content")
    send = _send_of(key, name, read, target, _Given(asked.temperature, wishes))
    return await house.turns.send(caller.user, send)


async def respond_in_conversation(
    house: House, caller: Principal, asked: ResponsesRequest, target: Target, wanted: ApiRequest, key: str
) -> Accepted:
    """The same for a response. Raises: as `send_to_conversation`."""
    wishes = kept_response_wishes(asked, wanted)
    messages = wanted.step.messages
    said = [message for message in messages if message.role != "system"]
    if len(said) != 1 or said[0].role != "user":
        raise ParameterError("A conversation has what was said before: send one message, the user's.", "input")
    if wanted.instructions:
        messages = [PromptMessage("system", [TextPart(wanted.instructions)]), *messages]
    name = asked.conversation_name()
    await _check_name(house, caller, name)
    _refuse_empty(messages, "input")
    send = _send_of(key, name, messages, target, _Given(asked.temperature, wishes))
    return await house.turns.send(caller.user, send)


def _refuse_empty(messages: Sequence[PromptMessage], place: str) -> None:
    """A conversation keeps what is said. Raises: `ParameterError`."""
    said = [part for message in messages if message.role == "user" for part in message.parts]
    if not plain_text(said).strip() and not any(isinstance(part, ImagePart) for part in said):
        raise ParameterError("The message is empty: a conversation keeps no such message.", place)


def _send_of(key: str, name: str, messages: Sequence[PromptMessage], target: Target, given: _Given) -> Send:
    """`messages`: instructions, and the one message of the user."""
    said: list[Part] = [part for message in messages if message.role == "user" for part in message.parts]
    instructions = "\n\n".join(plain_text(message.parts) for message in messages if message.role == "system")
    return Send(
        key=key,
        conversation=name,
        text=plain_text(said),
        parts=said if any(isinstance(part, ImagePart) for part in said) else [],
        model=target.model,
        temperature=given.temperature,
        assistant=target.assistant or None,
        instructions=instructions or None,
        asked=given.wishes,
    )


async def _check_name(house: House, caller: Principal, name: str) -> None:
    """Any other name makes a conversation; those of this server's own making must be there. Raises: `NotFoundError`."""
    if not name.startswith((OWN_NAME, ID)):
        return
    row = await house.database.read(lambda connection: find_conversation(connection, caller.user, name))
    if row is None or row.is_hidden:
        raise NotFoundError("There is no such conversation.")
