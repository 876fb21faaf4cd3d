"""What API clients name as a model: `provider/model`, a model's bare name, or `assistant/…`."""

from __future__ import annotations

import asyncio
import base64

import msgspec
from msgspec import Struct

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.accounts.subjects import Who
from quarterdeck.context.assistants import find_assistant
from quarterdeck.domain.parts import ImagePart, TextPart
from quarterdeck.domain.step import PromptMessage, StepRequest
from quarterdeck.egress.client import Limits as FetchLimits
from quarterdeck.errors import AddressRefusedError, FetchError, InputError, ModelNotFoundError, ParameterError
from quarterdeck.views.given_images import KINDS, MAX_IMAGE_BYTES
from quarterdeck.web.house import House

ASSISTANT = "assistant/"
_MOST_FETCHED = 20


class Target(Struct, frozen=True):
    """`model` is `provider/model`; the rest is an assistant's, empty without one."""

    model: str
    assistant: str = ""
    instructions: str = ""
    temperature: float | None = None


def who_is(caller: Principal) -> Who:
    return Who(caller.user, caller.role)


async def find_target(house: House, caller: Principal, model: str) -> Target:
    """Raises: `ModelNotFoundError`, `ModelForbiddenError`."""
    target = await _find(house, caller, model)
    await house.registry.look_for(target.model)
    house.relay.profile_for(who_is(caller), target.model)
    return target


async def _find(house: House, caller: Principal, model: str) -> Target:
    if model.startswith(ASSISTANT):
        return await _find_assistant(house, caller, model.removeprefix(ASSISTANT))
    if "/" in model:
        return Target(model)
    return Target(await _complete(house, model))


async def _complete(house: House, name: str) -> str:
    """Clients with a vendor's names in them leave out the provider: the first that offers such a model has it."""
    listed = await house.registry.models()
    for profile in listed.items:
        if profile.name == name:
            return profile.id
    for endpoint in house.registry.endpoints():
        if (endpoint.name, name.partition("-")[0]) in (("openai", "gpt"), ("anthropic", "claude")):
            return f"{endpoint.name}/{name}"
    if any(endpoint.name == "openai" for endpoint in house.registry.endpoints()):
        return f"openai/{name}"  # models that are no chat are in no list
    raise ModelNotFoundError(f"The model “{name[:60]}” does not exist here. GET /v1/models lists what there is.")


async def _find_assistant(house: House, caller: Principal, identifier: str) -> Target:
    try:
        found = await house.database.read(lambda connection: find_assistant(connection, caller.user, identifier))
    except InputError as error:
        raise ModelNotFoundError(error.message) from None
    model = found.model or await house.limits.default_model(caller.user)
    return Target(model, found.id, found.instructions, found.temperature)


def with_assistant(step: StepRequest, target: Target) -> StepRequest:
    """What the assistant says comes before everything else."""
    if not target.assistant:
        return step
    messages = step.messages
    if target.instructions:
        messages = [PromptMessage("system", [TextPart(target.instructions)]), *messages]
    temperature = target.temperature if step.temperature is None else step.temperature
    return msgspec.structs.replace(step, messages=messages, temperature=temperature)


async def fetch_images(house: House, urls: list[str]) -> dict[str, ImagePart]:
    """By address, through the client that judges addresses. Raises: `ParameterError`."""
    if len(urls) > _MOST_FETCHED:
        raise ParameterError(f"At most {_MOST_FETCHED} pictures are fetched for one request.", "messages")
    return dict(zip(urls, await asyncio.gather(*(_fetch(house, url) for url in urls)), strict=True))


async def _fetch(house: House, url: str) -> ImagePart:
    try:
        fetched = await house.egress.fetch(url, limits=FetchLimits(max_bytes=MAX_IMAGE_BYTES))
    except (FetchError, AddressRefusedError) as error:
        raise ParameterError(
            f"A picture could not be fetched: {error.message}", "messages", reason="invalid_image_url"
        ) from None
    media_type = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
    if fetched.status != 200 or media_type not in KINDS or not fetched.body:
        raise ParameterError(
            "The address of a picture leads to something else.", "messages", reason="invalid_image_url"
        )
    return ImagePart(media_type, base64.b64encode(fetched.body).decode())
