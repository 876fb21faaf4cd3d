"""Which models can be reached: keys that are there and open, and, when asked for, whether they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from quarterdeck.accounts.vault import Vault, load_vault
from quarterdeck.config import Settings
from quarterdeck.diagnostics import register_secret
from quarterdeck.errors import SetupError
from quarterdeck.operations.findings import Finding, fail, ok, warn
from quarterdeck.providers.base import Endpoint
from quarterdeck.providers.presets import BY_NAME, endpoints_of
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.migrate import HEAD
from quarterdeck.store.settings import EndpointRow, list_endpoints
from quarterdeck.store.transfer_places import SqlitePlace, place_of
from quarterdeck.store.transfer_schema import read_revision

_ONLINE_S = 10.0


async def check_providers(settings: Settings, is_online: bool) -> AsyncIterator[Finding]:
    rows = await _stored(settings)
    vault, finding = _open_vault(settings, any(row.key_sealed for row in rows))
    yield finding
    stored, locked = _open_keys(rows, vault)
    for name in locked:
        yield fail("secret key", f"the stored key of {name} cannot be opened", "Enter it again under Settings.")
    endpoints = stored + [
        endpoint for endpoint in endpoints_of(settings.environment) if endpoint.name not in {row.name for row in rows}
    ]
    for endpoint in endpoints:
        register_secret(endpoint.key)
    if not endpoints:
        advice = "Set a key such as OPENAI_API_KEY, or connect one under Settings."
        yield warn("providers", "none is connected; only servers on this machine are looked for", advice)
    elif is_online:
        for finding in await _ask_all(settings, endpoints):
            yield finding
    else:
        for finding in _list(endpoints, set(locked)):
            yield finding


async def open_stored_endpoints(settings: Settings) -> list[Endpoint]:
    """Those of the settings page with their keys, as far as they can be opened."""
    rows = await _stored(settings)
    vault, _ = _open_vault(settings, is_needed=bool(rows))
    endpoints, _ = _open_keys(rows, vault)
    for endpoint in endpoints:
        register_secret(endpoint.key)
    return endpoints


async def _stored(settings: Settings) -> list[EndpointRow]:
    """Nothing where the database cannot be read as it is: another check says so."""
    place = place_of(settings.database_url, settings.data_dir)
    if isinstance(place, SqlitePlace) and not place.path.exists():
        return []
    try:
        return await place.read(
            lambda connection: list_endpoints(ReadConnection(connection)) if read_revision(connection) == HEAD else []
        )
    except SetupError:
        return []


def _open_vault(settings: Settings, is_needed: bool) -> tuple[Vault | None, Finding]:
    file = settings.data_dir / "secret.key"
    if not settings.secret_key and not file.exists():
        if is_needed:
            advice = "Put it back into the data folder, or enter the provider keys again under Settings."
            return None, fail("secret key", "secret.key is not there, and stored provider keys need it", advice)
        return None, ok("secret key", "not there yet; the first start makes it")
    try:
        vault = load_vault(file, settings.secret_key)
    except (SetupError, OSError) as error:
        said = error.message if isinstance(error, SetupError) else f"{file} cannot be read ({error.strerror})"
        return None, fail("secret key", said, "Restore it, or enter the provider keys again under Settings.")
    return vault, ok("secret key", "from QUARTERDECK_SECRET_KEY" if settings.secret_key else "in the data folder")


def _open_keys(rows: list[EndpointRow], vault: Vault | None) -> tuple[list[Endpoint], list[str]]:
    """The stored endpoints with their keys, and the names of those whose key stays shut."""
    opened, locked = [], []
    for row in rows:
        key = ""
        if row.key_sealed and vault is not None:
            try:
                key = vault.open(row.key_sealed, f"endpoint:{row.name}")
            except SetupError:
                locked.append(row.name)
        opened.append(_endpoint(row, key))
    return opened, locked


def _endpoint(row: EndpointRow, key: str) -> Endpoint:
    preset = BY_NAME.get(row.name)
    return Endpoint(
        name=row.name, label=row.label, dialect=row.dialect, base_url=row.base_url, key=key, origin="settings",
        needs_key=preset.needs_key if preset else False,
    )  # fmt: skip


def _list(endpoints: list[Endpoint], locked: set[str]) -> Iterator[Finding]:
    for endpoint in endpoints:
        if endpoint.key or not endpoint.needs_key:
            yield ok("provider", f"{endpoint.name} is connected (from {endpoint.origin}); not asked, see --online")
        elif endpoint.name not in locked:
            yield warn("provider", f"{endpoint.name} has no key", "Set its key, or enter it under Settings.")


async def _ask_all(settings: Settings, endpoints: list[Endpoint]) -> list[Finding]:
    registry = Registry(settings, probes=())
    try:
        return list(await asyncio.gather(*(_ask(registry, endpoint) for endpoint in endpoints)))
    finally:
        await registry.close()


async def _ask(registry: Registry, endpoint: Endpoint) -> Finding:
    try:
        async with asyncio.timeout(_ONLINE_S):
            result = await registry.test(endpoint)
    except TimeoutError:
        return fail("provider", f"{endpoint.name} did not answer within {_ONLINE_S:.0f} s", "Check the network.")
    if result.ok:
        return ok("provider", f"{endpoint.name} answers in {result.latency_ms} ms, {result.models} models")
    return fail("provider", f"{endpoint.name}: {result.message}", "See Settings → Models and keys.")
