"""What the settings page has stored of providers, as this process uses it: at its start, and when the bell rings."""

from __future__ import annotations

from quarterdeck.accounts.vault import Vault
from quarterdeck.diagnostics import get_logger, register_secret
from quarterdeck.errors import SetupError
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.presets import BY_NAME
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import Database
from quarterdeck.store.settings import list_endpoints, read_setting

logger = get_logger("quarterdeck.bell")

DEFAULT_MODEL = "default_model"  # the setting's name


async def load_providers(registry: Registry, database: Database, vault: Vault) -> None:
    """What the settings page has stored: providers and the default model."""
    stored, locked = await load_stored(database, vault)
    for name in locked:
        logger.error("provider_key_locked", provider=name, reason="the key does not open it; enter it again")
    registry.set_stored(stored)
    for endpoint in registry.endpoints():
        register_secret(endpoint.key)
    registry.stored_default = await database.read(lambda connection: read_setting(connection, DEFAULT_MODEL))


async def load_stored(database: Database, vault: Vault) -> tuple[list[Endpoint], list[str]]:
    """Endpoints from the settings page with their keys, and the names of those whose key cannot be opened."""
    stored: list[Endpoint] = []
    locked: list[str] = []
    for row in await database.read(list_endpoints):
        try:
            key = vault.open(row.key_sealed, f"endpoint:{row.name}") if row.key_sealed else ""
        except SetupError:
            locked.append(row.name)
            key = ""
        preset = BY_NAME.get(row.name)
        stored.append(
            Endpoint(
                name=row.name,
                label=row.label,
                dialect=row.dialect,
                base_url=row.base_url,
                key=key,
                origin="settings",
                needs_key=preset.needs_key if preset else False,
            )
        )
    return stored, locked
