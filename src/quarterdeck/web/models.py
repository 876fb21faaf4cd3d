"""Models: what a message can be sent to."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from quarterdeck.accounts.subjects import Who
from quarterdeck.web.dependencies import Caller, TheHouse

router = APIRouter(prefix="/api", tags=["models"])


@router.get("/models")
async def list_models(
    house: TheHouse,
    caller: Caller,
    refresh: Annotated[bool, Query(description="Ask the providers again.")] = False,
) -> dict[str, Any]:
    """List the models you may use, of all connected providers. With what is known of each, labels, what failed and why.

    A `price` (US dollars for a million tokens) is missing where nobody knows it; such models count in tokens only.
    """
    found = await house.registry.models(refresh=refresh)
    who = Who(caller.user, caller.role)
    return {
        "items": msgspec.to_builtins([model for model in found.items if house.limits.is_allowed(who, model.id)]),
        "labels": {endpoint.name: endpoint.label for endpoint in house.registry.endpoints()},
        "errors": msgspec.to_builtins(found.errors),
        "default": await house.limits.default_model(caller.user),
    }
