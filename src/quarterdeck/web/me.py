"""The server's settings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from quarterdeck import __version__
from quarterdeck.domain.events import FeedModels
from quarterdeck.store.settings import save_setting
from quarterdeck.web.dependencies import Administrator, Caller, TheHouse
from quarterdeck.web.house import PROVIDERS_CHANGED, House
from quarterdeck.web.stored_providers import DEFAULT_MODEL

router = APIRouter(prefix="/api", tags=["settings"])


class SettingsChange(BaseModel):
    """The model for new conversations; empty: chosen by what is connected."""

    default_model: Annotated[str, Field(max_length=300)]


@router.get("/settings")
async def get_settings(house: TheHouse, caller: Caller) -> dict[str, Any]:
    """The server's settings."""
    return await _document(house)


@router.patch("/settings")
async def change_settings(house: TheHouse, caller: Administrator, wanted: SettingsChange) -> dict[str, Any]:
    """Choose the model for new conversations."""
    if wanted.default_model:
        await house.registry.look_for(wanted.default_model)
        house.registry.provider_for(wanted.default_model)
    await house.database.write(lambda connection: save_setting(connection, DEFAULT_MODEL, wanted.default_model))
    house.registry.stored_default = wanted.default_model
    await house.bell.tell(PROVIDERS_CHANGED)
    house.feed.tell(caller.user, FeedModels())
    return await _document(house)


async def _document(house: House) -> dict[str, Any]:
    return {
        "default_model": await house.registry.default_model(),
        "public_url": house.settings.public_url,
        "data_dir": str(house.settings.data_dir),
        "version": __version__,
    }
