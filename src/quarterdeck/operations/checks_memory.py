"""Whether the model that finds by meaning is there and answers, and how much it has still to do."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quarterdeck.config import Settings
from quarterdeck.errors import QuarterdeckError, SetupError
from quarterdeck.memory.choosing import MemoryState, describe_comparing, read_state
from quarterdeck.memory.embedding import Embedding, check_model
from quarterdeck.operations.checks_providers import open_stored_endpoints
from quarterdeck.operations.findings import Finding, fail, ok, warn
from quarterdeck.providers.registry import Registry
from quarterdeck.store.database import ReadConnection
from quarterdeck.store.migrate import HEAD
from quarterdeck.store.transfer_places import SqlitePlace, place_of
from quarterdeck.store.transfer_schema import read_revision

_ANOTHER = "Choose another model under Administration → Memory, or make this one answer."


async def check_memory(settings: Settings, is_online: bool) -> AsyncIterator[Finding]:
    state = await _read(settings)
    model = settings.embedding_model if state is None else state.model
    if not model:
        yield ok("memory", "finds by words alone; no embedding model is chosen")
        return
    fault = await _find_fault(settings, model, is_online)
    if fault:
        yield fail("memory", fault, _ANOTHER)
    elif state is None:
        yield ok("memory", f"{model} will make the vectors")
    elif state.error and not is_online:
        yield warn("memory", f"{model} made no vectors when it was asked last: {state.error}", _ANOTHER)
    elif state.missing:
        said = f"{model} has made {state.vectors.get(state.space, 0)} vectors, {state.missing} are missing"
        yield warn("memory", said, "The running server makes them; `quarterdeck memory status` shows how far it is.")
    else:
        made = state.vectors.get(state.space, 0)
        yield ok("memory", f"{model} has made {made} vectors, none is missing; compared by {describe_comparing(state)}")


async def _read(settings: Settings) -> MemoryState | None:
    """None where the database cannot be read as it is: another check says so."""
    place = place_of(settings.database_url, settings.data_dir)
    if isinstance(place, SqlitePlace) and not place.path.exists():
        return None
    try:
        return await place.read(
            lambda connection: (
                read_state(ReadConnection(connection), settings.embedding_model)
                if read_revision(connection) == HEAD
                else None
            )
        )
    except SetupError:
        return None


async def _find_fault(settings: Settings, model: str, is_online: bool) -> str:
    """Why the model makes no vectors here; a provider's is asked only when that is wanted."""
    try:
        check_model(model, settings.models_dir)
        if is_online:
            await _ask(settings, model)
    except QuarterdeckError as error:
        return error.message
    return ""


async def _ask(settings: Settings, model: str) -> None:
    registry = Registry(settings)
    try:
        registry.set_stored(await open_stored_endpoints(settings))
        await registry.models()
        await Embedding(registry, "", settings.models_dir).prove(model)
    finally:
        await registry.close()
