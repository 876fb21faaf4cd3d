"""`/v1/models`: models, and assistants beside them, in OpenAI's shape (or Anthropic's: its client asks there, too)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from quarterdeck.accounts.authenticate import Principal
from quarterdeck.context.assistants import BUILT_IN
from quarterdeck.errors import ModelNotFoundError, QuarterdeckError
from quarterdeck.store.assistants import list_visible_assistants
from quarterdeck.views.anthropic_errors import anthropic_error, anthropic_status
from quarterdeck.web.api_models import ASSISTANT, find_target, who_is
from quarterdeck.web.dependencies import TheHouse
from quarterdeck.web.foreign_route import ApiCaller, OpenAIRoute
from quarterdeck.web.house import House


class ModelsRoute(OpenAIRoute):
    """Asked by either client: each is told errors as it knows them."""

    def tell(self, request: Request, error: QuarterdeckError) -> JSONResponse:
        if _is_anthropics(request):
            return JSONResponse(anthropic_error(error), anthropic_status(error))
        return super().tell(request, error)


router = APIRouter(prefix="/v1", tags=["OpenAI's API"], route_class=ModelsRoute)

_CREATED = 1_700_000_000  # nobody tells when a model was made


@router.get("/models")
async def list_models(house: TheHouse, caller: ApiCaller, request: Request) -> dict[str, Any]:
    """List the models you may use, and the assistants, which can be asked like models."""
    names = await _names(house, caller)
    if _is_anthropics(request):
        data = [_anthropic(name, label) for name, (_, label) in names.items()]
        first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        return {"data": data, "has_more": False, "first_id": first, "last_id": last}
    return {"object": "list", "data": [_openai(name, owner) for name, (owner, _) in names.items()]}


@router.get("/models/{model:path}")
async def get_model(house: TheHouse, caller: ApiCaller, request: Request, model: str) -> dict[str, Any]:
    """One of them."""
    names = await _names(house, caller)
    if model not in names:
        target = await find_target(house, caller, model)
        if target.model not in names and not target.assistant:
            raise ModelNotFoundError(f"The model “{model[:60]}” does not exist here.")
        owner, label = target.model.partition("/")[0], model
    else:
        owner, label = names[model]
    return _anthropic(model, label) if _is_anthropics(request) else _openai(model, owner)


def _is_anthropics(request: Request) -> bool:
    return "anthropic-version" in request.headers


async def _names(house: House, caller: Principal) -> dict[str, tuple[str, str]]:
    """By id: who offers it, and what people call it."""
    found = await house.registry.models()
    who = who_is(caller)
    names = {
        profile.id: (profile.provider, profile.name)
        for profile in found.items
        if house.limits.is_allowed(who, profile.id)
    }
    rows = await house.database.read(lambda connection: list_visible_assistants(connection, caller.user))
    own = [(assistant.id, assistant.name) for assistant in BUILT_IN] + [(row.id, row.name) for row in rows]
    return names | {f"{ASSISTANT}{identifier}": ("quarterdeck", name) for identifier, name in own}


def _openai(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": owner}


def _anthropic(name: str, label: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": label, "created_at": "2023-11-14T22:13:20Z"}
