"""Asking a cheap model something beside the answers: a title, a summary. Whoever asks gets a reply or a reason, never
an error, and whoever waits for an answer is not kept waiting by it.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from quarterdeck.accounts.limits import FREE, Limits
from quarterdeck.accounts.spending import Call, Spending
from quarterdeck.accounts.subjects import Who
from quarterdeck.diagnostics import get_logger
from quarterdeck.domain.parts import TextPart
from quarterdeck.domain.step import PromptMessage, StepRequest, TextChunk
from quarterdeck.domain.usage import ModelProfile
from quarterdeck.errors import ModelNotFoundError, ProviderError, QuarterdeckError
from quarterdeck.providers.base import Provider
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.users import find_role

logger = get_logger("quarterdeck.asking")

_AT_ONCE = 4  # of one process: answers come first
_LONGEST_S = 120.0
_ROOM_TO_THINK = 4_000  # tokens, for models that think before they speak


class Errand(Struct, frozen=True, kw_only=True):
    """`model` is the conversation's: asked where no cheaper one is set, connected and allowed.

    `purpose` is what the usage is written down for: `title`, `summary`.
    """

    user: str
    model: str
    purpose: str
    instructions: str
    text: str
    output_tokens: int


class Reply(Struct, frozen=True):
    """`text` is empty when there is none; `code` and `reason` then say why, in the words of the error tree."""

    text: str
    model: str
    code: str = ""
    reason: str = ""


class Asking:
    """One per process. `model`: the cheap one (`QUARTERDECK_BACKGROUND_MODEL`), or empty."""

    def __init__(
        self, database: Database, registry: Registry, limits: Limits, spending: Spending, model: str = ""
    ) -> None:
        self._database = database
        self._registry = registry
        self._limits = limits
        self._spending = spending
        self._model = model
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def profile_for(self, user: str, model: str) -> ModelProfile | None:
        """Of the model that an errand of `user` in a conversation with `model` is given to; None: there is none."""
        try:
            return (await self._choose(user, model))[1]
        except QuarterdeckError:
            return None

    async def ask_in_background(self, errand: Errand) -> Reply:
        """One request in the user's budget. Errors are logged and told in the reply, never raised."""
        asked = errand.model
        try:
            provider, profile = await self._choose(errand.user, errand.model)
            asked = profile.id
            async with self._places, asyncio.timeout(_LONGEST_S):
                text = await self._ask(errand, provider, profile)
        except TimeoutError:
            return _failed(errand, asked, ProviderError("The model took too long."))
        except QuarterdeckError as error:
            return _failed(errand, asked, error)
        return Reply(text, asked) if text else _failed(errand, asked, ProviderError("The model said nothing."))

    async def _ask(self, errand: Errand, provider: Provider, profile: ModelProfile) -> str:
        room = _ROOM_TO_THINK if profile.can_reason else 0
        request = StepRequest(
            model=profile.name,
            messages=[
                PromptMessage("system", [TextPart(errand.instructions)]),
                PromptMessage("user", [TextPart(errand.text)]),
            ],
            max_output_tokens=errand.output_tokens + room,
            reasoning_effort="low" if profile.can_reason else None,
        )
        call = Call(
            user=errand.user, profile=profile, input_tokens=0, output_tokens=request.max_output_tokens,
            purpose=errand.purpose,
        )  # fmt: skip
        deltas = await self._spending.complete(call, provider, request)
        return "".join(delta.text for delta in deltas if isinstance(delta, TextChunk)).strip()

    async def _choose(self, user: str, model: str) -> tuple[Provider, ModelProfile]:
        """Raises: `ModelNotFoundError`, `ModelForbiddenError`, `StorageError`."""
        who = Who(user, await self._database.read(lambda connection: find_role(connection, user)))
        if self._model and self._limits.is_allowed(who, self._model):
            try:
                await self._registry.look_for(self._model)
                return self._registry.provider_for(self._model)
            except ModelNotFoundError as error:
                logger.warning("background_model_not_found", model=self._model, reason=error.message)
        if model.startswith(FREE):
            raise ModelNotFoundError("No language model is connected.")
        self._limits.require_allowed(who, model)
        await self._registry.look_for(model)
        return self._registry.provider_for(model)


def _failed(errand: Errand, model: str, error: QuarterdeckError) -> Reply:
    logger.info("errand_failed", purpose=errand.purpose, model=model, code=error.code, reason=error.message)
    return Reply("", model, error.code, error.message)
