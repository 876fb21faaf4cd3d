"""Connected providers: list, connect, test, remove. A key goes in and never comes out again."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from quarterdeck.diagnostics import register_secret
from quarterdeck.domain.events import FeedModels
from quarterdeck.errors import ConflictError, InputError, NotFoundError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.presets import BY_NAME, PRESETS
from quarterdeck.store.database import WriteConnection
from quarterdeck.store.locks import lock_secrets
from quarterdeck.store.settings import EndpointRow, delete_endpoint, save_endpoint
from quarterdeck.web.dependencies import Administrator, TheHouse
from quarterdeck.web.house import PROVIDERS_CHANGED, House
from quarterdeck.web.stored_providers import load_stored

router = APIRouter(prefix="/api/providers", tags=["providers"])

Dialect = Literal["openai", "anthropic", "gemini"]
Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class ProviderChange(BaseModel):
    """`key` omitted: the stored one stays. `dialect` omitted: the preset's, else OpenAI's."""

    base_url: Annotated[str, Field(min_length=8, max_length=500)]
    key: Annotated[str, Field(max_length=1000)] | None = None
    label: Annotated[str, Field(max_length=80)] = ""
    dialect: Dialect | None = None


class ProviderTest(ProviderChange):
    name: Name


@router.get("")
async def list_all(house: TheHouse, caller: Administrator) -> dict[str, Any]:
    """List what is connected and how it is doing, and the presets there are."""
    await house.registry.models()
    items = [_connected(house, endpoint) for endpoint in house.registry.endpoints()]
    presets = [
        {
            "name": preset.name,
            "label": preset.label,
            "dialect": preset.dialect,
            "base_url": preset.base_url,
            "needs_key": preset.needs_key,
            "key_url": preset.key_url,
        }
        for preset in PRESETS
    ]
    return {"items": items, "presets": presets}


@router.post("/test")
async def test_connection(house: TheHouse, caller: Administrator, wanted: ProviderTest) -> dict[str, Any]:
    """Test a connection: ask for its models now. Nothing is stored."""
    endpoint = _endpoint(wanted.name, wanted, _known_key(house, wanted))
    register_secret(endpoint.key)
    return dict(msgspec.to_builtins(await house.registry.test(endpoint)))


@router.put("/{name}")
async def connect(house: TheHouse, caller: Administrator, name: Name, wanted: ProviderChange) -> dict[str, str]:
    """Connect or change a provider. Keys are stored encrypted."""
    if name == "builtin":
        raise ConflictError("The built-in log reader cannot be changed.")
    endpoint = _endpoint(name, wanted, _known_key(house, wanted, name))
    register_secret(endpoint.key)

    def save(connection: WriteConnection) -> None:
        lock_secrets(connection)
        sealed = house.vault.seal(endpoint.key, f"endpoint:{name}") if endpoint.key else None
        save_endpoint(connection, EndpointRow(name, endpoint.label, endpoint.dialect, endpoint.base_url, sealed))

    await house.database.write(save)
    await _reload(house)
    await house.bell.tell(PROVIDERS_CHANGED)
    house.feed.tell(caller.user, FeedModels())
    return {"name": name}


@router.delete("/{name}", status_code=204)
async def remove(house: TheHouse, caller: Administrator, name: str) -> Response:
    """Remove a provider that was connected here. Those of the environment are removed there."""
    if not await house.database.write(lambda connection: delete_endpoint(connection, name)):
        raise NotFoundError("No such provider was connected in the settings.")
    await _reload(house)
    await house.bell.tell(PROVIDERS_CHANGED)
    house.feed.tell(caller.user, FeedModels())
    return Response(status_code=204)


def _connected(house: House, endpoint: Endpoint) -> dict[str, Any]:
    state = house.registry.state_of(endpoint.name)
    return {
        "name": endpoint.name,
        "label": endpoint.label,
        "dialect": endpoint.dialect,
        "base_url": endpoint.base_url,
        "key_set": bool(endpoint.key),
        "key_hint": endpoint.key[-4:] if len(endpoint.key) >= 16 else "",
        "origin": endpoint.origin,
        "state": state.state,
        "message": state.message,
        "models": state.models,
    }


async def _reload(house: House) -> None:
    stored, _ = await load_stored(house.database, house.vault)
    house.registry.set_stored(stored)


def _known_key(house: House, wanted: ProviderChange, name: str = "") -> str:
    """The key given; else the stored one, but only for the address it was stored for."""
    if wanted.key is not None:
        return wanted.key.strip()
    name = name or (wanted.name if isinstance(wanted, ProviderTest) else "")
    for endpoint in house.registry.endpoints():
        if endpoint.name == name and endpoint.base_url.rstrip("/") == wanted.base_url.strip().rstrip("/"):
            return endpoint.key
    return ""


def _endpoint(name: str, wanted: ProviderChange, key: str) -> Endpoint:
    base_url = wanted.base_url.strip().rstrip("/")
    parts = _split_address(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError("The base URL must hold no user name, password or query: put the key in its own field.")
    if any(character.isspace() or not character.isprintable() for character in key):
        raise InputError("The key contains a space or an invisible character. Copy it again.")
    if not key.isascii():
        raise InputError("The key contains a character that no key has. Copy it again.")
    preset = BY_NAME.get(name)
    return Endpoint(
        name=name,
        label=wanted.label.strip() or (preset.label if preset else name),
        dialect=wanted.dialect or (preset.dialect if preset else "openai"),
        base_url=base_url,
        key=key,
        origin="settings",
        needs_key=preset.needs_key if preset else False,
    )


def _split_address(base_url: str) -> SplitResult:
    """Raises: `InputError` unless it is an address that a request can be sent to."""
    try:
        parts = urlsplit(base_url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port beyond 65535
        is_good = False
    if not is_good or any(character.isspace() for character in base_url):
        raise InputError("The base URL must look like https://api.example.com/v1.")
    return parts
